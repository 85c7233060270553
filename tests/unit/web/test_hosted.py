"""The hosted matcher: match or no match and the action, and nothing to feel one's way along."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from lapwing.app import House, wire
from lapwing.bank.changes import ListChange, NewList
from lapwing.bank.flood import FLOOR
from lapwing.bank.hosted import FAMILY, MAX_HASHES, MOST_STRADDLING, MOST_VARIANTS, SURCHARGE
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import Conflict, InvalidInput, NotAllowed
from lapwing.model.indicators import BankList, IndicatorKind, ListAction, ListKind, NewIndicator
from lapwing.model.organisations import Role, Scope
from lapwing.settings import Settings
from lapwing.store.clock import new_id
from lapwing.store.database import Database
from web_world import Client, as_browser, bearer, opened_client, session_of

PDQ = "c3d2" * 16
MD5 = "ab" * 16


def far(bits: int, seed: int = 0, of: str = PDQ) -> str:
    """A hash at exactly this distance; each seed another one."""
    turned = sum(1 << place for place in random.Random(seed).sample(range(256), bits))  # noqa: S311
    return f"{int(of, 16) ^ turned:064x}"


class Hands:
    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Hosted:
    """An organisation with a list, another list that the key does not name, and its caller."""

    house: House
    hands: Hands
    organisation: UUID
    listed: BankList
    key: UUID
    secret: str
    client: Client

    def ask(self, *hashes: dict[str, Any], client: Client | None = None) -> Any:
        answer = (client or self.client).post(
            "/v1/hosted/match", headers=bearer(self.secret), json={"hashes": list(hashes)}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["answers"]

    def asks(self, *codes: str, client: Client | None = None) -> list[str]:
        """What is asked for on PDQ hashes of good quality; `no` without a match."""
        hashes = [{"kind": "pdq", "hash": code, "quality": 100} for code in codes]
        answers = self.ask(*hashes, client=client)
        return [one["action"] if one["match"] else "no" for one in answers]


@pytest.fixture
def hosted(database: Database, organisation: UUID, home: Path) -> Iterator[Hosted]:
    hands = Hands()
    settings = Settings(home=home, secrets=home / "secrets", blobs_url=(home / "blobs").as_uri())
    house = wire(settings, database, clock=hands)
    made = [
        house.bank.create_list(
            organisation,
            SYSTEM,
            NewList(
                name=name,
                kind=ListKind.BLOCK,
                source="kingfisher",
                basis="b",
                category="bittern",
                verified=True,
                action=ListAction.REMOVE,
            ),
        )
        for name in ("avocet", "beyond")
    ]
    entries = [
        NewIndicator(kind=IndicatorKind.PDQ, value=PDQ, quality=100),
        NewIndicator(kind=IndicatorKind.MD5, value=MD5),
    ]
    house.bank.add(organisation, SYSTEM, made[0].id, entries)
    other = [NewIndicator(kind=IndicatorKind.SHA1, value="cd" * 20)]
    house.bank.add(organisation, SYSTEM, made[1].id, other)
    key, secret = house.members.create_key(
        organisation, SYSTEM, "small platform", [Scope.HOSTED], [made[0].id], 10_000
    )
    with opened_client(house) as client:
        yield Hosted(house, hands, organisation, made[0], key.id, secret, client)


def test_it_answers_match_and_action_and_nothing_else(hosted: Hosted) -> None:
    answer = hosted.client.post(
        "/v1/hosted/match",
        headers=bearer(hosted.secret),
        json={
            "hashes": [
                {"kind": "pdq", "hash": far(3), "quality": 100},
                {"kind": "pdq", "hash": far(120, 1), "quality": 100},
                {"kind": "md5", "hash": MD5},
                {"kind": "sha1", "hash": "cd" * 20},
            ]
        },
    )
    assert answer.json() == {
        "answers": [
            {"match": True, "action": "remove"},
            {"match": False, "action": "none"},
            {"match": True, "action": "remove"},
            {"match": False, "action": "none"},
        ]
    }
    said = answer.text + json.dumps(dict(answer.headers))
    for secret in (PDQ, str(hosted.listed.id), "avocet", "kingfisher", "bittern", "distance"):
        assert secret not in said


def test_the_key_reaches_nothing_else(hosted: Hosted) -> None:
    for method, path in (
        ("POST", "/v1/match"),
        ("POST", "/v1/screen"),
        ("GET", "/v1/lists"),
        ("GET", f"/v1/lists/{hosted.listed.id}/indicators"),
        ("GET", "/v1/cases"),
        ("GET", "/v1/ledger/head"),
        ("GET", "/v1/hosted/findings"),
    ):
        answer = hosted.client.request(method, path, headers=bearer(hosted.secret), json={})
        assert answer.status_code == 403, path
    me = hosted.client.get("/v1/me", headers=bearer(hosted.secret)).json()
    assert me["lists"] == []


def test_a_hosted_key_stands_alone_and_names_its_lists(hosted: Hosted) -> None:
    create = hosted.house.members.create_key
    for scopes, lists, per_minute in (
        ([Scope.HOSTED, Scope.MATCH], [hosted.listed.id], None),
        ([Scope.HOSTED], [], None),
        ([Scope.HOSTED], [hosted.listed.id], 0),
        ([Scope.MATCH], [], 10),
    ):
        with pytest.raises(InvalidInput):
            create(hosted.organisation, SYSTEM, "no", scopes, lists, per_minute)
    key, _ = create(hosted.organisation, SYSTEM, "yes", [Scope.HOSTED], [hosted.listed.id])
    assert key.per_minute == 120


def test_members_and_other_keys_do_not_pass_for_hosted_callers(hosted: Hosted) -> None:
    house = hosted.house
    admin = house.members.add_member(hosted.organisation, "Ada", Role.ADMIN, SYSTEM)
    _, other = house.members.create_key(hosted.organisation, SYSTEM, "k", [Scope.MATCH])
    body = {"hashes": [{"kind": "md5", "hash": MD5}]}
    for headers in (bearer(other), as_browser(session_of(house, admin))):
        answer = hosted.client.post("/v1/hosted/match", headers=headers, json=body)
        assert answer.status_code == 403


def test_variations_of_a_match_all_match_so_there_is_no_gradient(hosted: Hosted) -> None:
    """From the listed picture outwards: the true edges at 10 and 31 bits do not show."""
    assert hosted.asks(PDQ) == ["remove"]
    walked = [hosted.asks(far(bits, bits))[0] for bits in range(1, FAMILY + 1)]
    assert set(walked) == {"remove"}
    assert hosted.asks(far(FAMILY + 40, 99)) == ["no"]


def test_a_match_is_never_kept_back_by_an_earlier_no(hosted: Hosted) -> None:
    """A guard must not become a door: whoever asks a variation first opens nothing by it."""
    outside = far(40, 1)
    assert hosted.asks(outside) == ["no"]
    assert hosted.asks(far(20, 2)) == ["review"]
    assert hosted.asks(PDQ) == ["remove"]
    assert hosted.asks(outside) == ["remove"], "from then on the whole family has one answer"


def test_answers_follow_the_bank_and_last_no_longer_than_the_day(hosted: Hosted) -> None:
    assert hosted.asks(far(45, 1)) == ["no"]
    assert hosted.asks(PDQ, far(45, 1)) == ["remove", "remove"], "also within one call"
    assert hosted.asks(far(45, 1)) == ["remove"]
    change = ListChange(action=ListAction.HOLD, why="test")
    hosted.house.bank.change_list(hosted.organisation, SYSTEM, hosted.listed.id, change)
    assert hosted.asks(far(45, 1)) == ["hold"]
    hosted.hands.now += timedelta(days=1)
    assert hosted.asks(far(45, 1)) == ["no"], "forgotten after a day"
    with hosted.house.database.organisation(hosted.organisation) as connection:
        kept = connection.execute(text("select count(*) from hosted_queries")).scalar_one()
    assert kept == 1
    assert hosted.asks(PDQ) == ["hold"]
    values = [(IndicatorKind.PDQ, PDQ)]
    hosted.house.bank.withdraw(
        hosted.organisation, SYSTEM, hosted.listed.id, values=values, why="harmless"
    )
    assert hosted.asks(PDQ, far(45, 1)) == ["no", "no"], "what is withdrawn matches nothing"


def test_several_workers_answer_alike(hosted: Hosted) -> None:
    """What one node was asked, another knows; also when both are asked at once."""
    other = wire(hosted.house.settings, Database(hosted.house.database.url), clock=hosted.hands)
    with opened_client(other) as elsewhere:
        assert hosted.asks(PDQ) == ["remove"]
        assert hosted.asks(far(45, 1), client=elsewhere) == ["remove"]
        codes = [far(45, seed) for seed in range(2, 26)]
        with ThreadPoolExecutor(6) as pool:
            asked = [
                pool.submit(hosted.asks, code, client=(hosted.client, elsewhere)[n % 2])
                for n, code in enumerate(codes)
            ]
            assert [one.result(60) for one in asked] == [["remove"]] * len(codes)
    with hosted.house.database.organisation(hosted.organisation) as connection:
        kept = connection.execute(text("select count(*) from hosted_queries")).scalar_one()
    assert kept == 2 + len(codes)
    other.close()


def leaves(hosted: Hosted, kind: str) -> list[str]:
    with hosted.house.database.organisation(hosted.organisation) as connection:
        bodies = connection.execute(
            text("select convert_from(body, 'UTF8') from ledger_events where kind = :kind"),
            {"kind": kind},
        ).scalars()
        return list(bodies)


def test_very_many_variations_are_a_finding_without_hashes_and_cost_ten_times(
    hosted: Hosted,
) -> None:
    unlisted = "5a17" * 16
    codes = [far(5, seed, unlisted) for seed in range(MOST_VARIANTS + 3)]
    for at in range(0, len(codes), 16):
        assert set(hosted.asks(*codes[at : at + 16])) == {"no"}
    assert set(hosted.asks(codes[0])) == {"no"}, "asking the same again is no variation"
    (finding,) = hosted.house.hosted.findings(hosted.organisation)
    assert (finding.pattern, finding.key, finding.seen_at) == ("variants", hosted.key, None)
    (leaf,) = leaves(hosted, "hosted.probing_found")
    assert str(hosted.key) in leaf
    assert not any(code in leaf for code in codes)
    assert SURCHARGE == 9


def test_asking_on_both_sides_of_the_edge_is_a_finding(hosted: Hosted) -> None:
    for seed in range(MOST_STRADDLING):
        hosted.asks(far(40, seed))
    assert hosted.house.hosted.findings(hosted.organisation) == []
    for seed in range(MOST_STRADDLING):
        hosted.asks(far(8, seed))
    (finding,) = hosted.house.hosted.findings(hosted.organisation)
    assert finding.pattern == "straddling"


def test_a_person_notes_that_they_looked(hosted: Hosted) -> None:
    for seed in range(2 * MOST_STRADDLING):
        hosted.asks(far(8 if seed % 2 else 40, seed))
    house = hosted.house
    (finding,) = house.hosted.findings(hosted.organisation, unseen=True)
    admin = house.members.add_member(hosted.organisation, "Ada", Role.ADMIN, SYSTEM)
    analyst = house.members.add_member(hosted.organisation, "Omar", Role.ANALYST, SYSTEM)
    with pytest.raises(NotAllowed):
        house.hosted.acknowledge(hosted.organisation, analyst, finding.id, "fine")
    seen = house.hosted.acknowledge(hosted.organisation, admin, finding.id, "they tested it")
    assert (seen.seen_by, seen.seen_why) == (admin.id, "they tested it")
    assert house.hosted.findings(hosted.organisation, unseen=True) == []
    with pytest.raises(Conflict):
        house.hosted.acknowledge(hosted.organisation, admin, finding.id, "again")
    assert len(leaves(hosted, "hosted.probing_seen")) == 1


@pytest.fixture
def slow(hosted: Hosted) -> Callable[[int], dict[str, str]]:
    def headers(per_minute: int) -> dict[str, str]:
        _, secret = hosted.house.members.create_key(
            hosted.organisation,
            SYSTEM,
            f"slow {new_id()}",
            [Scope.HOSTED],
            [hosted.listed.id],
            per_minute,
        )
        return bearer(secret)

    return headers


def test_beyond_its_limit_a_key_waits_and_is_told_how_long(
    hosted: Hosted, slow: Callable[[int], dict[str, str]]
) -> None:
    headers = slow(60)
    body = {"hashes": [{"kind": "md5", "hash": MD5}] * 30}
    codes = [
        hosted.client.post("/v1/hosted/match", headers=headers, json=body).status_code
        for _ in range(3)
    ]
    assert codes == [200, 200, 429]
    refused = hosted.client.post("/v1/hosted/match", headers=headers, json=body)
    assert refused.headers["Retry-After"] == "30"
    assert refused.json()["code"] == "too_many_attempts"
    hosted.hands.now += timedelta(seconds=30)
    again = hosted.client.post("/v1/hosted/match", headers=headers, json=body)
    assert again.status_code == 200
    # Another key is not made to wait for it.
    assert hosted.asks(PDQ) == ["remove"]


def test_probing_uses_the_limit_up_ten_times_as_fast(
    hosted: Hosted, slow: Callable[[int], dict[str, str]]
) -> None:
    headers = slow(200)

    def ask(seeds: range) -> int:
        hashes = [{"kind": "pdq", "hash": far(5, seed), "quality": 100} for seed in seeds]
        return hosted.client.post(
            "/v1/hosted/match", headers=headers, json={"hashes": hashes}
        ).status_code

    assert [ask(range(at, at + 32)) for at in (0, 32, 64)] == [200, 200, 200]
    assert ask(range(96, 98)) == 429, "32 questions more, charged as 320"


def test_hosted_matches_count_for_a_flood(hosted: Hosted) -> None:
    for _ in range(FLOOR // 10):
        answers = hosted.ask(*[{"kind": "md5", "hash": MD5}] * 10)
    assert {one["action"] for one in answers} == {"hold"}
    assert hosted.asks(PDQ) == ["remove"]
    (quarantined,) = hosted.house.quarantine.acting(hosted.organisation)
    assert quarantined.value == MD5


def test_an_answer_comes_at_whole_steps_of_time(hosted: Hosted) -> None:
    hosted.asks(PDQ)
    for code in (PDQ, far(120, 1)):
        began = time.monotonic()
        hosted.asks(code)
        assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize(
    ("hashes", "status"),
    [
        ([], 400),
        ([{"kind": "md5", "hash": MD5}] * (MAX_HASHES + 1), 400),
        ([{"kind": "md5", "hash": "xyz"}], 400),
        ([{"kind": "url", "hash": "http://example.test/"}], 400),
        ([{"hash": MD5}], 400),
    ],
)
def test_what_cannot_be_asked_is_refused(hosted: Hosted, hashes: list[Any], status: int) -> None:
    answer = hosted.client.post(
        "/v1/hosted/match", headers=bearer(hosted.secret), json={"hashes": hashes}
    )
    assert answer.status_code == status, answer.text
