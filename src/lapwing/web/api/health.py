"""Is Lapwing alive, can it do its work, what has it done: for load balancers and operators."""

from __future__ import annotations

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST

from lapwing import __version__
from lapwing.operations.readiness import Ready
from lapwing.web.authority import LOOPBACK, PUBLIC
from lapwing.web.given import HouseGiven, MetricsGiven, ReadinessGiven


class Health(Struct, frozen=True, kw_only=True):
    status: str
    version: str


@get("/healthz", opt=PUBLIC, sync_to_thread=False, tags=["health"], operation_id="health")
def healthz() -> Health:
    """200 while the process is alive and answers, whatever else is missing."""
    return Health(status="ok", version=__version__)


@get(
    "/readyz",
    opt=PUBLIC,
    sync_to_thread=True,
    tags=["health"],
    responses={
        503: ResponseSpec(Ready, description="`missing` names the parts", generate_examples=False)
    },
    operation_id="readiness",
)
def readyz(readiness: ReadinessGiven) -> Response[Ready]:
    """200 while this process can do its work, else 503 with the names of the parts it lacks."""
    found = readiness.look()
    return Response(found, status_code=200 if found.ready else 503)


@get(
    "/metrics",
    opt=LOOPBACK,
    sync_to_thread=True,
    tags=["health"],
    include_in_schema=False,
    operation_id="metrics",
)
def metrics_text(house: HouseGiven, metrics: MetricsGiven) -> Response[bytes]:
    """Numbers in Prometheus' format, to this machine only."""
    metrics.note_connections(house.database)
    return Response(metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


ROUTES: list[HTTPRouteHandler] = [healthz, readyz, metrics_text]
