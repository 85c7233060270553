"""How fast hash lists are read and imported, and how much memory that takes."""

from __future__ import annotations

import importlib
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import psutil

from lapwing.app import House
from lapwing.bank.hash_lists import declare
from lapwing.bank.profiles.registry import profile_named
from lapwing.bank.service import NewList
from lapwing.intake.hash_lists.icse import COLUMNS, IcseFile
from lapwing.intake.hash_lists.vics import VicsFile
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import BankList, ListKind
from lapwing.store.clock import new_id

Row = dict[str, Any]
SEED = 20_260_501
MARKER = "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Media"
MEBIBYTE = 1 << 20


def measure(house: House, organisation: UUID, *, parsed: int, imported: int) -> Iterator[Row]:
    """Rows of what, rows/s, MB/s, processor time and growth of memory.

    Files of `parsed` and `imported` rows of random hashes, two a row. Writes to the organisation.
    """
    with tempfile.TemporaryDirectory(prefix="lapwing-bench-") as folder:
        vics, icse = Path(folder, "list.json"), Path(folder, "list.csv")
        write_vics(vics, parsed)
        write_icse(icse, parsed)
        _drain(VicsFile(vics.open("rb")))  # compiled, and the file in the system's cache
        for what, path, read in (
            ("VICS read", vics, lambda: VicsFile(vics.open("rb"))),
            ("ICSE read", icse, lambda: IcseFile(icse.open("rb"))),
        ):
            yield _timed(what, path, parsed, lambda read=read: _drain(read()))  # type: ignore[misc]
        ijson = _ijson()
        if ijson is not None:
            name = f"the same VICS with ijson ({ijson.backend})"
            yield _timed(name, vics, parsed, lambda: _drain_ijson(ijson, vics))
        small = Path(folder, "import.json")
        write_vics(small, imported)
        listed = _list(house, organisation)
        for what in ("VICS imported, committed", "the same again: all there already"):
            yield _timed(what, small, imported, lambda: _import(house, listed, small))


def write_vics(path: Path, rows: int) -> None:
    """A 1.3 file as programs write it, with what is not read beside what is."""
    with path.open("wb") as to:
        to.write(f'{{"odata.metadata":"{MARKER}","value":['.encode())
        for number, (md5, sha1) in enumerate(_hashes(rows)):
            row = {
                "MediaID": number,
                "Category": 1 + number % 2,
                "MD5": md5.upper(),
                "SHA1": sha1.upper(),
                "MediaSize": "123456",
                "MimeType": "image/jpeg",
                "DateUpdated": "2024-01-02T03:04:05Z",
                "VictimIdentified": "false",
                "OffenderIdentified": "false",
                "IsDistributed": "false",
                "Series": None,
                "MediaFiles": [{"MD5": md5.upper(), "FileName": "a.jpg", "FilePath": "\\a\\b"}],
            }
            to.write(b",\n" if number else b"\n")
            to.write(msgspec.json.encode(row))
        to.write(b"]}\n")


def write_icse(path: Path, rows: int) -> None:
    with path.open("w", newline="") as to:
        to.write(";".join(COLUMNS) + "\r\n")
        for number, (md5, sha1) in enumerate(_hashes(rows)):
            to.write(f"{md5};{sha1};;{number};true;false;false;Series;1;true;image;true\r\n")


def _hashes(rows: int) -> Iterator[tuple[str, str]]:
    rng = np.random.default_rng(SEED)
    for _ in range(rows):
        digits = rng.bytes(36).hex()
        yield digits[:32], digits[32:]


def _timed(what: str, path: Path, rows: int, run: Callable[[], None]) -> Row:
    process = psutil.Process()
    memory, start, worked = process.memory_info().rss, perf_counter(), process_time()
    run()
    seconds, processor = perf_counter() - start, process_time() - worked
    size = path.stat().st_size
    return {
        "what": what,
        "rows/s": round(rows / seconds),
        "MB/s": round(size / seconds / 1e6, 1),
        "rows per processor second": round(rows / processor),
        "memory grew by (MiB)": round((process.memory_info().rss - memory) / MEBIBYTE, 1),
        "note": f"{rows:,} rows, {size / 1e6:.0f} MB, load average {os.getloadavg()[0]:.1f}",
    }


def _drain(entries: Any) -> None:
    deque(entries, maxlen=0)


def _drain_ijson(ijson: Any, path: Path) -> None:
    with path.open("rb") as stream:
        _drain(ijson.items(stream, "value.item"))


def _import(house: House, listed: BankList, path: Path) -> None:
    declared = declare(ListKind.BLOCK, "bench", profile_named("iped"))
    with path.open("rb") as stream:
        read = VicsFile(stream)
        house.hash_lists.import_rows(
            listed.organisation, SYSTEM, listed, declared, iter(read), form="vics"
        )


def _list(house: House, organisation: UUID) -> BankList:
    new = NewList(
        name=f"bench {new_id()}",
        kind=ListKind.BLOCK,
        source="bench",
        basis="measurement",
        category="random",
    )
    return house.bank.create_list(organisation, SYSTEM, new)


def _ijson() -> Any:
    """The module where it happens to be installed; Lapwing does not ask for it."""
    try:
        return importlib.import_module("ijson")
    except ImportError:
        return None
