"""`lapwing hash`: the hashes of files, without a database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from lapwing.cli.output import Json, finish, page, plain, show_refusals, write_lines
from lapwing.intake.limits import DEFAULT_LIMITS
from lapwing.intake.lines import printable
from lapwing.intake.media.hashing import hash_bytes
from lapwing.intake.pictures import read_bounded, walk
from lapwing.model.errors import LapwingError
from lapwing.model.refusals import Refusal, refusal_of

NAMES = ("pdq", "quality", "md5", "sha1", "sha256")

_TOGETHER = 64


def hash_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Pictures, or folders.")],
    json: Json = False,
) -> None:
    """Print PDQ (with its quality), MD5, SHA-1 and SHA-256 of pictures.

    With --json one line a file: "file", "pdq", "quality", "md5", "sha1" and "sha256", or "file",
    "refused" (the reason) and "code".
    """
    refused: list[Refusal] = []
    rows = _rows(files, refused)
    if json:
        write_lines(rows)
    else:
        for row in rows:
            for name in row if "refused" not in row else ():
                page.print(f"{name:>8} ", plain(row[name]))
        show_refusals(refused)
    finish(refused)


def _rows(files: list[Path], refused: list[Refusal]) -> Iterator[dict[str, Any]]:
    """A row a file, in order; the work is done by several threads."""
    paths = _walk(files)
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        while some := list(islice(paths, _TOGETHER)):
            for path, outcome in zip(some, pool.map(_hash, some), strict=True):
                name = printable(str(path), 4096)
                if isinstance(outcome, LapwingError):
                    refused.append(refusal_of(outcome, file=name))
                    yield {"file": name, "refused": outcome.message, "code": outcome.code}
                else:
                    yield {"file": name} | outcome


def _hash(path: Path) -> dict[str, Any] | LapwingError:
    try:
        hashes = hash_bytes(read_bounded(path, DEFAULT_LIMITS.file_bytes)).hashes
    except LapwingError as error:
        return error
    return {name: getattr(hashes, name) for name in NAMES}


def _walk(files: list[Path]) -> Iterator[Path]:
    for path in files:
        if path.is_dir():
            yield from walk(path)
        else:
            # A link that is named is meant; those inside a folder are refused.
            yield path.resolve() if path.is_symlink() else path
