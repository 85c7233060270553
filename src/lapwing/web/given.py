"""What route handlers are given by name: `house` and `caller`."""

from __future__ import annotations

from typing import Any, TypeAlias

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from lapwing.app import House
from lapwing.operations.readiness import Readiness
from lapwing.web.callers import Caller
from lapwing.web.metrics import Metrics

HouseGiven: TypeAlias = NamedDependency[SkipValidation[House]]
CallerGiven: TypeAlias = NamedDependency[SkipValidation[Caller]]
ReadinessGiven: TypeAlias = NamedDependency[SkipValidation[Readiness]]
MetricsGiven: TypeAlias = NamedDependency[SkipValidation[Metrics]]


def _house(state: State) -> Any:
    return state.house


def _metrics(state: State) -> Any:
    return state.metrics


def _readiness(state: State) -> Any:
    return state.readiness


def _caller(request: Request[Any, Any, Any]) -> Any:
    return request.scope["user"]


GIVEN: dict[str, Provide] = {
    "house": Provide(_house, sync_to_thread=False),
    "metrics": Provide(_metrics, sync_to_thread=False),
    "readiness": Provide(_readiness, sync_to_thread=False),
    "caller": Provide(_caller, sync_to_thread=False),
}
