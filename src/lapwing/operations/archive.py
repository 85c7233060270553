"""The inside of a backup: a tar stream whose every entry is hashed, and that says when it is whole.

| entry | what it is |
|---|---|
| `about.json` | first: who made it, when, of which schema; every ledger's head and public keys |
| `database/000001` … | pieces of one `pg_dump` file in custom format |
| `blobs/…`, `secrets/…` | one entry a file |
| `hashes/000001` … | lines as `sha256sum` writes them, of the entries before |
| `manifest.json` | last: how many entries there were, and the SHA-256 of all those lines |

By hand: `tail -n +2 FILE | age -d -i KEY | tar x`, `sha256sum -c hashes/*`,
`cat database/* | pg_restore …`.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

import msgspec

from lapwing.evidence.heads import SignedHead
from lapwing.model.errors import IntegrityBroken

ABOUT = "about.json"
MANIFEST = "manifest.json"
LISTED_TOGETHER = 4096
LARGEST_DOCUMENT = 64 << 20
"""Bytes of about, manifest and lists of hashes: they are read whole."""

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", re.ASCII)


class LedgerHead(msgspec.Struct, frozen=True, kw_only=True):
    """One organisation's ledger at the moment of the backup."""

    organisation: UUID
    head: SignedHead | None
    keys: tuple[str, ...]
    """Public signing keys, retired ones too, in PEM."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    lapwing: str
    schema: str
    """The revision of the tables."""
    server: str
    """PostgreSQL's version."""
    at: datetime
    secrets: bool
    """Whether the secret keys are in it."""
    ledgers: tuple[LedgerHead, ...]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    entries: int
    bytes: int
    digest: str
    """SHA-256 in hex over the lines of all `hashes/…`."""
    missing: tuple[str, ...] = ()
    """Blobs that rows name and that were not there; deleted while the backup ran, or lost."""


class Tally:
    """Counts and hashes entries as they pass; the same on both sides."""

    def __init__(self) -> None:
        self.entries = 0
        self.bytes = 0
        self.waiting: list[str] = []
        self._digest = hashlib.sha256()

    def add(self, name: str, size: int, digest: str) -> None:
        self.entries += 1
        self.bytes += size
        line = f"{digest}  {name}\n"
        self._digest.update(line.encode())
        self.waiting.append(line)

    def manifest(self, missing: tuple[str, ...] = ()) -> Manifest:
        return Manifest(
            entries=self.entries,
            bytes=self.bytes,
            digest=self._digest.hexdigest(),
            missing=missing,
        )


class Writer:
    """Writes entries into a stream; `finish` makes it whole."""

    def __init__(self, into: BinaryIO, progress: Callable[[int], None]) -> None:
        self._tar = tarfile.open(  # noqa: SIM115 - `finish` closes it
            fileobj=into, mode="w|", format=tarfile.PAX_FORMAT
        )
        self._tally = Tally()
        self._lists = 0
        self._progress = progress

    def add(self, name: str, content: bytes) -> None:
        if not _NAME.fullmatch(name):
            raise IntegrityBroken(f"not a name for an entry: {name[:80]!r}")
        self._put(name, content)
        self._tally.add(name, len(content), hashlib.sha256(content).hexdigest())
        if len(self._tally.waiting) >= LISTED_TOGETHER:
            self._list()
        self._progress(len(content))

    def finish(self, missing: tuple[str, ...]) -> Manifest:
        self._list()
        manifest = self._tally.manifest(missing)
        self._put(MANIFEST, msgspec.json.encode(manifest))
        self._tar.close()
        return manifest

    def _list(self) -> None:
        self._lists += 1
        self._put(f"hashes/{self._lists:06}", "".join(self._tally.waiting).encode())
        self._tally.waiting.clear()

    def _put(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        entry.mode = 0o600
        self._tar.addfile(entry, io.BytesIO(content))


class Entry:
    """One file of the archive, to be read once, while it passes."""

    def __init__(self, name: str, size: int, source: BinaryIO, tally: Tally) -> None:
        self.name = name
        self.size = size
        self._source = source
        self._tally = tally
        self._digest = hashlib.sha256()
        self._left = size

    def pieces(self, size: int = 1 << 20) -> Iterator[bytes]:
        while self._left:
            piece = self._source.read(min(size, self._left))
            if not piece:
                raise IntegrityBroken("the backup ends within a file")
            self._left -= len(piece)
            self._digest.update(piece)
            yield piece

    def whole(self, most: int = LARGEST_DOCUMENT) -> bytes:
        if self.size > most:
            raise IntegrityBroken(f"{self.name} is larger than a backup's may be")
        return b"".join(self.pieces())

    def done(self) -> None:
        for _ in self.pieces():
            pass
        self._tally.add(self.name, self.size, self._digest.hexdigest())


def entries(source: BinaryIO) -> Iterator[Entry | Manifest]:
    """Every entry in order, and at the end the manifest, which fits them all.

    Raises IntegrityBroken for an archive that is not whole, has names that lead elsewhere, or whose
    hashes do not fit.
    """
    tally = Tally()
    with tarfile.open(fileobj=source, mode="r|") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or not _NAME.fullmatch(member.name):
                raise IntegrityBroken(f"the backup holds {member.name[:80]!r}, which is no file")
            entry = Entry(member.name, member.size, content, tally)  # type: ignore[arg-type]
            if member.name == MANIFEST:
                yield _checked(entry, tally)
                return
            if member.name.startswith("hashes/"):
                if entry.whole() != "".join(tally.waiting).encode():
                    raise IntegrityBroken("the hashes of the backup do not fit its files")
                tally.waiting.clear()
                continue
            yield entry
            entry.done()
    raise IntegrityBroken("the backup has no end")


def _checked(entry: Entry, tally: Tally) -> Manifest:
    try:
        manifest = msgspec.json.decode(entry.whole(), type=Manifest)
    except msgspec.DecodeError as error:
        raise IntegrityBroken("the backup's manifest cannot be read") from error
    counted = tally.manifest(manifest.missing)
    if tally.waiting or manifest != counted:
        raise IntegrityBroken("the backup's manifest does not fit its files")
    return manifest
