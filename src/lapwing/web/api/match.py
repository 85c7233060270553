"""Comparing hashes with the caller's lists, without an item, a decision or a record of the hashes.

The answer carries distances: it is for members of the organisation and their machines, never to be
passed on to whoever sent the picture.
"""

from __future__ import annotations

from litestar import post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody
from msgspec import Struct

from lapwing.bank.index.view import BankView
from lapwing.bank.matching import HashQuery, Match, match_hashes
from lapwing.model.organisations import Scope
from lapwing.web.authority import by_key
from lapwing.web.given import CallerGiven, HouseGiven, MetricsGiven
from lapwing.web.problems import REFUSALS

BODY_BYTES = 4 << 20


class MatchRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most 10,000 hashes."""

    hashes: list[HashQuery]


class Matches(Struct, frozen=True, kw_only=True):
    """`matches` follow the request's order, nearest first."""

    generation: int
    """Generation of the index that answered."""
    compared: int
    matches: list[Match]


@post(
    "/v1/match",
    opt=by_key(Scope.MATCH),
    sync_to_thread=True,
    status_code=200,
    request_max_body_size=BODY_BYTES,
    tags=["match"],
    responses={code: REFUSALS[code] for code in (400, 401, 403, 413)},
    operation_id="match",
)
def match(
    house: HouseGiven, caller: CallerGiven, metrics: MetricsGiven, data: JSONBody[MatchRequest]
) -> Matches:
    """Compare up to 10,000 hashes with the lists that the caller reaches."""
    view = house.live.snapshot().view(caller.organisation, house.clock(), caller.lists)
    found = answer(view, data)
    metrics.hashes_matched.inc(found.compared)
    return found


def answer(view: BankView, data: MatchRequest) -> Matches:
    """What this view answers. Raises InvalidInput and LimitExceeded as `match_hashes`."""
    found = match_hashes(view, data.hashes)
    return Matches(generation=view.generation, compared=len(data.hashes), matches=found)


ROUTES: list[HTTPRouteHandler] = [match]
