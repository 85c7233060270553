"""Structs are ready before threads read into them."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from msgspec import Struct

from lapwing.model.structs import prepare_structs

RACE = textwrap.dedent(
    """
    import sys, threading, types
    import msgspec
    from lapwing.model.structs import prepare_structs

    FIELDS = "".join(f"    field_{n}: 'Inner | None' = None\\n" for n in range(30))
    SOURCE = (
        "from msgspec import Struct\\n"
        "class Inner(Struct):\\n    number: int\\n    names: 'list[str]'\\n"
        "class Outer(Struct):\\n" + FIELDS
    )
    RAW = b'{"field_3": {"number": 1, "names": ["x"]}, "field_29": {"number": 2, "names": []}}'

    def read(outer, gate):
        gate.wait()
        for _ in range(5):
            msgspec.json.decode(RAW, type=outer)

    sys.setswitchinterval(1e-6)
    for _ in range(60):
        module = sys.modules["lapwing.made"] = types.ModuleType("lapwing.made")
        exec(SOURCE, module.__dict__)
        prepare_structs()
        gate = threading.Barrier(6)
        threads = [threading.Thread(target=read, args=(module.Outer, gate)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    """
)


def test_threads_that_read_a_type_for_the_first_time_at_once_do_not_die() -> None:
    """They did: msgspec shows a type to other threads before it is complete."""
    ended = subprocess.run(
        [sys.executable, "-c", RACE], capture_output=True, text=True, timeout=120
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_what_cannot_be_read_into_does_not_keep_the_others_from_it() -> None:
    class Odd(Struct):
        either: Struct | Odd

    Odd.__module__ = "lapwing.made"
    assert prepare_structs() > 0
