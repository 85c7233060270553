"""The quick way answers what the route answers, byte for byte, and lets nobody else through."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from litestar import Litestar

from lapwing.app import House
from lapwing.bank.following import Follower
from lapwing.members.tokens import new_key_secret
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import IndicatorKind, NewIndicator
from lapwing.model.organisations import Scope
from lapwing.store.clock import new_id
from lapwing.web import quick
from lapwing.web.app import create_app
from lapwing.web.authority import Authority, declared, handlers_of
from lapwing.web.frame import Frame
from lapwing.web.quick import BODY_BYTES, ROUTES, Quick
from web_world import KNOWN_PDQ, KNOWN_SHA256, Side, session_of

Headers = list[tuple[bytes, bytes]]


@dataclass
class Asked:
    """One request as the server hands it on."""

    body: bytes = b"{}"
    key: str | None = None
    headers: Headers = field(default_factory=list)
    """Beside `Authorization`, `Content-Type` and `Content-Length`."""
    mime: bytes | None = b"application/json"
    length: bytes | None = b"right"
    method: str = "POST"
    path: str = "/v1/match"
    query: bytes = b""
    scheme: str = "http"
    pieces: int = 1
    gone: bool = False
    """The client leaves in the middle."""

    def scope(self) -> dict[str, Any]:
        headers = list(self.headers)
        if self.key is not None:
            headers.append((b"authorization", b"Bearer " + self.key.encode()))
        if self.mime is not None:
            headers.append((b"content-type", self.mime))
        if self.length is not None:
            told = b"%d" % len(self.body) if self.length == b"right" else self.length
            headers.append((b"content-length", told))
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": self.scheme,
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": self.query,
            "root_path": "",
            "headers": headers,
            "client": (f"2001:db8:{random.getrandbits(16):x}:{random.getrandbits(16):x}::1", 5000),
            "server": ("127.0.0.1", 8600),
            "state": {},
        }

    def messages(self) -> Iterator[dict[str, Any]]:
        step = max(1, -(-len(self.body) // self.pieces))
        parts = [self.body[at : at + step] for at in range(0, len(self.body), step)] or [b""]
        for number, part in enumerate(parts):
            if self.gone and number == len(parts) // 2:
                break
            yield {"type": "http.request", "body": part, "more_body": number + 1 < len(parts)}
        while True:
            yield {"type": "http.disconnect"}


Answer = tuple[int, Headers, bytes]


async def answer_of(app: Litestar, asked: Asked) -> Answer:
    messages = asked.messages()
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(asked.scope(), receive, send)  # type: ignore[arg-type]
    if not sent:
        return 0, [], b""
    headers = [(n, v) for n, v in sent[0]["headers"] if n != b"x-request-id"]
    assert len(headers) + 1 == len(sent[0]["headers"])
    return sent[0]["status"], headers, b"".join(m["body"] for m in sent[1:])


@dataclass
class Both:
    """Two applications over one house: with the quick way, and without."""

    house: House
    with_it: Litestar
    without: Litestar
    way: Quick

    async def same(self, asked: Asked) -> Answer:
        """What both answer. Fails where they differ."""
        quickly = await answer_of(self.with_it, asked)
        slowly = await answer_of(self.without, asked)
        assert quickly == slowly, asked
        return quickly

    def run(self, *asked: Asked) -> list[Answer]:
        async def all_of_them() -> list[Answer]:
            return [await self.same(one) for one in asked]

        return asyncio.run(all_of_them())

    def quick_for(self, asked: Asked) -> bool:
        """Whether the quick way takes a call, when the same caller has just been seen."""
        known = Asked(json.dumps({"hashes": []}).encode(), asked.key)

        async def both() -> bool:
            await answer_of(self.with_it, known)
            before = self.way.taken
            await answer_of(self.with_it, asked)
            return self.way.taken > before

        return asyncio.run(both())


@pytest.fixture(scope="module")
def both(house: House) -> Iterator[Both]:
    follower = Follower(house.live)
    house.live.snapshot()
    follower.start()
    with_it, without = create_app(house), create_app(house)
    frame = with_it.asgi_handler
    assert isinstance(frame, Frame)
    way = frame._app
    assert isinstance(way, Quick)
    other = without.asgi_handler
    assert isinstance(other, Frame)
    assert isinstance(other._app, Quick)
    without.asgi_handler = Frame(other._app._app, without.state.metrics)
    yield Both(house, with_it, without, way)
    follower.stop()


def body(*hashes: Any, **more: Any) -> bytes:
    return json.dumps({"hashes": list(hashes), **more}).encode()


def near(bits: int, rng: random.Random) -> str:
    flipped = int(KNOWN_PDQ, 16)
    for bit in rng.sample(range(256), bits):
        flipped ^= 1 << bit
    return f"{flipped:064x}"


def some_hash(rng: random.Random) -> dict[str, Any]:
    """Mostly good, sometimes not."""
    value: Callable[[], Any] = rng.choice(
        [
            lambda: near(rng.randrange(40), rng),
            lambda: near(rng.randrange(12), rng).upper(),
            lambda: f"{rng.getrandbits(256):064x}",
            lambda: KNOWN_SHA256,
            lambda: f"{rng.getrandbits(128):032x}",
            lambda: f"  {KNOWN_PDQ} ",
        ]
        if rng.random() < 0.85
        else [lambda: "", lambda: "zz" * 32, lambda: 7, lambda: None, lambda: "é" * 64]
    )
    found = {"hash": value()}
    if (isinstance(found["hash"], str) and len(found["hash"].strip()) == 64) or rng.random() < 0.1:
        found["kind"] = rng.choice(["pdq", "pdq", "pdq", "sha256"])
    elif rng.random() < 0.1:
        found["kind"] = rng.choice(["url", "md5", "PDQ", "", None, 4])
    if rng.random() < 0.5:
        odd = [-1, 101, "50", 50.0, 50.5, True, 1 << 70, [], "x"]
        found["quality"] = rng.randrange(101) if rng.random() < 0.9 else rng.choice(odd)
    if rng.random() < 0.02:
        found["more"] = 1
    return found


ODD_BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"7",
    b'"x"',
    b'{"hashes": null}',
    b'{"hashes": {}}',
    b'{"hashes": [{}]}',
    b'{"hashes": [1]}',
    b'{"hashes": []} x',
    b' {"hashes": [] } \n',
    b'{"hashes": [], "hashes": [{"hash": "00000000000000000000000000000000"}]}',
    b'{"hashes": [{"hash": "00000000000000000000000000000000", "quality": 1e2}]}',
    b'{"hashes": [{"hash": "00000000000000000000000000000000", "quality": NaN}]}',
    b'{"hashes": [{"hash": "\\ud800"}]}',
    b'{"hashes": [{"hash": "\xff\xfe"}]}',
    b"\xef\xbb\xbf" + b'{"hashes": []}',
    b'{"hashes": ' + b"[" * 3000 + b"]" * 3000 + b"}",
]


def some_body(rng: random.Random) -> bytes:
    if rng.random() < 0.1:
        return rng.choice(ODD_BODIES)
    written = body(*(some_hash(rng) for _ in range(rng.choice([0, 1, 1, 2, 8, 8, 8, 30]))))
    if rng.random() < 0.05:
        cut = rng.randrange(len(written))
        return written[:cut]
    return written


def some_request(rng: random.Random, keys: list[str], strangers: list[str]) -> Asked:
    asked = Asked(some_body(rng), rng.choice(keys), pieces=rng.choice([1, 1, 1, 2, 5]))
    if rng.random() < 0.75:
        return asked
    change: Callable[[], None] = rng.choice(
        [
            lambda: setattr(asked, "key", rng.choice(strangers)),
            lambda: setattr(asked, "key", None),
            lambda: setattr(asked, "mime", b"application/json; charset=utf-8"),
            lambda: setattr(asked, "mime", rng.choice([b"text/plain", b"APPLICATION/JSON", None])),
            lambda: setattr(asked, "method", rng.choice(["GET", "PUT", "HEAD", "OPTIONS"])),
            lambda: setattr(asked, "path", rng.choice(["/v1/match/", "/v1/Match", "//v1/match"])),
            lambda: setattr(asked, "query", rng.choice([b"x=1", b"hashes=1", b"%ff"])),
            lambda: setattr(asked, "scheme", "https"),
            lambda: setattr(asked, "length", rng.choice([None, b"99999999", b"x"])),
            lambda: asked.headers.append((b"cookie", b"lapwing=x")),
            lambda: asked.headers.append((b"content-type", b"text/plain")),
            lambda: asked.headers.append((b"x-forwarded-for", b"198.51.100.7")),
        ]
    )
    change()
    return asked


@pytest.mark.parametrize("seed", range(6))
def test_both_ways_give_one_answer(
    both: Both, ours: Side, theirs: Side, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    house, rng = both.house, random.Random(seed)  # noqa: S311
    other = house.bank.add(
        ours.organisation,
        SYSTEM,
        ours.list_id,
        [NewIndicator(kind=IndicatorKind.PDQ, value=near(20, rng), quality=90)],
    )
    assert other.ids
    _, bound = house.members.create_key(
        ours.organisation, SYSTEM, f"bound {new_id()}", [Scope.MATCH], lists=[ours.list_id]
    )
    _, scopeless = house.members.create_key(
        ours.organisation, SYSTEM, f"screens {new_id()}", [Scope.SCREEN]
    )
    gone, revoked = house.members.create_key(
        ours.organisation, SYSTEM, f"revoked {new_id()}", [Scope.MATCH]
    )
    house.members.revoke_key(ours.organisation, SYSTEM, gone.id)
    strangers = [scopeless, revoked, new_key_secret(), session_of(house, ours.admin), "", "lw_"]
    requests = [
        some_request(rng, [ours.secret, theirs.secret, bound], strangers) for _ in range(80)
    ]
    counted = [app.state.metrics for app in (both.with_it, both.without)]
    before, taken = [_counts(metrics) for metrics in counted], both.way.taken
    capsys.readouterr()
    answers = both.run(*requests)
    after = [_counts(metrics) for metrics in counted]
    assert both.way.taken - taken > 20
    statuses = {status for status, _, _ in answers}
    assert {200, 400} <= statuses
    assert not {status for status in statuses if status >= 500}
    # What either way counted and logged is the same, too.
    grown = [
        {name: value - old.get(name, 0) for name, value in new.items()}
        for old, new in zip(before, after, strict=True)
    ]
    assert grown[0] == grown[1]
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    lines = [{k: v for k, v in line.items() if k not in PASSING} for line in said]
    assert len(lines) == 2 * len(requests)
    assert lines[0::2] == lines[1::2]


PASSING = ("request_id", "milliseconds", "timestamp")


def _counts(metrics: Any) -> dict[str, float]:
    return {
        f"{sample.name} {sample.labels}": sample.value
        for family in (metrics.requests, metrics.hashes_matched)
        for sample in next(iter(family.collect())).samples
        if not sample.name.endswith("_created")
    }


class TestWhatItTakes:
    def test_a_plain_call_of_a_known_key(self, both: Both, ours: Side) -> None:
        assert both.quick_for(Asked(body({"kind": "pdq", "hash": KNOWN_PDQ}), ours.secret))
        assert both.quick_for(Asked(body(), ours.secret, pieces=3))

    @pytest.mark.parametrize(
        "change",
        [
            {"mime": b"application/json; charset=utf-8"},
            {"mime": None},
            {"query": b"x=1"},
            {"path": "/v1/match/"},
            {"path": "/v1/screen"},
            {"method": "PUT"},
            {"length": None},
            {"length": b"%d" % (BODY_BYTES + 1)},
            {"body": b"{"},
            {"body": body({"hash": "nonsense"})},
            {"headers": [(b"content-type", b"application/json")]},
            {"headers": [(b"authorization", b"Bearer lw_" + b"a" * 43)]},
        ],
        ids=str,
    )
    def test_nothing_out_of_the_ordinary(
        self, both: Both, ours: Side, change: dict[str, Any]
    ) -> None:
        plain: dict[str, Any] = {"body": body(), "key": ours.secret}
        assert not both.quick_for(Asked(**(plain | change)))

    def test_no_caller_but_a_key_with_the_scope(self, both: Both, ours: Side) -> None:
        house = both.house
        _, scopeless = house.members.create_key(
            ours.organisation, SYSTEM, f"all but {new_id()}", [s for s in Scope if s != "match"][:3]
        )
        signed = house.members.signed_in(session_of(house, ours.analyst))
        assert signed is not None
        _, token = house.members.create_token(signed, f"t {new_id()}")
        for secret in (scopeless, session_of(house, ours.admin), token, new_key_secret(), ""):
            assert not both.quick_for(Asked(body(), secret))

    def test_a_body_that_is_longer_than_it_said_is_not_read_to_the_end(
        self, both: Both, ours: Side
    ) -> None:
        long = body(*[{"hash": "0" * 32}] * 2000)
        assert len(long) > BODY_BYTES
        asked = Asked(long, ours.secret, length=b"20", pieces=50)
        assert not both.quick_for(asked)

    def test_a_caller_who_leaves_is_left_to_the_route(self, both: Both, ours: Side) -> None:
        assert not both.quick_for(Asked(body(), ours.secret, pieces=3, gone=True))


def test_a_revoked_key_fails_from_the_next_request_on(both: Both, ours: Side) -> None:
    house = both.house
    key, secret = house.members.create_key(
        ours.organisation, SYSTEM, f"soon gone {new_id()}", [Scope.MATCH]
    )
    asked = Asked(body(), secret)
    assert both.quick_for(asked)
    assert both.run(asked)[0][0] == 200
    house.members.revoke_key(ours.organisation, SYSTEM, key.id)
    assert both.run(asked)[0][0] == 401


def test_what_was_just_listed_or_withdrawn_counts_at_once(both: Both, ours: Side) -> None:
    house, rng = both.house, random.Random(4)  # noqa: S311
    for _ in range(5):
        value = f"{rng.getrandbits(256):064x}"
        asked = Asked(body({"kind": "pdq", "hash": value}), ours.secret)

        def found(asked: Asked = asked) -> int:
            return len(json.loads(both.run(asked)[0][2])["matches"])

        assert found() == 0
        entry = NewIndicator(kind=IndicatorKind.PDQ, value=value)
        added = house.bank.add(ours.organisation, SYSTEM, ours.list_id, [entry])
        assert found() == 1
        house.bank.withdraw(ours.organisation, SYSTEM, ours.list_id, ids=added.ids, why="test")
        assert found() == 0


def test_another_organisation_s_list_is_not_matched(both: Both, ours: Side, theirs: Side) -> None:
    only_theirs = "5a" * 32
    entry = NewIndicator(kind=IndicatorKind.PDQ, value=only_theirs)
    both.house.bank.add(theirs.organisation, SYSTEM, theirs.list_id, [entry])
    hashes = body({"kind": "pdq", "hash": only_theirs})
    for side, count in ((ours, 0), (theirs, 1)):
        asked = Asked(hashes, side.secret)
        assert both.quick_for(asked)
        assert len(json.loads(both.run(asked)[0][2])["matches"]) == count


def test_it_waits_for_nothing_when_nobody_keeps_the_bank_level(house: House, ours: Side) -> None:
    app = create_app(house)
    asked = Asked(body(), ours.secret)

    async def twice() -> None:
        for _ in range(2):
            assert (await answer_of(app, asked))[0] == 200

    held, house.live.followed = house.live.followed, False
    try:
        asyncio.run(twice())
    finally:
        house.live.followed = held
    assert app.asgi_handler._app.taken == 0  # type: ignore[attr-defined]


def test_what_it_asks_of_a_caller_is_what_the_route_declares(house: House) -> None:
    declarations = {
        path: handler
        for path, method, handler in handlers_of(create_app(house))
        if method == "POST"
    }
    for path, route in ROUTES.items():
        handler = declarations[path]
        assert declared(handler) is Authority.API_KEY
        assert handler.opt["scope"] is route.scope


def test_no_hosted_caller_gets_here(both: Both, ours: Side) -> None:
    """Its answers tell distances (DESIGN, Do no harm 10)."""
    assert all(route.scope.value != "hosted" for route in ROUTES.values())
    assert all("hosted" not in path for path in quick.ROUTES)
