"""The HTTP API as a caller meets it, over a real database."""

from __future__ import annotations

import msgspec
import pytest

from lapwing.app import House
from lapwing.evidence.heads import SignedHead, check_head
from lapwing.evidence.proofs import ConsistencyProof, InclusionProof
from web_world import (
    EVERYTHING,
    KNOWN_PDQ,
    KNOWN_SHA256,
    NDJSON,
    Client,
    Side,
    bearer,
    lines,
    session_of,
)

LIST = {
    "name": "Partners",
    "kind": "block",
    "source": "partner",
    "basis": "contract",
    "category": "test",
    "verified": True,
}
FRESH = "12" * 32


@pytest.fixture
def admin(house: House, ours: Side) -> dict[str, str]:
    return bearer(session_of(house, ours.admin))


@pytest.fixture
def reviewer(house: House, ours: Side) -> dict[str, str]:
    return bearer(session_of(house, ours.reviewer))


def new_case(client: Client, side: Side, account: str) -> str:
    record = {"kind": "media", "id": f"of-{account}", "sha256": KNOWN_SHA256, "account": account}
    answer = client.post("/v1/screen", headers=side.bearer, json=record)
    return str(answer.json()["decisions"][0]["case"])


class TestMe:
    def test_a_key_learns_what_it_may_do(self, client: Client, ours: Side) -> None:
        me = client.get("/v1/me", headers=ours.bearer).json()
        assert me["organisation"] == str(ours.organisation)
        assert me["actor"]["kind"] == "api_key"
        assert me["role"] is None
        assert set(me["scopes"]) == {scope.value for scope in EVERYTHING}

    def test_a_member_learns_the_role(self, client: Client, reviewer: dict[str, str]) -> None:
        me = client.get("/v1/me", headers=reviewer).json()
        assert me["role"] == "reviewer"
        assert "bank.write" not in me["scopes"]


class TestBank:
    def test_a_list_is_made_filled_read_and_emptied(self, client: Client, ours: Side) -> None:
        made = client.post("/v1/lists", headers=ours.bearer, json=LIST | {"name": "Whole way"})
        assert made.status_code == 201, made.text
        path = f"/v1/lists/{made.json()['id']}"
        added = client.post(
            f"{path}/indicators",
            headers=ours.bearer,
            json={
                "indicators": [
                    {"kind": "sha256", "value": FRESH.upper()},
                    {"kind": "sha256", "value": FRESH},
                    {"kind": "md5", "value": "short"},
                    {"kind": "domain", "value": "Bad.Example.NET"},
                ]
            },
        ).json()
        assert len(added["ids"]) == 2
        assert added["repeated"] == 1
        assert [(r["line"], r["field"]) for r in added["refused"]] == [(3, "value")]
        page = client.get(f"{path}/indicators", headers=ours.bearer, params={"limit": 1}).json()
        assert page["indicators"][0]["value"] == FRESH
        rest = client.get(
            f"{path}/indicators", headers=ours.bearer, params={"after": page["next"]}
        ).json()
        assert [one["value"] for one in rest["indicators"]] == ["bad.example.net"]
        assert rest["next"] is None
        gone = client.post(
            f"{path}/withdraw",
            headers=ours.bearer,
            json={"values": [FRESH, {"kind": "domain", "value": "bad.example.net"}], "why": "test"},
        ).json()
        assert sorted(gone["ids"]) == sorted(added["ids"])
        empty = client.get(f"{path}/indicators", headers=ours.bearer).json()
        assert empty == {"indicators": [], "next": None}
        named = client.get("/v1/lists", headers=ours.bearer).json()["lists"]
        assert "Whole way" in {one["name"] for one in named}
        assert client.get(path, headers=ours.bearer).json()["verified"] is True

    def test_adding_and_withdrawing_act_on_the_next_match(self, client: Client, ours: Side) -> None:
        path = f"/v1/lists/{ours.list_id}"
        asked = {"hashes": [{"hash": "34" * 32, "kind": "sha256"}]}

        def matched() -> list[object]:
            answer = client.post("/v1/match", headers=ours.bearer, json=asked).json()
            return list(answer["matches"])

        assert matched() == []
        entry = {"kind": "sha256", "value": "34" * 32}
        client.post(f"{path}/indicators", headers=ours.bearer, json={"indicators": [entry]})
        assert len(matched()) == 1
        gone = {"values": [entry], "why": "a mistake"}
        client.post(f"{path}/withdraw", headers=ours.bearer, json=gone)
        assert matched() == []

    def test_a_name_is_given_once(self, client: Client, ours: Side) -> None:
        answers = [
            client.post("/v1/lists", headers=ours.bearer, json=LIST | {"name": "Twice"})
            for _ in range(2)
        ]
        assert [a.status_code for a in answers] == [201, 409]
        assert answers[1].json()["code"] == "conflict"

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"name": ""}, "name"),
            ({"kind": "grey"}, "kind"),
            ({"known_distance": 11}, "known_distance"),
            ({"near_distance": 40}, "near_distance"),
            ({"valid_until": "2020-01-01T00:00:00"}, "valid_until"),
        ],
    )
    def test_a_list_that_cannot_be_is_refused_by_field(
        self, client: Client, ours: Side, change: dict[str, object], field: str
    ) -> None:
        answer = client.post("/v1/lists", headers=ours.bearer, json=LIST | change)
        assert answer.status_code == 400, answer.text
        assert answer.json()["field"] == field

    def test_a_withdrawal_needs_its_reason(self, client: Client, ours: Side) -> None:
        answer = client.post(
            f"/v1/lists/{ours.list_id}/withdraw", headers=ours.bearer, json={"values": ["a" * 32]}
        )
        assert answer.status_code == 400
        assert "why" in answer.text

    def test_a_key_bound_to_a_list_sees_and_changes_that_one_only(
        self, client: Client, ours: Side, admin: dict[str, str]
    ) -> None:
        other = client.post("/v1/lists", headers=ours.bearer, json=LIST | {"name": "Bound"}).json()
        secret = client.post(
            "/v1/keys",
            headers=admin,
            json={
                "name": "bound",
                "scopes": ["bank.read", "bank.write", "match"],
                "lists": [other["id"]],
            },
        ).json()["secret"]
        key = bearer(secret)
        seen = client.get("/v1/lists", headers=key).json()["lists"]
        assert [one["id"] for one in seen] == [other["id"]]
        hidden = f"/v1/lists/{ours.list_id}"
        entry = {"kind": "sha256", "value": "56" * 32}
        for answer in (
            client.get(hidden, headers=key),
            client.get(f"{hidden}/indicators", headers=key),
            client.post(f"{hidden}/indicators", headers=key, json={"indicators": [entry]}),
            client.post(f"{hidden}/withdraw", headers=key, json={"values": [entry], "why": "x"}),
        ):
            assert answer.status_code == 404
        assert client.post("/v1/lists", headers=key, json=LIST).status_code == 403
        asked = {"hashes": [{"hash": KNOWN_SHA256, "kind": "sha256"}]}
        assert client.post("/v1/match", headers=key, json=asked).json()["matches"] == []


class TestMatch:
    def test_the_answer_carries_all_that_a_member_needs(self, client: Client, ours: Side) -> None:
        near = f"{int(KNOWN_PDQ, 16) ^ 0b111:064x}"
        asked = {
            "hashes": [
                {"hash": "00" * 32, "kind": "pdq"},
                {"hash": near, "kind": "pdq", "quality": 80},
                {"hash": near, "kind": "pdq"},
                {"hash": KNOWN_SHA256, "kind": "sha256"},
            ]
        }
        answer = client.post("/v1/match", headers=ours.bearer, json=asked).json()
        assert answer["compared"] == 4
        found = {(one["query"], one["level"], one["distance"]) for one in answer["matches"]}
        assert found == {(1, "known", 3), (2, "near", 3), (3, "known", 0)}
        first = answer["matches"][0]
        assert first["hash"] == near
        assert first["quality"] == 100
        assert first["list"] == str(ours.list_id)
        assert first["source"] == "test"
        assert first["category"] == "test"
        assert first["generation"] == answer["generation"]

    def test_a_hash_that_cannot_be_is_refused_by_place(self, client: Client, ours: Side) -> None:
        asked = {"hashes": [{"hash": KNOWN_SHA256, "kind": "sha256"}, {"hash": "zz"}]}
        answer = client.post("/v1/match", headers=ours.bearer, json=asked)
        assert (answer.status_code, answer.json()["field"]) == (400, "hashes[1].hash")

    def test_ten_thousand_are_answered_and_one_more_is_refused(
        self, client: Client, ours: Side
    ) -> None:
        asked = [{"hash": f"{n:064x}", "kind": "sha256"} for n in range(10_001)]
        full = client.post("/v1/match", headers=ours.bearer, json={"hashes": asked[:-1]})
        assert full.json()["compared"] == 10_000
        more = client.post("/v1/match", headers=ours.bearer, json={"hashes": asked})
        assert more.status_code == 413


class TestCases:
    def test_a_case_goes_from_queue_to_verdict_by_a_member(
        self, client: Client, ours: Side, reviewer: dict[str, str]
    ) -> None:
        case = new_case(client, ours, "way")
        path = f"/v1/cases/{case}"
        queue = client.get("/v1/cases", headers=ours.bearer).json()["cases"]
        assert case in {one["id"] for one in queue}
        number = client.get(path, headers=ours.bearer).json()["summary"]["number"]
        assert (
            client.post(f"/v1/cases/{number}/claim", headers=reviewer).json()["state"] == "claimed"
        )
        assert client.post(f"{path}/release", headers=reviewer).json()["state"] == "open"
        noted = client.post(f"{path}/note", headers=reviewer, json={"text": "looked"})
        assert noted.status_code == 200
        verdict = client.post(
            f"{path}/verdict", headers=reviewer, json={"outcome": "harmless", "reason": "a drawing"}
        )
        assert verdict.status_code == 200, verdict.text
        assert verdict.json()["member_name"] == ours.reviewer.name
        assert client.post(f"{path}/close", headers=reviewer).json()["state"] == "closed"
        detail = client.get(path, headers=ours.bearer).json()
        assert detail["verdicts"][0]["reason"] == "a drawing"
        assert detail["items"][0]["findings"]
        events = {entry["event"] for entry in detail["timeline"]}
        assert {"case.opened", "case.claimed", "case.noted", "case.verdict"} <= events
        closed = client.get("/v1/cases", headers=ours.bearer, params={"state": "closed"}).json()
        assert case in {one["id"] for one in closed["cases"]}

    @pytest.mark.parametrize("body", [{}, {"outcome": "harmless"}, {"outcome": "x", "reason": "y"}])
    def test_a_verdict_needs_an_outcome_and_a_reason(
        self, client: Client, ours: Side, reviewer: dict[str, str], body: dict[str, str]
    ) -> None:
        answer = client.post(f"/v1/cases/{ours.case}/verdict", headers=reviewer, json=body)
        assert answer.status_code == 400

    def test_a_step_that_does_not_follow_is_a_conflict(
        self, client: Client, ours: Side, reviewer: dict[str, str]
    ) -> None:
        case = new_case(client, ours, "conflict")
        answer = client.post(f"/v1/cases/{case}/close", headers=reviewer)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")

    @pytest.mark.parametrize("case", ["0", "999999", "99999999999999", "-1", "x", "%00"])
    def test_a_case_that_is_not_there_is_not_found(
        self, client: Client, ours: Side, case: str
    ) -> None:
        answer = client.get(f"/v1/cases/{case}", headers=ours.bearer)
        assert answer.status_code in (400, 404)


class TestLedger:
    def test_a_leaf_is_proven_under_a_signed_head(
        self, house: House, client: Client, ours: Side
    ) -> None:
        answer = client.get("/v1/ledger/head", headers=ours.bearer)
        head = msgspec.json.decode(answer.content, type=SignedHead)
        check_head(head, house.keyring.verify_keys(ours.organisation))
        last = head.size - 1
        answer = client.get(
            f"/v1/ledger/proof/{last}", headers=ours.bearer, params={"size": head.size}
        )
        proof = msgspec.json.decode(answer.content, type=InclusionProof)
        assert answer.status_code == 200
        assert proof.size == head.size

    def test_a_kept_head_is_proven_to_have_only_grown(
        self, house: House, client: Client, ours: Side
    ) -> None:
        kept = client.get("/v1/ledger/head", headers=ours.bearer).json()
        body = lines({"kind": "url", "id": "growth", "url": "https://fine.example.org"})
        client.post("/v1/screen", headers=ours.bearer | NDJSON, content=body)
        newest = client.get("/v1/ledger/head", headers=ours.bearer).json()
        for sizes in ({"from": kept["size"]}, {"from": kept["size"], "to": newest["size"]}):
            answer = client.get("/v1/ledger/consistency", headers=ours.bearer, params=sizes)
            proof = msgspec.json.decode(answer.content, type=ConsistencyProof)
            assert proof.holds()
            assert (proof.old_root, proof.new_root) == (kept["root"], newest["root"])
            assert proof.old_size < proof.new_size

    @pytest.mark.parametrize(
        ("sizes", "status"),
        [
            ({}, 400),
            ({"from": -1}, 400),
            ({"from": 10**30}, 400),
            ({"from": 10**9}, 404),
            ({"from": 1, "to": 10**9}, 404),
            ({"from": 2, "to": 1}, 404),
        ],
    )
    def test_heads_that_are_not_there_prove_nothing(
        self, client: Client, ours: Side, sizes: dict[str, int], status: int
    ) -> None:
        answer = client.get("/v1/ledger/consistency", headers=ours.bearer, params=sizes)
        assert answer.status_code == status

    @pytest.mark.parametrize("position", [-1, 10**9, 10**30])
    def test_a_leaf_that_is_not_there_is_refused(
        self, client: Client, ours: Side, position: int
    ) -> None:
        answer = client.get(f"/v1/ledger/proof/{position}", headers=ours.bearer)
        assert answer.status_code in (400, 404)


class TestKeys:
    def test_a_secret_is_shown_once_and_works_until_revoked(
        self, client: Client, ours: Side, admin: dict[str, str]
    ) -> None:
        made = client.post("/v1/keys", headers=admin, json={"name": "k", "scopes": ["screen"]})
        assert made.status_code == 201
        secret, key = made.json()["secret"], made.json()["key"]
        assert secret.startswith("lw_")
        listed = client.get("/v1/keys", headers=admin)
        assert key["id"] in listed.text
        assert secret not in listed.text
        body = lines({"kind": "url", "id": "by-key", "url": "https://fine.example.org"})
        headers = bearer(secret) | {"Content-Type": "application/x-ndjson"}
        assert client.post("/v1/screen", headers=headers, content=body).status_code == 200
        revoked = client.post(f"/v1/keys/{key['id']}/revoke", headers=admin)
        assert revoked.json()["revoked_at"] is not None
        assert client.post("/v1/screen", headers=headers, content=body).status_code == 401
        again = client.post(f"/v1/keys/{key['id']}/revoke", headers=admin)
        assert again.status_code == 404

    @pytest.mark.parametrize("scopes", [[], ["verdict"], ["report"], "screen"])
    def test_no_key_can_be_made_with_a_members_right(
        self, client: Client, admin: dict[str, str], scopes: object
    ) -> None:
        answer = client.post("/v1/keys", headers=admin, json={"name": "k", "scopes": scopes})
        assert answer.status_code == 400
