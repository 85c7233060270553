"""The ledger: the newest signed head to keep elsewhere, and proofs that an event is under it."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from lapwing.evidence.heads import SignedHead
from lapwing.evidence.proofs import ConsistencyProof, InclusionProof
from lapwing.model.errors import NotFound
from lapwing.model.organisations import Scope
from lapwing.web.authority import by_key
from lapwing.web.given import CallerGiven, HouseGiven
from lapwing.web.problems import REFUSALS

_REFUSED = {code: REFUSALS[code] for code in (400, 401, 403, 404)}
_BIGINT = 2**63 - 1

Size = Annotated[
    int | None,
    QueryParameter(
        ge=1, le=_BIGINT, description="Tree size to prove against; the newest without it"
    ),
]

Old = Annotated[
    int,
    QueryParameter(name="from", ge=0, le=_BIGINT, description="Size of the earlier head"),
]
New = Annotated[
    int | None,
    QueryParameter(
        name="to", ge=0, le=_BIGINT, description="Size of the later head; the newest without it"
    ),
]


@get(
    "/v1/ledger/head",
    opt=by_key(Scope.LEDGER_READ),
    sync_to_thread=True,
    tags=["ledger"],
    responses=_REFUSED,
    operation_id="ledger_head",
)
def head(house: HouseGiven, caller: CallerGiven) -> SignedHead:
    """The newest signed head. Kept elsewhere, it shows later that nothing was cut off."""
    with house.database.organisation(caller.organisation) as connection:
        newest = house.ledger.head(connection, caller.organisation)
    if newest is None:
        raise NotFound("nothing is in this ledger yet")
    return newest


@get(
    "/v1/ledger/proof/{position:int}",
    opt=by_key(Scope.LEDGER_READ),
    sync_to_thread=True,
    tags=["ledger"],
    responses=_REFUSED,
    operation_id="ledger_proof",
)
def proof(
    house: HouseGiven, caller: CallerGiven, position: FromPath[int], size: Size = None
) -> InclusionProof:
    """That the leaf at `position` is in the tree: the path of hashes up to the root (RFC 6962)."""
    if not 0 <= position <= _BIGINT:
        raise NotFound(f"there is no leaf {position}")
    with house.database.organisation(caller.organisation) as connection:
        return house.ledger.prove(connection, caller.organisation, position, size)


@get(
    "/v1/ledger/consistency",
    opt=by_key(Scope.LEDGER_READ),
    sync_to_thread=True,
    tags=["ledger"],
    responses=_REFUSED,
    operation_id="ledger_consistency",
)
def consistency(
    house: HouseGiven, caller: CallerGiven, old: Old, new: New = None
) -> ConsistencyProof:
    """That the tree of one head only grew into that of a later one (RFC 6962)."""
    with house.database.organisation(caller.organisation) as connection:
        return house.ledger.prove_growth(connection, caller.organisation, old, new)


ROUTES: list[HTTPRouteHandler] = [head, proof, consistency]
