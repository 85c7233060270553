"""The same id again: in one batch, in two, in two at once, and with something else behind it."""

from __future__ import annotations

import threading
from uuid import UUID

from lapwing.app import House
from web_world import KNOWN_SHA256, NDJSON, Client, Side, lines


def media(name: str, sha256: str = KNOWN_SHA256) -> dict[str, str]:
    return {"kind": "media", "id": name, "sha256": sha256, "account": f"account of {name}"}


def test_repeats_in_a_batch_get_the_first_answer_and_change_nothing(
    client: Client, ours: Side
) -> None:
    other = "cd" * 32
    batch = [media("same", other), media("same"), media("else"), media("same", other)] * 100
    answer = client.post("/v1/screen", headers=ours.bearer | NDJSON, content=lines(*batch)).json()
    assert (answer["fresh"], answer["repeated"]) == (2, 398)
    assert len(answer["decisions"]) == 400
    of_same = {(d["item"], tuple(d["actions"])) for d in answer["decisions"][0::4]}
    assert of_same == {(d["item"], tuple(d["actions"])) for d in answer["decisions"][1::4]}
    assert len(of_same) == 1
    [(_, actions)] = of_same
    assert actions == ("allow",), "the first of the batch counts"


def test_repeats_across_batches_get_the_first_answer(client: Client, ours: Side) -> None:
    first = client.post("/v1/screen", headers=ours.bearer, json=media("twice")).json()
    again = client.post("/v1/screen", headers=ours.bearer, json=media("twice", "cd" * 32)).json()
    assert (first["fresh"], again["fresh"], again["repeated"]) == (1, 0, 1)
    assert again["decisions"] == first["decisions"]
    elsewhere = client.post(
        "/v1/screen", headers=ours.bearer, params={"source": "other"}, json=media("twice")
    ).json()
    assert elsewhere["fresh"] == 1, "an id is one of its source"


def test_batches_at_the_same_time_record_each_item_once(
    house: House, client: Client, ours: Side
) -> None:
    batch = lines(*(media(f"race {n}", f"{n:064x}") for n in range(200)))
    answers: list[dict[str, object]] = []

    def send() -> None:
        answer = client.post("/v1/screen", headers=ours.bearer | NDJSON, content=batch)
        assert answer.status_code == 200
        answers.append(answer.json())

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 4
    assert sum(int(str(answer["fresh"])) for answer in answers) == 200
    items = [[UUID(d["item"]) for d in answer["decisions"]] for answer in answers]  # type: ignore[attr-defined]
    assert items[0] == items[1] == items[2] == items[3]
    with house.database.organisation(ours.organisation) as connection:
        house.ledger.verify(connection, ours.organisation)
