"""docs/api.md: every request in it is sent, and answered as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from lapwing.app import House
from lapwing.web.problems import CODES, STATUS
from web_world import KNOWN_SHA256, Client, Side, session_of, settle

DOCUMENT = Path(__file__).parents[2] / "docs" / "api.md"
EXAMPLE = re.compile(
    r"```http\n(?P<asked>.*?)```\s+```json ?(?P<status>\d*)\n(?P<answer>.*?)```", re.S
)


@pytest.fixture(scope="module")
def reader(house: House) -> Side:
    return settle(house, "reader")


def examples() -> list[re.Match[str]]:
    return list(EXAMPLE.finditer(DOCUMENT.read_text()))


def filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$([A-Z]+)", lambda match: values.get(match[1], match[0]), text)


def holds(answer: Any, shown: Any, values: dict[str, str]) -> bool:
    """Whether the answer has all that is shown; learns the `$NAME`s that are not known yet."""
    if isinstance(shown, dict):
        return isinstance(answer, dict) and all(
            name in answer and holds(answer[name], value, values) for name, value in shown.items()
        )
    if isinstance(shown, list):
        return (
            isinstance(answer, list)
            and len(answer) == len(shown)
            and all(holds(*pair, values) for pair in zip(answer, shown, strict=True))
        )
    if isinstance(shown, str) and shown.startswith("$"):
        values[shown[1:]] = str(answer)
        return True
    return shown == "…" or bool(answer == shown)


def test_every_example_is_answered_as_shown(house: House, client: Client, reader: Side) -> None:
    values = {
        "KEY": reader.secret,
        "MEMBER": session_of(house, reader.reviewer),
        "ADMIN": session_of(house, reader.admin),
        "LISTED": KNOWN_SHA256,
    }
    found = examples()
    assert len(found) == DOCUMENT.read_text().count("```http")
    assert len(found) > 12
    for example in found:
        head, _, body = filled(example["asked"], values).partition("\n\n")
        request, *headers = head.strip().splitlines()
        method, address = request.split()
        answer = client.request(
            method, address, headers=dict(h.split(": ", 1) for h in headers), content=body
        )
        wanted = [int(example["status"])] if example["status"] else [200, 201]
        assert answer.status_code in wanted, (request, answer.text)
        shown = json.loads(filled(example["answer"], values))
        assert holds(answer.json(), shown, values), (request, answer.text)


def test_every_route_of_the_api_is_named(client: Client) -> None:
    document = DOCUMENT.read_text()
    described = client.get("/schema/openapi.json").json()["paths"]
    steps = re.compile(r"^/v1/cases/\{case\}/(\w+)$")
    for path in described:
        step = steps.match(path)
        name = f"`{step[1]}`" if step else path.partition("{")[0].rstrip("/")
        assert name in document, path


def test_every_code_is_in_the_table() -> None:
    document = DOCUMENT.read_text()
    for code in {kind.code for kind in STATUS} | set(CODES.values()):
        assert f"`{code}`" in document, code
