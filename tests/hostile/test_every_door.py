"""Hostile bodies, paths, queries and headers at every route: refused in time, never a crash."""

from __future__ import annotations

import re
import time
from typing import Any
from uuid import uuid4

import pytest

from lapwing.app import House
from lapwing.web.app import create_app
from lapwing.web.authority import handlers_of
from web_world import Client, Side, as_browser, bearer, session_of

DEEP = 100_000
SECONDS = 10.0

JSON: dict[str, bytes] = {
    "nothing": b"",
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "only opened": b"[" * DEEP,
    "another type": b"[1]",
    "null": b"null",
    "broken UTF-8": b'{"name":"a\xff","text":"\xc3"}',
    "NUL": b'{"name":"a\\u0000","text":"a\\u0000","reason":"\\u0000","why":"\\u0000"}',
    "half a pair": b'{"name":"\\ud800","text":"\\udfff"}',
    "a giant number": b'{"name":' + b"9" * DEEP + b"}",
    "a giant name": b'{"' + b"n" * DEEP + b'":1}',
    "giant text": b'{"name":"' + b"x" * 900_000 + b'"}',
}
FORMS: dict[str, bytes] = {
    "nothing": b"",
    "100,000 fields": b"&".join(b"f%d=1" % n for n in range(DEEP)),
    "the same field often": b"text=a&" * 50_000,
    "NUL": b"text=a%00b&name=%00&reason=%00&outcome=%00&token=%00",
    "broken UTF-8": b"text=%ff%fe&name=%c0%af&token=%ff",
    "giant text": b"text=" + b"x" * 900_000,
    "only signs": b"&=&=%%%&;" * 10_000,
}
QUERIES = ("limit", "after", "state", "from", "to", "size", "next", "said")
PATHS = ("%00", "%ff", "..%2f..%2fetc%2fpasswd", "0" * 4_000, "-1", "9" * 5_000, "a%0d%0ab", "💥")


@pytest.fixture(scope="module")
def routes(house: House) -> list[tuple[str, str]]:
    """(method, path) of every route; the session under test stays signed in."""
    found = {(method, path) for path, method, _ in handlers_of(create_app(house))}
    slow = ("/schema/openapi.yaml", "/schema/openapi.yml")
    return sorted(r for r in found if "sign-out" not in r[1] and r[1] not in slow)


def filled(path: str, value: str | None = None) -> str:
    return re.sub(r"\{[^}]*\}", lambda _: value or str(uuid4()), path)


def hold(client: Client, method: str, path: str, **options: Any) -> None:
    """Send one request as an admin, by token and as a browser would."""
    started = time.perf_counter()
    answer = client.request(method, path, **options)
    client.cookies.clear()
    assert answer.status_code < 500, (method, path[:200], answer.status_code, answer.text[:300])
    assert time.perf_counter() - started < SECONDS, (method, path[:200])
    assert len(answer.text) < 200_000


@pytest.fixture(scope="module")
def admin(house: House, ours: Side) -> dict[str, dict[str, str]]:
    session = session_of(house, ours.admin)
    return {"json": bearer(session), "form": as_browser(session)}


@pytest.mark.parametrize("name", JSON)
def test_json_made_to_hurt(
    client: Client, routes: list[tuple[str, str]], admin: dict[str, dict[str, str]], name: str
) -> None:
    headers = admin["json"] | {"Content-Type": "application/json"}
    sent = [route for route in routes if route[0] in ("POST", "PUT", "PATCH", "DELETE")]
    assert len(sent) > 20
    for method, path in sent:
        hold(client, method, filled(path), headers=headers, content=JSON[name])


@pytest.mark.parametrize("name", FORMS)
def test_forms_made_to_hurt(
    client: Client, routes: list[tuple[str, str]], admin: dict[str, dict[str, str]], name: str
) -> None:
    headers = admin["form"] | {"Content-Type": "application/x-www-form-urlencoded"}
    for method, path in routes:
        if method == "POST" and path.startswith("/console"):
            hold(client, method, filled(path), headers=headers, content=FORMS[name])


@pytest.mark.parametrize("value", PATHS)
def test_paths_and_queries_made_to_hurt(
    client: Client, routes: list[tuple[str, str]], admin: dict[str, dict[str, str]], value: str
) -> None:
    for method, path in routes:
        for headers in admin.values():
            if "{" in path:
                hold(client, method, filled(path, value), headers=headers)
            query = (
                f"?limit={value}&after={value}&state={value}&from={value}&size={value}&next={value}"
            )
            if method == "GET":
                hold(client, method, filled(path) + query, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer " + "x" * 60_000},
        {"Authorization": "Bearer \xff"},
        {"Authorization": "Basic ::::"},
        {"Authorization": ""},
        {"Cookie": "lapwing=" + "x" * 60_000},
        {"Cookie": "lapwing=a; " * 5_000},
        {"Cookie": '__Host-lapwing="\\377"'},
        {"Content-Type": "application/json; charset=" + "x" * 10_000},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "multipart/form-data; boundary=" + "x" * 5_000},
        {"Content-Type": "\xff/\xff"},
        {"X-CSRF-Token": "\xff" * 100},
        {"Accept": "a/b;q=9" * 5_000},
        {"Sec-Fetch-Site": "\xff"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
        {"Host": "x" * 5_000},
        {"X-Forwarded-For": "1" * 10_000},
    ],
)
def test_headers_made_to_hurt(
    client: Client, routes: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    for method, path in routes:
        hold(client, method, filled(path), headers=raw, content=b"{}" if method == "POST" else b"")
