"""The web application: routes, guard, errors and frame put together over an opened house."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from copy import deepcopy
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme

from lapwing import __version__
from lapwing.app import House
from lapwing.model.structs import prepare_structs
from lapwing.operations.readiness import Heartbeat
from lapwing.web.api import api_routes
from lapwing.web.authority import (
    PUBLIC,
    Authority,
    declared,
    guard,
    handlers_of,
    require_declarations,
)
from lapwing.web.bodies import CarefulRequest
from lapwing.web.console import console_pages
from lapwing.web.fetching import Resolve, resolve_host
from lapwing.web.frame import Frame
from lapwing.web.given import GIVEN
from lapwing.web.metrics import Metrics
from lapwing.web.numbers import HouseNumbers
from lapwing.web.problems import HANDLERS, REFUSALS
from lapwing.web.quick import Quick
from lapwing.web.readiness import readiness_of
from lapwing.web.sign_in import sign_in_routes

SMALL_BODY = 1 << 20
"""Bytes of a body unless a route says otherwise."""

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_app(
    house: House,
    *,
    pages: Sequence[Any] | None = None,
    lifespan: Sequence[Lifespan] = (),
    resolve: Resolve = resolve_host,
    worker: Heartbeat | None = None,
) -> Litestar:
    """The application over `house`, which stays open when the application stops.

    `pages` are the route handlers and routers beside the API, each with its authority; without
    them, the console's. `resolve` turns a media host into an address. `worker` is the pulse of the
    job worker that this process must have to be ready. Raises
    ImproperlyConfiguredException for a route without an authority.
    """
    prepare_structs()
    metrics = Metrics(HouseNumbers(house))
    beside = console_pages() if pages is None else pages
    app = Litestar(
        route_handlers=[*api_routes(), *sign_in_routes(), *beside],
        guards=[guard],
        dependencies=GIVEN,
        exception_handlers=HANDLERS,
        request_class=CarefulRequest,
        request_max_body_size=SMALL_BODY,
        openapi_config=_description(),
        state=State(
            {
                "house": house,
                "metrics": metrics,
                "resolve": resolve,
                "readiness": readiness_of(house, worker),
            }
        ),
        lifespan=list(lifespan),
        logging_config=None,
        debug=False,
    )
    require_declarations(app)
    _describe_authorities(app)
    app.asgi_handler = Frame(Quick(app.asgi_handler, house, metrics), metrics)
    return app


def _describe_authorities(app: Litestar) -> None:
    """Write into the API's description which credential each operation takes."""
    taken: dict[Authority, list[dict[str, list[str]]]] = {
        Authority.API_KEY: [{"api_key": []}, {"member": []}],
        Authority.MEMBER: [{"member": []}],
    }
    handlers = {
        handler.operation_id: handler
        for _, _, handler in handlers_of(app)
        if isinstance(handler, HTTPRouteHandler)
    }
    for path in (app.openapi_schema.paths or {}).values():
        for operation in (path.get, path.post, path.put, path.delete):
            if operation is not None and operation.operation_id in handlers:
                operation.security = taken.get(declared(handlers[operation.operation_id]), [])
                if operation.security and operation.responses is not None:
                    # Whoever shows one wrong credential after the other is asked to wait.
                    answer = deepcopy(operation.responses["401"])
                    answer.description = REFUSALS[429].description
                    operation.responses.setdefault("429", answer)


def _description() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Lapwing",
        version=__version__,
        summary="Known pictures and links recognised, decided on, and put before people.",
        description=(
            "Every error has one body: `code`, `message` and, where there is one, `field`, `line` "
            "and `column`. Verdicts need a member in person; no API key can give one."
        ),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "api_key": SecurityScheme(
                    type="http", scheme="bearer", description="An API key, `lw_…`"
                ),
                "member": SecurityScheme(
                    type="http", scheme="bearer", description="A member's session token"
                ),
            }
        ),
        render_plugins=[JsonRenderPlugin(), YamlRenderPlugin()],
        openapi_router=Router(
            "/schema", route_handlers=[], include_in_schema=False, opt=dict(PUBLIC)
        ),
    )
