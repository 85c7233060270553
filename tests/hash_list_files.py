"""Hash-list files of random hashes, for tests: VICS in its versions, ICSE. Nobody's pictures."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from typing import Any

MARKS = {
    "1.1": ("odata.metadata", "http://github.com/ICMEC/ProjectVic/DataModels/1.1.xml#{}"),
    "1.2": ("odata.metadata", "http://github.com/ICMEC/ProjectVic/DataModels/1.2.xml#{}"),
    "1.3": ("odata.metadata", "http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#{}"),
    "2.0": (
        "@odata.context",
        "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#{}",
    ),
}
ICSE_HEADER = (
    "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;"
    "Series name;Number of submissions;File Available;Media Type;Baseline"
)


def digits(seed: int, length: int) -> str:
    """Hex digits that only this seed gives."""
    return f"{random.Random(seed).getrandbits(4 * length):0{length}x}"  # noqa: S311


def media(number: int, **changes: Any) -> dict[str, Any]:
    """A row as a 1.3 file has it."""
    row = {
        "MediaID": number,
        "Category": 1,
        "MD5": digits(number, 32).upper(),
        "SHA1": digits(number + 10**9, 40).upper(),
        "MediaSize": "12345",
        "MimeType": "image/jpeg",
        "DateUpdated": "2024-01-02T03:04:05Z",
        "IsSuspected": "false",
        "VictimIdentified": "false",
    }
    return row | changes


def vics(rows: Iterable[dict[str, Any]], version: str = "1.3") -> bytes:
    name, mark = MARKS[version]
    return json.dumps({name: mark.format("Media"), "value": list(rows)}).encode()


def vics_cases(cases: Iterable[Iterable[dict[str, Any]]], version: str = "2.0") -> bytes:
    name, mark = MARKS[version]
    value = [
        {"CaseID": str(number), "CaseNumber": "x", "CaseMetadata": [], "Media": list(rows)}
        for number, rows in enumerate(cases)
    ]
    return json.dumps({name: mark.format("Cases"), "value": value}).encode()


def vics_stream(rows: int, version: str = "1.3", **changes: Any) -> Iterator[bytes]:
    """A file of any size, a piece at a time."""
    name, mark = MARKS[version]
    yield f'{{"{name}": "{mark.format("Media")}", "value": ['.encode()
    for number in range(rows):
        comma = b",\n" if number else b"\n"
        yield comma + json.dumps(media(number, **changes)).encode()
    yield b"]}\n"


def icse(rows: Iterable[str]) -> bytes:
    return "\r\n".join([ICSE_HEADER, *rows, ""]).encode()


def icse_row(number: int, baseline: str = "true") -> str:
    md5, sha1 = digits(number, 32), digits(number + 10**9, 40)
    return f"{md5};{sha1};;{number};true;false;false;Sun;3;true;image;{baseline}"


def known_harmless(rows: int) -> bytes:
    """In the form of the public export of harmless software: no category, a size, a file name."""
    name, mark = MARKS["1.2"]
    value = [
        {
            "MediaID": number,
            "MD5": digits(number, 32).upper(),
            "SHA1": digits(number + 10**9, 40).upper(),
            "MediaSize": "100",
            "MediaFiles": [{"FileName": "setup.bmp"}],
        }
        for number in range(rows)
    ]
    return json.dumps({name: mark.format("Media"), "value": value}).encode()
