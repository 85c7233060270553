"""The HTTP API: one module a noun. A new module adds its routes to `api_routes`."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from lapwing.web.api import (
    appeals,
    bank,
    cases,
    confirmations,
    health,
    hosted,
    keys,
    ledger,
    match,
    me,
    opinions,
    reports,
    screen,
)


def api_routes() -> list[HTTPRouteHandler]:
    """Every route of the API, each with its authority."""
    modules = (
        screen,
        appeals,
        match,
        hosted,
        bank,
        opinions,
        cases,
        reports,
        confirmations,
        ledger,
        keys,
        me,
        health,
    )
    return [route for module in modules for route in module.ROUTES]
