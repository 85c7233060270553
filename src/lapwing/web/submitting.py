"""From records to submissions: the item, and the bytes that came along or lie behind its URL.

A row that cannot be used becomes a refusal with its line and field, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from msgspec import Struct

from lapwing.intake.limits import Limits
from lapwing.intake.media.hashing import HashedPicture, hash_bytes
from lapwing.intake.records import ItemBuilder
from lapwing.intake.wire import RECORDS
from lapwing.model.errors import InvalidInput, LapwingError, LimitExceeded
from lapwing.model.items import AnyItem
from lapwing.model.refusals import Refusal, refusal_of
from lapwing.model.submissions import Submission
from lapwing.web.fetching import Fetched
from lapwing.web.rows import Row

MAX_FETCHES = 50
"""URLs fetched for one request."""
_AT_ONCE = 8
_HASHES = ("md5", "pdq", "quality", "sha1", "sha256")

Fetch = Callable[[str], Fetched]


class Read(Struct, frozen=True):
    """What could be used, with the line of each, and what could not."""

    submissions: list[Submission]
    lines: list[int | None]
    refused: list[Refusal]


class Submitter:
    """Makes submissions for one request. `fetch` gets the bytes behind an allowed URL."""

    def __init__(self, builder: ItemBuilder, limits: Limits, fetch: Fetch) -> None:
        self._builder = builder
        self._limits = limits
        self._fetch = fetch

    def one(
        self, row: Row, *, content: bytes | None = None, identity: bytes | None = None
    ) -> Submission:
        """One submission. Raises InvalidInput or LimitExceeded naming the field."""
        if content is None and row.head.wants_fetch:
            content = self._fetch(row.head.url).content
        return self._submission(row, content, identity)

    def many(self, rows: Sequence[Row]) -> Read:
        """A batch; pictures behind URLs are fetched a few at a time."""
        fetched = self._fetch_all([row for row in rows if row.head.wants_fetch][:MAX_FETCHES])
        read = Read([], [], [])
        for row in rows:
            try:
                content = _content(row, fetched) if row.head.wants_fetch else None
                read.submissions.append(self._submission(row, content, None))
                read.lines.append(row.line)
            except LapwingError as error:
                read.refused.append(refusal_of(error, line=row.line, source_id=row.head.named))
        return read

    def _fetch_all(self, rows: Sequence[Row]) -> dict[int | None, Fetched | LapwingError]:
        if not rows:
            return {}

        def get(row: Row) -> Fetched | LapwingError:
            try:
                return self._fetch(row.head.url)
            except LapwingError as error:
                return error

        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch") as threads:
            return dict(zip([row.line for row in rows], threads.map(get, rows), strict=True))

    def _submission(self, row: Row, content: bytes | None, identity: bytes | None) -> Submission:
        kind, mime = row.kind, None
        if content is None:
            item: AnyItem = self._builder.build_json(kind, row.text)
        else:
            picture = hash_bytes(content, self._limits)
            item, mime = self._with_picture(kind, row, picture), picture.mime
        return Submission(item=item, content=content, mime=mime, identity=identity)

    def _with_picture(self, kind: str, row: Row, picture: HashedPicture) -> AnyItem:
        record: dict[str, Any] = msgspec.json.decode(row.text)
        wanted = RECORDS.get(kind)
        seen = {name: getattr(picture.hashes, name) for name in _HASHES}
        if kind == "media":
            claimed = [name for name in _HASHES if record.get(name) is not None]
            if claimed:
                raise InvalidInput("is computed from the file; leave it out", field=claimed[0])
            sizes = {name: getattr(picture, name) for name in ("mime", "width", "height", "size")}
            return self._builder.build(kind, record | seen | sizes)
        if wanted is not None and "pictures" not in wanted.__struct_fields__:
            raise InvalidInput(f"an item of kind {kind} carries no file", field="file")
        listed = record.get("pictures", [])
        if not isinstance(listed, list):
            raise InvalidInput("must be a list", field="pictures")
        return self._builder.build(kind, record | {"pictures": [*listed, seen]})


def _content(row: Row, fetched: Mapping[int | None, Fetched | LapwingError]) -> bytes:
    answer = fetched.get(row.line)
    if answer is None:
        raise LimitExceeded(f"at most {MAX_FETCHES} URLs are fetched a request", field="url")
    if isinstance(answer, LapwingError):
        raise answer
    return answer.content
