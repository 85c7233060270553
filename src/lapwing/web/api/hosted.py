"""The hosted matcher: match or no match, and the action, for machines of others.

Answers hold nothing else, and come at whole steps of 50 ms, so that how long the search took does
not show. What is not hidden stands in docs/security.md.
"""

from __future__ import annotations

from asyncio import sleep
from math import ceil
from time import monotonic
from typing import Annotated

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Meta, Struct

from lapwing.app import House
from lapwing.bank.hosted import MAX_HASHES, HostedAnswer
from lapwing.bank.matching import HashQuery
from lapwing.members.attempts import Limit
from lapwing.model.errors import NotAllowed
from lapwing.model.indicators import IndicatorKind
from lapwing.model.organisations import HOSTED_PER_MINUTE, ApiKey, Scope
from lapwing.web.authority import by_key
from lapwing.web.callers import Caller
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.problems import REFUSALS
from lapwing.web.threads import in_thread

STEP_SECONDS = 0.05
BODY_BYTES = 32 << 10


class HostedHash(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hash of a picture. A PDQ hash without its quality matches as one of low quality."""

    kind: IndicatorKind
    hash: Annotated[str, Meta(max_length=200)]
    quality: Annotated[int, Meta(ge=0, le=100)] | None = None


class HostedRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most 32 hashes."""

    hashes: Annotated[list[HostedHash], Meta(min_length=1, max_length=MAX_HASHES)]


class HostedAnswers(Struct, frozen=True, kw_only=True):
    """In the order of the hashes."""

    answers: tuple[HostedAnswer, ...]


@post(
    "/v1/hosted/match",
    opt=by_key(Scope.HOSTED),
    status_code=200,
    request_max_body_size=BODY_BYTES,
    tags=["hosted"],
    responses={code: REFUSALS[code] for code in (400, 401, 403, 413, 429)},
    operation_id="hosted_match",
)
async def hosted_match(
    house: HouseGiven, caller: CallerGiven, data: JSONBody[HostedRequest]
) -> HostedAnswers:
    """Compare the hashes of a picture or a few with the lists that this key names.

    Hashes count against the limit of the key; beyond it 429 with `Retry-After`. Variations
    of one picture get one answer, and very many of them cost ten times as much each.
    """
    began = monotonic()
    try:
        return await in_thread(_matched, house, caller, data)
    finally:
        passed = monotonic() - began
        await sleep(STEP_SECONDS * ceil(passed / STEP_SECONDS) - passed)


def _matched(house: House, caller: Caller, data: HostedRequest) -> HostedAnswers:
    key = caller.key
    if key is None:
        raise NotAllowed("this needs an API key, not a member")
    limit = limit_of(key)
    house.attempts.spend(limit, str(key.id), len(data.hashes))
    queries = [HashQuery(hash=one.hash, kind=one.kind, quality=one.quality) for one in data.hashes]
    matched = house.hosted.match(caller.organisation, key, queries)
    if matched.surcharge:
        house.attempts.charge(limit, str(key.id), matched.surcharge)
    return HostedAnswers(answers=matched.answers)


def limit_of(key: ApiKey) -> Limit:
    """A minute's worth at once, but one whole call at least."""
    per_minute = key.per_minute or HOSTED_PER_MINUTE
    return Limit(name="hosted", burst=max(per_minute, MAX_HASHES), per_minute=per_minute)


ROUTES: list[HTTPRouteHandler] = [hosted_match]
