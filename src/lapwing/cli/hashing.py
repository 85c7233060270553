"""`lapwing hash`: the hashes of pictures and videos, without a database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct
from msgspec.structs import replace

from lapwing.cli.output import Json, finish, page, plain, show_refusals, write_lines
from lapwing.intake.limits import DEFAULT_LIMITS, FAST_SIDE, Limits
from lapwing.intake.lines import printable
from lapwing.intake.media.apart import Hashed, hash_file, hash_video_apart
from lapwing.intake.media.decode import decode
from lapwing.intake.media.pdq import pdq_dihedral
from lapwing.intake.media.pool import Pool
from lapwing.intake.media.video import EVERY, HashedVideo
from lapwing.intake.pictures import is_video, read_bounded, walk
from lapwing.model.errors import InvalidInput, LapwingError
from lapwing.model.indicators import IndicatorKind
from lapwing.model.refusals import Refusal, refusal_of
from lapwing.model.videos import Frame, listed_frames, vpdq_text

NAMES = ("pdq", "quality", "md5", "sha1", "sha256")
VIDEO_NAMES = ("seconds", "md5", "sha1", "sha256")

_MOST_JOBS = 8


class Asked(Struct, frozen=True):
    """What the command line asks for of every file."""

    limits: Limits
    every: float
    dihedral: bool


class Told(Struct, frozen=True):
    hashed: Hashed
    ways: dict[str, str]
    """Hashes of the picture turned and mirrored, where they were asked for."""


def hash_files(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Pictures, videos, or folders.")
    ],
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, max=256, help="Processes; as many as there are cores."),
    ] = None,
    dihedral: Annotated[
        bool, typer.Option("--dihedral", help="Also the hashes of the picture turned and mirrored.")
    ] = False,
    fast: Annotated[
        bool,
        typer.Option("--fast", help="Decode large JPEGs smaller; PDQ may differ by a few bits."),
    ] = False,
    every: Annotated[
        float, typer.Option(min=0.04, max=3600, help="Seconds between the frames of a video.")
    ] = EVERY,
    vpdq: Annotated[
        bool,
        typer.Option("--vpdq", help="Of a video its vPDQ features alone, as threatexchange reads."),
    ] = False,
    indicators: Annotated[
        bool,
        typer.Option("--indicators", help="NDJSON that `lapwing bank import` puts on a list."),
    ] = False,
    json: Json = False,
) -> None:
    """Print PDQ (with its quality), MD5, SHA-1 and SHA-256 of pictures, and frames of videos.

    With --json one line a file: "file", "pdq", "quality", "md5", "sha1", "sha256", of a video or
    an animation "frames" (each "frame", "quality", "hex", "timestamp"); or "file", "refused" (the
    reason) and "code". No file can take the others with it: each is hashed in another process.
    """
    if vpdq and indicators:
        raise InvalidInput("--vpdq and --indicators are two forms; ask for one", field="indicators")
    limits = replace(DEFAULT_LIMITS, fast_side=FAST_SIDE) if fast else DEFAULT_LIMITS
    refused: list[Refusal] = []
    outcomes = _outcomes(_walk(files), Asked(limits, every, dihedral), jobs)
    rows = _rows(outcomes, refused, "vpdq" if vpdq else "indicators" if indicators else "hashes")
    if json or vpdq or indicators:
        write_lines(rows if json else (row for row in rows if not _is_refusal(row)))
        if not json:
            show_refusals(refused)
    else:
        for row in rows:
            if not _is_refusal(row):
                _print(row)
        show_refusals(refused)
    finish(refused)


def _outcomes(
    paths: Iterator[Path], asked: Asked, jobs: int | None
) -> Iterator[tuple[Path, Told | LapwingError]]:
    """In the order of the files. A single one costs no other process unless it is a video."""
    first = list(islice(paths, 2))
    if len(first) == 1 and jobs is None:
        yield first[0], _alone(first[0], asked)
        return
    seconds = asked.limits.video_work_seconds + 120
    count = jobs or min(os.cpu_count() or 1, _MOST_JOBS)
    with Pool(partial(_hash, asked=asked), count, seconds=seconds) as pool:
        yield from pool.map(chain(first, paths))


def _alone(path: Path, asked: Asked) -> Told | LapwingError:
    try:
        if is_video(path):
            return Told(hash_video_apart(path, asked.limits, asked.every), {})
        return _hash(path, asked=asked)
    except LapwingError as error:
        return error


def _hash(path: Path, *, asked: Asked) -> Told:
    hashed = hash_file(path, asked.limits, asked.every)
    if isinstance(hashed, HashedVideo) or not asked.dihedral:
        return Told(hashed, {})
    # In full: turned hashes are those of all pixels.
    decoded = decode(read_bounded(path, asked.limits.file_bytes), DEFAULT_LIMITS)
    codes, _ = pdq_dihedral(decoded.rgb)
    return Told(hashed, {name: code.hex() for name, code in codes.items()})


def _rows(
    outcomes: Iterator[tuple[Path, Told | LapwingError]], refused: list[Refusal], form: str
) -> Iterator[Any]:
    for path, outcome in outcomes:
        name = printable(str(path), 4096)
        if form == "vpdq" and isinstance(outcome, Told) and not outcome.hashed.frames:
            outcome = InvalidInput("a single picture has no vPDQ features")
        if isinstance(outcome, LapwingError):
            refused.append(refusal_of(outcome, file=name))
            yield {"file": name, "refused": outcome.message, "code": outcome.code}
        elif form == "vpdq":
            yield vpdq_text(outcome.hashed.frames)
        elif form == "indicators":
            yield from _indicators(outcome.hashed)
        else:
            yield {"file": name} | _row(outcome)


def _row(told: Told) -> dict[str, Any]:
    hashed = told.hashed
    if isinstance(hashed, HashedVideo):
        row = {name: getattr(hashed.hashes, name, None) for name in VIDEO_NAMES}
        row |= {"seconds": hashed.seconds, "mime": hashed.mime}
    else:
        row = {name: getattr(hashed.hashes, name) for name in NAMES}
    if told.ways:
        row["dihedral"] = told.ways
    if hashed.frames:
        row["frames"] = [_feature(frame) for frame in hashed.frames]
    if hashed.notes:
        row["notes"] = hashed.notes
    return row


def _feature(frame: Frame) -> dict[str, Any]:
    """A vPDQ feature under its names."""
    return {
        "frame": frame.number,
        "quality": frame.quality,
        "hex": frame.pdq,
        "timestamp": frame.at,
    }


def _indicators(hashed: Hashed) -> Iterator[dict[str, Any]]:
    """What a list holds of the file: its SHA-256, and PDQ or the frames of the video."""
    yield {"kind": IndicatorKind.SHA256, "value": hashed.hashes.sha256}
    if isinstance(hashed, HashedVideo):
        for value, quality in listed_frames(hashed.frames):
            yield {"kind": IndicatorKind.VIDEO_FRAME, "value": value, "quality": quality}
    else:
        told = {"value": hashed.hashes.pdq, "quality": hashed.hashes.quality}
        yield {"kind": IndicatorKind.PDQ} | told


def _print(row: dict[str, Any]) -> None:
    for name in (*NAMES, "seconds"):
        if name in row:
            page.print(f"{name:>8} ", plain(row[name]))
    for name, code in row.get("dihedral", {}).items():
        page.print(f"{name:>26} ", plain(code))
    for frame in row.get("frames", ()):
        told = f"{frame['timestamp']:>8.3f}  {frame['hex']}  {frame['quality']}"
        page.print(plain(told))
    for note in row.get("notes", ()):
        page.print(plain(f"    note  {note}"))


def _is_refusal(row: Any) -> bool:
    return isinstance(row, dict) and "refused" in row


def _walk(files: list[Path]) -> Iterator[Path]:
    for path in files:
        if path.is_dir():
            yield from walk(path)
        else:
            # A link that is named is meant; those inside a folder are refused.
            yield path.resolve() if path.is_symlink() else path
