"""`lapwing watch`: a running stream, with findings raised while it runs."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

import typer
from msgspec.structs import replace

from lapwing.app import House
from lapwing.cli.listed_file import OWNER, listed_file
from lapwing.cli.output import DONE, Json, eye, page, plain, write_json
from lapwing.cli.session import For, house, operator, organisation
from lapwing.detect.registry import detectors
from lapwing.intake.limits import DEFAULT_LIMITS
from lapwing.intake.media.follow import Seen, Trouble, follow_playlist, follow_stream
from lapwing.intake.media.video import open_regular, require_av
from lapwing.model.errors import InvalidInput, Unavailable
from lapwing.model.findings import Finding
from lapwing.model.items import Media, PictureHashes
from lapwing.model.submissions import Submission
from lapwing.model.videos import Frame
from lapwing.screening.detection import detect
from lapwing.screening.watching import Raised, Watcher
from lapwing.store.clock import new_id
from lapwing.web.fetching import Address, fetch, resolve_host

EVERY = 0.5
STDIN = "-"
_FOR_EVER = 10**12
LIMITS = replace(
    DEFAULT_LIMITS,
    file_bytes=32 * 1024 * 1024,
    video_seconds=_FOR_EVER,
    video_frames=_FOR_EVER,
    video_decoded=_FOR_EVER,
    video_work_seconds=float(_FOR_EVER),
)
"""A stream has no end; one segment of it has at most 32 MiB."""

Say = Callable[[str, dict[str, Any]], None]


def watch(
    source: Annotated[
        str, typer.Argument(metavar="URL|FILE|-", help="An HLS playlist, a file, or a pipe.")
    ],
    every: Annotated[float, typer.Option(min=0.04, max=60, help="Seconds between frames.")] = EVERY,
    hosts: Annotated[
        list[str] | None,
        typer.Option("--host", help="Further hosts that may be fetched from. May be repeated."),
    ] = None,
    local: Annotated[
        bool,
        typer.Option("--local", help="The hosts may be in this network, at any port."),
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare with this list file alone; no database."),
    ] = None,
    cases: Annotated[
        bool, typer.Option("--cases/--no-cases", help="Screen what is found, so that cases open.")
    ] = True,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Watch a stream until it ends or Ctrl-C, and say at once when something listed is in it.

    With --json a line for each event: "finding", "trouble" (what could not be looked at) and at
    the end "summary". Only the host of the URL, --host and the organisation's media hosts are
    fetched from.
    """
    require_av()
    say = _lines if json else _words
    counts = {"findings": 0, "troubles": 0}

    def told(event: str, what: dict[str, Any]) -> None:
        counts["findings"] += event == "finding"
        counts["troubles"] += event == "trouble"
        say(event, what)

    began = time.monotonic()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    watcher: Watcher | None = None
    try:
        with ExitStack() as stack:
            room: _Room = (
                _FileRoom(against)
                if against
                else _HouseRoom(stack.enter_context(house()), organisation_name, cases)
            )
            watcher = Watcher(room.look, room.make(source))
            for seen in _seen(source, every, {*(hosts or ()), *room.hosts}, local):
                _take(seen, watcher, room, told)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
    seconds = round(time.monotonic() - began, 1)
    say("summary", {"frames": watcher.count if watcher else 0, **counts, "seconds": seconds})
    raise typer.Exit(DONE)


def _take(seen: Seen, watcher: Watcher, room: _Room, told: Say) -> None:
    if isinstance(seen, Trouble):
        told("trouble", {"at": seen.at, "reason": seen.reason, "code": seen.code})
        return
    try:
        raised = watcher.see(seen.frames)
        if raised is not None:
            told("finding", _finding(raised) | room.record(raised))
    except Unavailable as error:
        at = seen.frames[-1].at if seen.frames else 0.0
        told("trouble", {"at": at, "reason": error.message, "code": error.code})


def _seen(source: str, every: float, hosts: set[str], local: bool) -> Iterator[Seen]:
    if source == STDIN:
        return follow_stream(sys.stdin.fileno(), LIMITS, every)
    parts = urlsplit(source)
    if parts.scheme in ("http", "https"):
        named = {*hosts, (parts.hostname or "").removesuffix(".")}
        resolve = _anywhere if local else resolve_host

        def get(url: str, most: int) -> bytes:
            return fetch(url, named, most=most, resolve=resolve).content

        return follow_playlist(source, get, time.sleep, LIMITS, every)
    return _file(Path(source), every)


def _file(path: Path, every: float) -> Iterator[Seen]:
    if path.is_fifo():
        with path.open("rb", buffering=0) as pipe:
            yield from follow_stream(pipe.fileno(), LIMITS, every)
        return
    with closing(open_regular(path.resolve() if path.is_symlink() else path)) as file:
        yield from follow_stream(file.fileno(), LIMITS, every)


def _anywhere(host: str, port: int) -> Address:
    return host, port


class _Room:
    """What a watcher asks: findings for items, and what becomes of what is raised."""

    hosts: Sequence[str] = ()
    owner: UUID = OWNER

    def look(self, items: Sequence[Media]) -> Sequence[tuple[Finding, ...]]:
        raise NotImplementedError

    def record(self, raised: Raised) -> dict[str, Any]:
        """What is to be told besides."""
        return {}

    def make(self, source: str) -> Callable[[str, PictureHashes, tuple[Frame, ...]], Media]:
        began = datetime.now(UTC)
        url = source if urlsplit(source).scheme in ("http", "https") else None
        name = source[-400:]

        def media(at: str, hashes: PictureHashes, frames: tuple[Frame, ...]) -> Media:
            now = datetime.now(UTC)
            return Media(
                id=new_id(now),
                organisation=self.owner,
                source="watch",
                source_id=f"{name} {began:%Y%m%dT%H%M%S}+{at}",
                at=now,
                hashes=hashes,
                frames=frames,
                url=url,
            )

        return media


class _FileRoom(_Room):
    def __init__(self, path: Path) -> None:
        self._snapshot, refused = listed_file(path)
        self._detectors = detectors()
        if refused:
            eye.print(plain(f"{path}: {refused:,} lines were refused"))
        if not len(self._snapshot):
            raise InvalidInput("the file lists nothing that can be compared", field="against")

    def look(self, items: Sequence[Media]) -> Sequence[tuple[Finding, ...]]:
        view = self._snapshot.view(self.owner, datetime.now(UTC))
        return detect(self._detectors, items, view).findings


class _HouseRoom(_Room):
    def __init__(self, opened: House, named: str | None, cases: bool) -> None:
        self._house = opened
        self._mine = organisation(opened, named)
        self._cases = cases
        self._detectors = detectors()
        self.owner = self._mine.id
        self.hosts = self._mine.media_hosts

    def look(self, items: Sequence[Media]) -> Sequence[tuple[Finding, ...]]:
        view = self._house.live.snapshot().view(self.owner, self._house.clock())
        return detect(self._detectors, items, view).findings

    def record(self, raised: Raised) -> dict[str, Any]:
        if not self._cases:
            return {}
        screened = self._house.screening.screen(
            self.owner, operator(self._house), [Submission(item=raised.item)]
        )
        if screened.refused:
            return {"refused": screened.refused[0].reason}
        (decision,) = screened.decisions
        return {"item": decision.item, "actions": decision.actions, "case": decision.case}


def _finding(raised: Raised) -> dict[str, Any]:
    return {
        "at": raised.at,
        "raised_at": datetime.now(UTC),
        "findings": [
            {"kind": finding.kind, "score": finding.score, "reasons": finding.reasons}
            for finding in raised.findings
        ],
    }


def _lines(event: str, what: dict[str, Any]) -> None:
    write_json({"event": event, **what})


def _words(event: str, what: dict[str, Any]) -> None:
    if event == "trouble":
        eye.print(plain(f"{what['at']:>9.1f} s  not looked at: {what['reason']}"))
    elif event == "summary":
        page.print(
            plain(
                f"{what['frames']:,} frames in {what['seconds']:g} s, "
                f"findings {what['findings']:,}, not looked at {what['troubles']:,}"
            )
        )
    else:
        for finding in what["findings"]:
            lists = {reason.list_name for reason in finding["reasons"] if reason.list_name}
            told = f"{what['at']:>9.1f} s  {finding['kind']}  {', '.join(sorted(lists))}"
            case = f"  case {what['case']}" if what.get("case") else ""
            page.print(plain(told + case))
