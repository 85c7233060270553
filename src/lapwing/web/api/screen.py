"""Screening: items in, decisions out.

One address, three bodies: one item as JSON, a batch as NDJSON, one item with its file as
multipart. In a batch a row that cannot be used is listed under `refused` and the rest goes on, so
the answer is 200 even when every row was refused; a single item that is refused answers 4xx.
"""

from __future__ import annotations

import time
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter
from msgspec.structs import replace

from lapwing.app import House
from lapwing.intake.limits import DEFAULT_LIMITS
from lapwing.intake.records import ItemBuilder
from lapwing.model.errors import InvalidInput, LapwingError, LimitExceeded, NotAllowed, Unavailable
from lapwing.model.organisations import Scope
from lapwing.model.refusals import Refusal
from lapwing.model.submissions import Submission
from lapwing.screening.records import Screened, ScreenedItem
from lapwing.store.clock import new_id
from lapwing.web.api.wire import ScreenOperation
from lapwing.web.authority import by_key
from lapwing.web.bodies import MULTIPART_EXTRA, AnyRequest, read_body, read_parts
from lapwing.web.callers import Caller
from lapwing.web.fetching import Fetched, fetch
from lapwing.web.given import CallerGiven, HouseGiven, MetricsGiven
from lapwing.web.metrics import Metrics
from lapwing.web.problems import REFUSALS
from lapwing.web.rows import MAX_ROWS, read_row, read_rows
from lapwing.web.submitting import Read, Submitter
from lapwing.web.threads import in_thread

BATCH_BYTES = 64 << 20
IDENTITY_BYTES = 64 << 10
LIMITS = DEFAULT_LIMITS

_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_FILE_LIMITS = {
    "item": LIMITS.line_bytes,
    "file": LIMITS.file_bytes,
    "identity": IDENTITY_BYTES,
}
_RAISED: dict[str, type[LapwingError]] = {
    kind.code: kind for kind in (InvalidInput, LimitExceeded, NotAllowed)
}

Source = Annotated[
    str,
    QueryParameter(
        min_length=1,
        max_length=128,
        description="Names the stream that `id`s are unique in; the same item again is answered "
        "with its first decision",
    ),
]
Platform = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=128,
        description="Names the service that account ids belong to; the source without it",
    ),
]


@post(
    "/v1/screen",
    opt=by_key(Scope.SCREEN),
    status_code=200,
    request_max_body_size=max(BATCH_BYTES, sum(_FILE_LIMITS.values()) + MULTIPART_EXTRA),
    tags=["screen"],
    responses={code: REFUSALS[code] for code in (400, 401, 403, 413, 415, 503)},
    operation_id="screen",
    operation_class=ScreenOperation,
)
async def screen(
    request: AnyRequest,
    house: HouseGiven,
    caller: CallerGiven,
    metrics: MetricsGiven,
    source: Source = "api",
    platform: Platform = None,
) -> Screened:
    """Screen one item (JSON), up to 10,000 (NDJSON), or one with its file (multipart).

    A `media` item without hashes but with a `url` is fetched, where its host is on the
    organisation's list of media hosts.
    """
    desk = _Desk(house, caller, metrics, request, source, platform or source)
    kind, _ = request.content_type
    if kind == "application/json":
        body = await read_body(request, LIMITS.line_bytes)
        return await in_thread(desk.one, body)
    if kind in _LINES:
        body = await read_body(request, BATCH_BYTES)
        return await in_thread(desk.batch, body)
    if kind == "multipart/form-data":
        parts = await read_parts(request, _FILE_LIMITS)
        if "item" not in parts:
            raise InvalidInput("is missing", field="item")
        file, identity = parts.get("file"), parts.get("identity")
        return await in_thread(
            desk.one,
            parts["item"].content,
            file.content if file else None,
            identity.content if identity else None,
        )
    raise HTTPException(
        "send application/json, application/x-ndjson or multipart/form-data", status_code=415
    )


@get(
    "/v1/items/{item:uuid}",
    opt=by_key(Scope.SCREEN),
    sync_to_thread=True,
    tags=["screen"],
    responses={code: REFUSALS[code] for code in (400, 401, 403, 404)},
    operation_id="get_item",
)
def get_item(house: HouseGiven, caller: CallerGiven, item: FromPath[UUID]) -> ScreenedItem:
    """An item with its first decision, and what became of its case."""
    return house.screening.item(caller.organisation, item)


class _Desk:
    """Takes one request's items to screening. Runs in a worker thread."""

    def __init__(
        self,
        house: House,
        caller: Caller,
        metrics: Metrics,
        request: AnyRequest,
        source: str,
        platform: str,
    ) -> None:
        self._house = house
        self._caller = caller
        self._metrics = metrics
        self._resolve = request.app.state.resolve
        self._source = source
        self._platform = platform

    def one(
        self, body: bytes, content: bytes | None = None, identity: bytes | None = None
    ) -> Screened:
        try:
            row = read_row(body, LIMITS)
            submission = self._submitter().one(row, content=content, identity=identity)
            screened = self._screen([submission])
            if screened.refused:
                raise _error_of(screened.refused[0])
        except LapwingError as error:
            self._metrics.refused.labels(error.code).inc()
            raise
        return screened

    def batch(self, body: bytes) -> Screened:
        rows, refused = read_rows(body, LIMITS, MAX_ROWS)
        read = self._submitter().many(rows)
        screened = self._screen(read.submissions)
        refused = [*refused, *read.refused, *_with_lines(screened.refused, read)]
        refused.sort(key=lambda refusal: refusal.line or 0)
        self._metrics.count_refused(refused)
        return replace(screened, refused=tuple(refused))

    def _screen(self, submissions: list[Submission]) -> Screened:
        started = time.perf_counter()
        screened = self._house.screening.screen(
            self._caller.organisation, self._caller.actor, submissions, lists=self._caller.lists
        )
        self._metrics.count_screened(screened, time.perf_counter() - started)
        return screened

    def _submitter(self) -> Submitter:
        organisation = self._caller.organisation
        builder = ItemBuilder(
            organisation=organisation,
            source=self._source,
            account_secret=self._house.keyring.account_secret(organisation),
            platform=self._platform,
            clock=self._house.clock,
            new_id=new_id,
        )
        return Submitter(builder, LIMITS, self._fetch)

    def _fetch(self, url: str) -> Fetched:
        hosts = self._house.members.organisation(self._caller.organisation).media_hosts
        return fetch(url, hosts, most=LIMITS.file_bytes, resolve=self._resolve)


def _with_lines(refused: tuple[Refusal, ...], read: Read) -> list[Refusal]:
    """Screening knows the items it refused by their source id; the caller knows them by line."""
    lines = {
        submission.item.source_id: line
        for submission, line in zip(read.submissions, read.lines, strict=True)
    }
    return [
        replace(refusal, line=lines.get(refusal.source_id or "", refusal.line))
        for refusal in refused
    ]


def _error_of(refusal: Refusal) -> LapwingError:
    kind = _RAISED.get(refusal.code, Unavailable)
    if issubclass(kind, InvalidInput):
        return kind(refusal.reason, field=refusal.field)
    return kind(refusal.reason)


ROUTES: list[HTTPRouteHandler] = [screen, get_item]
