"""The API's own description: whole, honest, and served without any other host."""

from __future__ import annotations

import os
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from schemathesis import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lapwing.app import House
from lapwing.model.actors import SYSTEM
from lapwing.model.organisations import Scope
from lapwing.store.clock import new_id
from lapwing.web.app import create_app
from lapwing.web.authority import Authority, declared, handlers_of
from web_world import Client, Side, bearer, session_of

EXAMPLES = 200 if os.environ.get("LAPWING_TEST_SIZE") == "full" else 6

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def description(client: Client) -> dict[str, Any]:
    answer = client.get("/schema/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json())


def operations(description: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in description["paths"].items()
        for method, operation in item.items()
    }


def test_it_is_openapi_3_1(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    assert description["info"]["title"] == "Lapwing"


def test_every_api_route_is_described_with_its_credential(
    house: House, description: dict[str, Any]
) -> None:
    described = operations(description)
    for path, method, handler in handlers_of(create_app(house)):
        if not path.startswith("/v1/"):
            continue
        simple = "/".join(
            "{" + part[1:].partition(":")[0] + "}" if part.startswith("{") else part
            for part in path.split("/")
        )
        operation = described[f"{method} {simple}"]
        assert operation["description"]
        taken = [name for one in operation["security"] for name in one]
        keyed = declared(handler) is Authority.API_KEY
        assert taken == (["api_key", "member"] if keyed else ["member"])


def test_errors_are_described_by_one_shape(description: dict[str, Any]) -> None:
    for name, operation in operations(description).items():
        for status, answer in operation["responses"].items():
            if status.startswith(("4", "5")):
                schema = answer["content"]["application/json"]["schema"]
                # Readiness answers with the same document whether it is yes or no.
                kind = "/Ready" if name == "GET /readyz" else "/Problem"
                assert schema["$ref"].endswith(kind), (name, status)


def test_screening_describes_its_three_bodies(description: dict[str, Any]) -> None:
    content = operations(description)["POST /v1/screen"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/x-ndjson", "multipart/form-data"}
    kinds = [one["title"] for one in content["application/json"]["schema"]["oneOf"]]
    assert {"media", "message", "advert", "payment", "url"} <= set(kinds)


@pytest.mark.parametrize("path", ["/schema", "/schema/openapi.json", "/schema/openapi.yaml"])
def test_no_other_host_is_named_by_what_is_served(client: Client, path: str) -> None:
    text = client.get(path).text
    assert "cdn" not in text
    assert "<script" not in text


def obey(operation: APIOperation, credential: dict[str, str], real: dict[str, str]) -> None:
    """Send generated requests of one operation and hold the answers to the description.

    `real` are ids of things that are there, so that requests get past the first look-up.
    """
    cases = operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @hypothesis.given(case=cases)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def obeys(case: schemathesis.Case) -> None:
        for name in real.keys() & case.path_parameters.keys():
            case.path_parameters[name] = real[name]
        case.call_and_validate(headers=credential, checks=CHECKS)

    obeys()


def credential_of(house: House, ours: Side, who: str) -> dict[str, str]:
    """Headers of an admin, of a key that may do all, of a hosted caller's key, of nobody."""
    if who == "nobody":
        return {}
    if who == "member":
        return bearer(session_of(house, ours.admin))
    scopes = [one for one in Scope if (one is Scope.HOSTED) is (who == "hosted")]
    lists = [ours.list_id] if who == "hosted" else []
    _, secret = house.members.create_key(
        ours.organisation, SYSTEM, f"{who} {new_id()}", scopes, lists
    )
    return bearer(secret)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["member", "key", "hosted", "nobody"])
def test_what_is_described_is_what_happens(
    house: House, ours: Side, description: dict[str, Any], who: str
) -> None:
    """Generated requests, good and bad, never crash and answer as described, whoever asks."""
    app = create_app(house)
    schema = schemathesis.openapi.from_asgi("/schema/openapi.json", app)
    credential = credential_of(house, ours, who)
    real = {"list_id": str(ours.list_id), "case": str(ours.case), "item": str(ours.item)}
    tried = 0
    for result in schema.get_all_operations():
        obey(result.ok(), credential, real)
        tried += 1
    assert tried == len(operations(description))
