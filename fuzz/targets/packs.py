"""Rule packs: TOML of strangers is a pack of checked rules, or is refused with its place."""

from __future__ import annotations

from importlib.resources import files

from lapwing.decide.packs import load_pack
from lapwing.model.errors import InvalidInput

LONGEST = 16_384
_SMALL = b"""id = "small"
title = "Small"
source = "here"
reviewed = 2026-01-31
[[rules]]
id = "first"
when = '''kind == "url"
and contains(url, "example")'''
actions = ["review", "case"]
why = "It is an example."
source = "here"
reviewed = 2026-01-31
"""

SEEDS = [
    _SMALL,
    _SMALL + _SMALL.partition(b"\n[[")[2].join([b"[[", b""]),
    b'[[rules]]\n"when" = "a\\u0041"\n' + _SMALL,
    b"a = " + b"[" * 100,
    *(
        file.read_bytes()
        for file in files("lapwing.decide").joinpath("packs").iterdir()
        if file.name.endswith(".toml")
    ),
]


def one(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    try:
        pack = load_pack(text, "fuzz.toml")
    except InvalidInput as error:
        assert error.message.startswith("fuzz.toml"), "the file is not named"
        return
    assert pack.rules
    again = load_pack(text, "other.toml")
    assert again.name == pack.name, "the version of one text differs"
    assert [rule.id for rule in again.rules] == [rule.id for rule in pack.rules]
