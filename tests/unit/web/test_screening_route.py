"""Screening through HTTP: one item, batches, files and URLs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lapwing.app import House
from lapwing.bank.changes import NewList
from lapwing.intake.media.hashing import hash_bytes
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.organisations import Scope
from web_world import (
    KNOWN_PDQ,
    KNOWN_SHA256,
    KNOWN_URL,
    NDJSON,
    Client,
    Side,
    bearer,
    lines,
    opened_client,
    picture,
)


def screen(client: Client, side: Side, record: object, **params: str):  # type: ignore[no-untyped-def]
    return client.post("/v1/screen", headers=side.bearer, json=record, params=params)


class TestOneItem:
    def test_a_known_hash_is_held_and_opens_a_case(self, client: Client, ours: Side) -> None:
        record = {"kind": "media", "id": "known", "sha256": KNOWN_SHA256, "account": "a"}
        answer = screen(client, ours, record)
        assert answer.status_code == 200
        (decision,) = answer.json()["decisions"]
        assert "hold" in decision["actions"]
        assert decision["case"] is not None
        assert decision["source_id"] == "known"
        assert decision["why"]

    def test_the_same_item_again_gets_its_first_decision(self, client: Client, ours: Side) -> None:
        record = {"kind": "url", "id": "again", "url": KNOWN_URL}
        first, second = (screen(client, ours, record).json() for _ in range(2))
        assert second["decisions"] == first["decisions"]
        assert (first["fresh"], second["fresh"]) == (1, 0)
        assert second["again"] == [True]

    def test_another_source_is_another_item(self, client: Client, ours: Side) -> None:
        record = {"kind": "url", "id": "again", "url": "https://fine.example.org/"}
        ids = {
            screen(client, ours, record, source=source).json()["decisions"][0]["item"]
            for source in ("uploads", "chat")
        }
        assert len(ids) == 2

    def test_an_item_can_be_read_back(self, client: Client, ours: Side) -> None:
        answer = client.get(f"/v1/items/{ours.item}", headers=ours.bearer)
        assert answer.status_code == 200
        assert answer.json()["findings"][0]["kind"] == "known_media"
        assert "someone" not in answer.text

    @pytest.mark.parametrize(
        ("record", "field"),
        [
            ({"id": "1", "url": "a.b"}, "kind"),
            ({"kind": "poem", "id": "1"}, "kind"),
            ({"kind": 7, "id": "1"}, "kind"),
            ({"kind": "url", "url": "a.b"}, "id"),
            ({"kind": "url", "id": "1"}, "url"),
            ({"kind": "url", "id": "1", "url": "a.b", "colour": 1}, "colour"),
            ({"kind": "media", "id": "1", "sha256": "xy"}, "sha256"),
            ({"kind": "media", "id": "1"}, "pdq"),
            ({"kind": "payment", "id": "1", "amount": "ten", "currency": "EUR"}, "amount"),
            ({"kind": "url", "id": "1", "url": "a.b", "at": "yesterday"}, "at"),
            ({"kind": "advert", "id": "1", "text": "a\x00b"}, "text"),
            (
                {"kind": "advert", "id": "1", "text": "a", "pictures": [{"pdq": "no"}]},
                "pictures.pdq",
            ),
        ],
    )
    def test_a_refused_item_names_its_field(
        self, client: Client, ours: Side, record: dict[str, object], field: str
    ) -> None:
        answer = screen(client, ours, record)
        assert answer.status_code == 400, answer.text
        problem = answer.json()
        assert (problem["code"], problem["field"]) == ("invalid_input", field)
        assert "--" not in problem["message"]

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff\xfe", b'{"kind":"url"} x'])
    def test_what_is_no_json_object_is_refused(
        self, client: Client, ours: Side, body: bytes
    ) -> None:
        headers = ours.bearer | {"Content-Type": "application/json"}
        answer = client.post("/v1/screen", headers=headers, content=body)
        assert answer.status_code == 400

    def test_a_private_message_is_refused_without_a_legal_basis(
        self, client: Client, ours: Side
    ) -> None:
        record = {"kind": "message", "id": "p", "text": "hello", "surface": "private"}
        answer = screen(client, ours, record)
        assert answer.status_code == 403
        assert "legal basis" in answer.json()["message"]

    def test_deep_nesting_is_refused(self, client: Client, ours: Side) -> None:
        body = b'{"kind":"url","id":"1","url":' + b"[" * 100_000
        headers = ours.bearer | {"Content-Type": "application/json"}
        answer = client.post("/v1/screen", headers=headers, content=body)
        assert (answer.status_code, answer.json()["code"]) == (413, "limit_exceeded")

    def test_a_body_beyond_the_limit_is_refused(self, client: Client, ours: Side) -> None:
        record = {"kind": "advert", "id": "1", "text": "x" * 2_000_000}
        answer = screen(client, ours, record)
        assert (answer.status_code, answer.json()["code"]) == (413, "limit_exceeded")

    def test_a_body_of_unsaid_length_is_counted_while_it_is_read(
        self, client: Client, ours: Side
    ) -> None:
        def endless() -> Iterator[bytes]:
            for _ in range(100):
                yield b" " * 65536

        headers = ours.bearer | {"Content-Type": "application/json"}
        answer = client.post("/v1/screen", headers=headers, content=endless())
        assert answer.status_code == 413

    @pytest.mark.parametrize("kind", ["text/plain", "application/xml", ""])
    def test_another_kind_of_body_is_refused(self, client: Client, ours: Side, kind: str) -> None:
        headers = ours.bearer | {"Content-Type": kind}
        answer = client.post("/v1/screen", headers=headers, content=b"{}")
        assert answer.status_code == 415
        assert "ndjson" in answer.json()["message"]

    def test_a_key_bound_to_other_lists_matches_those_only(
        self, house: House, client: Client, ours: Side
    ) -> None:
        empty = house.bank.create_list(
            ours.organisation,
            SYSTEM,
            NewList(name="Empty", kind=ListKind.BLOCK, source="t", basis="t", category="t"),
        )
        _, secret = house.members.create_key(
            ours.organisation, SYSTEM, "bound", [Scope.SCREEN], [empty.id]
        )
        record = {"kind": "media", "id": "bound", "sha256": KNOWN_SHA256}
        answer = client.post("/v1/screen", headers=bearer(secret), json=record)
        assert answer.json()["decisions"][0]["actions"] == ["allow"]


class TestABatch:
    def post(self, client: Client, side: Side, body: bytes):  # type: ignore[no-untyped-def]
        return client.post("/v1/screen", headers=side.bearer | NDJSON, content=body)

    def test_refused_rows_are_listed_and_the_rest_goes_on(self, client: Client, ours: Side) -> None:
        body = b"".join(
            [
                lines({"kind": "media", "id": "b1", "pdq": KNOWN_PDQ, "quality": 90}),
                b"not json\n",
                b"\n",
                lines({"kind": "url", "id": "b2", "url": "https://fine.example.org/x"}),
                lines({"kind": "url", "id": "b3", "url": "https://x.example", "colour": "red"}),
                lines({"kind": "message", "id": "b4", "text": "hello", "surface": "private"}),
                lines({"kind": "advert", "id": "b5", "text": f"see {KNOWN_URL} now"}),
            ]
        )
        answer = self.post(client, ours, body)
        assert answer.status_code == 200
        screened = answer.json()
        actions = {d["source_id"]: d["actions"] for d in screened["decisions"]}
        assert set(actions) == {"b1", "b2", "b5"}
        assert "hold" in actions["b1"]
        assert actions["b2"] == ["allow"]
        assert "hold" in actions["b5"]
        refused = [(r["line"], r["field"], r["code"]) for r in screened["refused"]]
        assert refused == [
            (2, None, "invalid_input"),
            (5, "colour", "invalid_input"),
            (6, None, "not_allowed"),
        ]
        assert screened["refused"][1]["source_id"] == "b3"

    def test_a_batch_of_which_nothing_is_usable_still_answers(
        self, client: Client, ours: Side
    ) -> None:
        answer = self.post(client, ours, b"no\nno\n")
        assert answer.status_code == 200
        assert answer.json()["decisions"] == []
        assert [r["line"] for r in answer.json()["refused"]] == [1, 2]

    def test_one_line_too_many_screens_nothing(self, client: Client, ours: Side) -> None:
        record = {"kind": "url", "url": "https://fine.example.org/"}
        body = lines(*({**record, "id": f"many-{n}"} for n in range(10_001)))
        answer = self.post(client, ours, body)
        assert answer.status_code == 413
        assert answer.json()["line"] == 10_001
        one = screen(client, ours, {**record, "id": "many-0"}).json()
        assert one["fresh"] == 1

    def test_ten_thousand_lines_are_screened(self, client: Client, ours: Side) -> None:
        body = lines(
            *(
                {"kind": "url", "id": f"full-{n}", "url": f"https://fine.example.org/{n}"}
                for n in range(10_000)
            )
        )
        answer = self.post(client, ours, body)
        assert answer.json()["fresh"] == 10_000
        assert answer.json()["decisions"][9_999]["source_id"] == "full-9999"


class TestAFile:
    def post(self, client: Client, side: Side, record: object, **files: object):  # type: ignore[no-untyped-def]
        parts = {"item": (None, json.dumps(record), "application/json"), **files}
        return client.post("/v1/screen", headers=side.bearer, files=parts)  # type: ignore[arg-type]

    def test_a_picture_is_hashed_and_recognised(
        self, house: House, client: Client, ours: Side
    ) -> None:
        hashes = hash_bytes(picture()).hashes
        assert hashes.pdq is not None
        house.bank.add(
            ours.organisation,
            SYSTEM,
            ours.list_id,
            [NewIndicator(kind=IndicatorKind.PDQ, value=hashes.pdq, quality=hashes.quality)],
        )
        answer = self.post(
            client, ours, {"kind": "media", "id": "file"}, file=("a.png", picture(), "image/png")
        )
        assert answer.status_code == 200, answer.text
        assert "hold" in answer.json()["decisions"][0]["actions"]
        item = answer.json()["decisions"][0]["item"]
        facts = client.get(f"/v1/items/{item}", headers=ours.bearer).json()["facts"]
        assert facts["hashes"]["pdq"] == hashes.pdq
        assert (facts["width"], facts["mime"]) == (256, "image/png")

    def test_a_message_carries_its_picture(self, client: Client, ours: Side) -> None:
        answer = self.post(
            client,
            ours,
            {"kind": "message", "id": "with", "text": "look"},
            file=("a.png", picture(), "image/png"),
            identity=("identity", b"sealed", "application/octet-stream"),
        )
        assert answer.status_code == 200, answer.text
        item = answer.json()["decisions"][0]["item"]
        facts = client.get(f"/v1/items/{item}", headers=ours.bearer).json()["facts"]
        assert len(facts["picture_list"]) == 1

    def test_hashes_beside_the_file_are_refused(self, client: Client, ours: Side) -> None:
        answer = self.post(
            client,
            ours,
            {"kind": "media", "id": "both", "sha256": KNOWN_SHA256},
            file=("a.png", picture(), "image/png"),
        )
        assert (answer.status_code, answer.json()["field"]) == (400, "sha256")

    def test_a_file_that_is_no_picture_is_refused_with_its_reason(
        self, client: Client, ours: Side
    ) -> None:
        answer = self.post(
            client, ours, {"kind": "media", "id": "no"}, file=("a.png", b"text", "image/png")
        )
        assert answer.status_code == 400

    def test_a_kind_without_pictures_takes_no_file(self, client: Client, ours: Side) -> None:
        answer = self.post(
            client,
            ours,
            {"kind": "payment", "id": "no", "amount": "1", "currency": "EUR"},
            file=("a.png", picture(), "image/png"),
        )
        assert (answer.status_code, answer.json()["field"]) == (400, "file")

    def test_an_unknown_part_is_refused_by_name(self, client: Client, ours: Side) -> None:
        answer = self.post(
            client, ours, {"kind": "url", "id": "1", "url": "a.b"}, extra=("x", b"x", None)
        )
        assert answer.status_code == 400
        assert "extra" in answer.json()["message"]

    def test_without_an_item_there_is_nothing_to_screen(self, client: Client, ours: Side) -> None:
        files = {"file": ("a.png", picture(), "image/png")}
        answer = client.post("/v1/screen", headers=ours.bearer, files=files)
        assert (answer.status_code, answer.json()["field"]) == (400, "item")

    def test_a_large_envelope_is_refused(self, client: Client, ours: Side) -> None:
        answer = self.post(
            client,
            ours,
            {"kind": "url", "id": "1", "url": "a.b"},
            identity=("i", b"x" * 70_000, "application/octet-stream"),
        )
        assert (answer.status_code, answer.json()["field"]) == (413, "identity")

    @pytest.mark.parametrize(
        "body", [b"", b"--b\r\n", b"--b\r\n\r\nx\r\n--b--", b"no boundary at all", b"--b--"]
    )
    def test_a_broken_body_is_refused(self, client: Client, ours: Side, body: bytes) -> None:
        headers = ours.bearer | {"Content-Type": "multipart/form-data; boundary=b"}
        assert client.post("/v1/screen", headers=headers, content=body).status_code == 400


class TestByUrl:
    @pytest.fixture
    def fetching(self, house: House) -> Iterator[Client]:
        """A client whose media hosts all lead to a real server with one picture."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path.startswith("/pictures") else 404)
                self.end_headers()
                self.wfile.write(picture())

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = ("127.0.0.1", server.server_address[1])
        with opened_client(house, resolve=lambda host, port: address) as opened:
            yield opened
        server.shutdown()
        thread.join()
        server.server_close()

    def test_a_picture_on_a_listed_host_is_fetched_and_hashed(
        self, fetching: Client, ours: Side
    ) -> None:
        url = "http://media.example.org/pictures/1.png"
        answer = screen(fetching, ours, {"kind": "media", "id": "u", "url": url})
        assert answer.status_code == 200, answer.text
        item = answer.json()["decisions"][0]["item"]
        facts = fetching.get(f"/v1/items/{item}", headers=ours.bearer).json()["facts"]
        assert len(facts["hashes"]["sha256"]) == 64
        assert facts["url"] == url

    @pytest.mark.parametrize(
        "url",
        [
            "http://169.254.169.254/latest/meta-data",
            "http://localhost:5432/",
            "https://elsewhere.example.org/a.png",
        ],
    )
    def test_a_host_that_is_not_listed_is_never_asked(
        self, client: Client, ours: Side, url: str
    ) -> None:
        answer = screen(client, ours, {"kind": "media", "id": "n", "url": url})
        assert (answer.status_code, answer.json()["field"]) == (400, "url")

    def test_with_hashes_nothing_is_fetched(self, client: Client, ours: Side) -> None:
        record = {
            "kind": "media",
            "id": "hashed",
            "sha256": "cd" * 32,
            "url": "https://elsewhere.example.org/a.png",
        }
        assert screen(client, ours, record).status_code == 200

    def test_in_a_batch_each_url_fails_by_itself(self, fetching: Client, ours: Side) -> None:
        body = lines(
            {"kind": "media", "id": "f1", "url": "http://media.example.org/pictures/2.png"},
            {"kind": "media", "id": "f2", "url": "http://media.example.org/gone.png"},
            {"kind": "media", "id": "f3", "url": "http://elsewhere.example.org/a.png"},
        )
        answer = fetching.post("/v1/screen", headers=ours.bearer | NDJSON, content=body).json()
        assert [d["source_id"] for d in answer["decisions"]] == ["f1"]
        assert [(r["line"], r["field"]) for r in answer["refused"]] == [(2, "url"), (3, "url")]

    def test_a_batch_fetches_a_limited_number(self, fetching: Client, ours: Side) -> None:
        body = lines(
            *(
                {"kind": "media", "id": f"l{n}", "url": f"http://media.example.org/gone/{n}"}
                for n in range(52)
            )
        )
        answer = fetching.post("/v1/screen", headers=ours.bearer | NDJSON, content=body).json()
        codes = [r["code"] for r in answer["refused"]]
        assert codes == ["invalid_input"] * 50 + ["limit_exceeded"] * 2
