"""Blobs: sealed bytes under a path, on the local disk or in an S3 bucket.

What is handed over here is already sealed; this module neither encrypts nor looks inside. It
writes inside its own folder or prefix and nowhere else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from lapwing.model.errors import InvalidInput, NotFound, Unavailable

_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", re.ASCII)
_PATH_LENGTH = 512


class Blobs:
    """A store at `file:///folder` (made if needed, 0700) or `s3://bucket/prefix`.

    S3 credentials and endpoint come from the usual AWS variables. Paths are relative, of letters,
    digits and `._-` between slashes, and no part starts with a dot. Every method raises
    InvalidInput for another path and Unavailable when the store does not answer.
    """

    def __init__(self, url: str) -> None:
        self._store: LocalStore | S3Store
        parts = urlsplit(url)
        with _answers():
            self._folder = local_folder(url)
            if self._folder is not None:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._store = LocalStore(self._folder)
            elif parts.scheme == "s3" and parts.netloc:
                self._store = S3Store.from_url(url)
            else:
                raise InvalidInput(
                    "blobs are kept at file:///folder or s3://bucket/prefix", field="blobs_url"
                )

    def put(self, path: str, data: bytes) -> None:
        """Write the blob whole, in place of any before it; on the disk when this returns."""
        place = _checked(path)
        with _answers():
            obstore.put(self._store, place, data)
            if self._folder is not None:
                _to_disk(self._folder / place)

    def get(self, path: str) -> bytes:
        """The blob's bytes; NotFound when there is none."""
        place = _checked(path)
        with _answers():
            return bytes(obstore.get(self._store, place).bytes())

    def delete(self, path: str) -> bool:
        """Delete the blob; False when there was none (S3 cannot tell, and says True)."""
        place = _checked(path)
        try:
            with _answers():
                obstore.delete(self._store, place)
        except NotFound:
            return False
        return True

    def folders(self, path: str) -> list[str]:
        """The names of the folders right under this one, in no order."""
        place = _checked(path)
        with _answers():
            if self._folder is not None:
                under = self._folder / place
                return (
                    [one.name for one in under.iterdir() if one.is_dir()] if under.exists() else []
                )
            listed = obstore.list_with_delimiter(self._store, place)
            return [prefix.rstrip("/").rpartition("/")[2] for prefix in listed["common_prefixes"]]

    def written_before(self, path: str, before: datetime) -> Iterator[str]:
        """Blobs under this folder that were last written before then, in no order.

        What a writer that died has left half-written is none; on a disk it is deleted here.
        """
        place = _checked(path)
        with _answers():
            if self._folder is None:
                for chunk in obstore.list(self._store, place):
                    yield from (one["path"] for one in chunk if one["last_modified"] < before)
                return
            for file in sorted((self._folder / place).rglob("*")):
                if not file.is_file() or file.stat().st_mtime >= before.timestamp():
                    continue
                name = file.relative_to(self._folder).as_posix()
                if _PATH.fullmatch(name):
                    yield name
                else:
                    file.unlink(missing_ok=True)

    def everything(self) -> Iterator[str]:
        """Every blob, in no order."""
        with _answers():
            if self._folder is None:
                for chunk in obstore.list(self._store):
                    yield from (one["path"] for one in chunk)
                return
            for at, _, names in os.walk(self._folder):
                for name in names:
                    path = (Path(at) / name).relative_to(self._folder).as_posix()
                    if _PATH.fullmatch(path):
                        yield path

    def exists(self, path: str) -> bool:
        place = _checked(path)
        try:
            with _answers():
                obstore.head(self._store, place)
        except NotFound:
            return False
        return True


def local_folder(url: str) -> Path | None:
    """The folder behind the URL of a store on this machine's disk."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return Path(unquote(parts.path))
    return None


def _checked(path: str) -> str:
    if len(path) > _PATH_LENGTH or not _PATH.fullmatch(path):
        raise InvalidInput(f"not a blob path: {path[:80]!r}", field="path")
    return path


def _to_disk(file: Path) -> None:
    """Make the blob and its name survive a power cut, as the database row beside it does."""
    for path in (file, file.parent):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _answers() -> Iterator[None]:
    """Turn the store's errors into ours. Only their first line: the rest is for its authors."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("there is no such blob") from error
    except (BaseError, OSError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise Unavailable(f"the blob store does not answer: {first}") from error
