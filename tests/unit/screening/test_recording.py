"""What a batch leaves on record, and that sending it again changes nothing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from screening_samples import KNOWN_PDQ, KNOWN_URL, NEAR_PDQ, Items, sent
from sqlalchemy import text

from books import check_books
from lapwing.app import House
from lapwing.model.actors import SYSTEM
from lapwing.model.decisions import Action
from lapwing.model.errors import NotFound
from lapwing.model.organisations import Organisation, Role
from lapwing.model.submissions import Submission
from lapwing.screening.records import Screened
from lapwing.store.clock import new_id


def test_what_is_listed_is_held_and_opens_a_case(
    house: House, sender: Organisation, items: Items
) -> None:
    batch = sent(
        items.picture("known", KNOWN_PDQ),
        items.picture("near", NEAR_PDQ),
        items.picture("other"),
        items.link("link", KNOWN_URL + "?from=here"),
        items.message("message", f"have you seen {KNOWN_URL}"),
    )
    screened = house.screening.screen(sender.id, SYSTEM, batch)
    by_id = {decision.source_id: decision for decision in screened.decisions}
    assert set(by_id["known"].actions) == {Action.HOLD, Action.CASE}
    assert Action.REVIEW in by_id["near"].actions
    assert by_id["other"].actions == (Action.ALLOW,)
    assert Action.HOLD in by_id["link"].actions
    assert Action.HOLD in by_id["message"].actions
    assert by_id["other"].case is None
    assert by_id["known"].case is not None
    assert by_id["known"].rules
    assert by_id["known"].why
    assert (screened.fresh, screened.repeated, screened.findings) == (5, 0, 4)
    books = check_books(house.database, house.ledger, sender.id)
    assert (books.items, books.case_items, books.cases) == (5, 4, screened.cases_opened)


def test_decisions_come_in_the_order_of_the_batch(
    house: House, sender: Organisation, items: Items
) -> None:
    batch = [items.link(f"{number:03}") for number in (7, 3, 9, 1, 8, 2)]
    screened = house.screening.screen(sender.id, SYSTEM, sent(*batch))
    assert [decision.item for decision in screened.decisions] == [item.id for item in batch]


def test_an_item_sent_again_returns_its_first_decision_and_changes_nothing(
    house: House, sender: Organisation, items: Items
) -> None:
    first = house.screening.screen(sender.id, SYSTEM, sent(*items.mixed(40)))
    before = check_books(house.database, house.ledger, sender.id)
    again = house.screening.screen(sender.id, SYSTEM, sent(*items.mixed(40)))
    assert again.decisions == first.decisions
    assert all(again.again)
    assert (again.fresh, again.repeated, again.findings) == (0, 40, 0)
    assert (again.cases_opened, again.cases_extended) == (0, 0)
    assert check_books(house.database, house.ledger, sender.id) == before


def test_an_item_sent_again_with_other_content_keeps_its_first_decision(
    house: House, sender: Organisation, items: Items
) -> None:
    first = house.screening.screen(sender.id, SYSTEM, sent(items.picture("one")))
    again = house.screening.screen(sender.id, SYSTEM, sent(items.picture("one", KNOWN_PDQ)))
    assert again.decisions == first.decisions
    assert house.cases.queue(sender.id) == []


def test_the_same_item_twice_in_a_batch_counts_once(
    house: House, sender: Organisation, items: Items
) -> None:
    batch = [items.picture("one", KNOWN_PDQ), items.link("two"), items.picture("one", KNOWN_PDQ)]
    screened = house.screening.screen(sender.id, SYSTEM, sent(*batch))
    assert screened.decisions[0] == screened.decisions[2]
    assert screened.decisions[0].item == batch[0].id
    assert screened.again == (False, False, True)
    assert (screened.fresh, screened.repeated, screened.findings) == (2, 1, 1)
    assert check_books(house.database, house.ledger, sender.id).items == 2


def test_two_senders_of_one_batch_at_once_get_the_same_decisions(
    house: House, sender: Organisation, items: Items
) -> None:
    start = threading.Barrier(3)
    answers: list[Screened] = []

    def send(reverse: bool) -> None:
        batch = sent(*items.mixed(200))
        if reverse:
            batch.reverse()
        start.wait()
        answers.append(house.screening.screen(sender.id, SYSTEM, batch))

    threads = [threading.Thread(target=send, args=(turn,)) for turn in (False, True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 3
    first, *others = ({d.source_id: d for d in answer.decisions} for answer in answers)
    assert all(other == first for other in others)
    assert sum(answer.fresh for answer in answers) == 200
    books = check_books(house.database, house.ledger, sender.id)
    assert books.items == books.decisions == 200


def test_other_batches_at_once_all_arrive(house: House, sender: Organisation, items: Items) -> None:
    start = threading.Barrier(4)
    answers: list[Screened] = []

    def send(own: int) -> None:
        batch = [items.picture(f"{own}-{n}", KNOWN_PDQ) for n in range(50)]
        start.wait()
        answers.append(house.screening.screen(sender.id, SYSTEM, sent(*batch)))

    threads = [threading.Thread(target=send, args=(own,)) for own in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer.fresh for answer in answers) == 200
    assert sum(answer.cases_opened for answer in answers) == 1
    (case,) = house.cases.queue(sender.id)
    assert case.items == 200
    check_books(house.database, house.ledger, sender.id)


def test_a_withdrawn_picture_stops_matching_with_the_next_item(
    house: House, sender: Organisation, items: Items
) -> None:
    before = house.screening.screen(sender.id, SYSTEM, sent(items.picture("before", KNOWN_PDQ)))
    listed = house.bank.list_named(sender.id, "known")
    house.bank.withdraw(sender.id, SYSTEM, listed.id, values=[KNOWN_PDQ], why="listed by mistake")
    after = house.screening.screen(sender.id, SYSTEM, sent(items.picture("after", KNOWN_PDQ)))
    assert Action.HOLD in before.decisions[0].actions
    assert after.decisions[0].actions == (Action.ALLOW,)
    assert (after.decisions[0].generation or 0) > (before.decisions[0].generation or 0)


def test_a_key_bound_to_a_list_is_compared_with_that_list_only(
    house: House, sender: Organisation, items: Items
) -> None:
    known = house.bank.list_named(sender.id, "known").id
    inside = house.screening.screen(
        sender.id, SYSTEM, sent(items.picture("a", KNOWN_PDQ)), lists=frozenset({known})
    )
    outside = house.screening.screen(
        sender.id, SYSTEM, sent(items.picture("b", KNOWN_PDQ)), lists=frozenset({new_id()})
    )
    assert (inside.findings, outside.findings) == (1, 0)


def test_free_text_is_not_stored_anywhere(house: House, sender: Organisation, items: Items) -> None:
    words = "quinces ripen late"
    batch = sent(
        items.message("m", f"{words} {KNOWN_URL}"),
        items.advert("a", f"{words} {KNOWN_URL}", title=words),
        items.payment("p", memo=f"{words} {KNOWN_URL}"),
    )
    assert house.screening.screen(sender.id, SYSTEM, batch).cases_opened == 1
    with house.database.owner() as connection:
        tables = connection.execute(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        ).scalars()
        for table in tables.all():
            rows = connection.execute(text(f"select t::text from {table} t")).scalars()
            assert not any(words in row for row in rows), table
        bodies = connection.execute(text("select body from ledger_events")).scalars()
        assert not any(words.encode() in (body or b"") for body in bodies)


def test_what_no_detector_can_look_at_is_counted_by_kind(
    house: House, sender: Organisation, items: Items
) -> None:
    batch = sent(
        items.message("plain"),
        items.message("link", "see https://example.test/"),
        items.advert("plain-advert"),
        items.advert("linked-advert", url="https://example.test/"),
        items.payment("plain-payment"),
        items.picture("picture"),
    )
    screened = house.screening.screen(sender.id, SYSTEM, batch)
    assert screened.no_detector == {"message": 1, "advert": 1, "payment": 1}
    assert len(screened.decisions) == 6


def test_an_item_reads_back_with_its_decision_and_its_cases_outcome(
    house: House, sender: Organisation, items: Items
) -> None:
    screened = house.screening.screen(sender.id, SYSTEM, sent(items.picture("one", KNOWN_PDQ)))
    decision = screened.decisions[0]
    stored = house.screening.item(sender.id, decision.item)
    assert stored.decision == decision
    assert stored.findings
    assert stored.case is not None
    assert stored.case.outcome is None
    robin = house.members.add_member(sender.id, "Robin", Role.REVIEWER, SYSTEM)
    house.cases.verdict(sender.id, robin, stored.case.id, "harmless", "a textbook picture")
    later = house.screening.item(sender.id, decision.item)
    assert later.decision == decision
    assert later.case is not None
    assert later.case.outcome == "harmless"


def test_another_organisation_gets_nothing_back(
    house: House, sender: Organisation, elsewhere: Organisation, items: Items
) -> None:
    mine = items.picture("one", KNOWN_PDQ)
    house.screening.screen(sender.id, SYSTEM, sent(mine))
    before = check_books(house.database, house.ledger, sender.id)
    with pytest.raises(NotFound):
        house.screening.item(elsewhere.id, mine.id)
    theirs = house.screening.screen(
        elsewhere.id, SYSTEM, sent(Items(elsewhere.id).picture("one", KNOWN_PDQ))
    )
    assert theirs.fresh == 1
    assert theirs.decisions[0].organisation == elsewhere.id
    assert house.cases.queue(elsewhere.id)[0].items == 1
    stolen = house.screening.screen(elsewhere.id, SYSTEM, sent(mine))
    assert stolen.decisions == ()
    assert [refusal.code for refusal in stolen.refused] == ["not_allowed"]
    assert check_books(house.database, house.ledger, sender.id) == before


def test_another_organisations_list_never_matches(
    house: House, elsewhere: Organisation, items: Items, sender: Organisation
) -> None:
    listed = house.bank.list_named(elsewhere.id, "known")
    house.bank.withdraw(elsewhere.id, SYSTEM, listed.id, values=[KNOWN_PDQ], why="test")
    theirs = house.screening.screen(
        elsewhere.id, SYSTEM, sent(Items(elsewhere.id).picture("one", KNOWN_PDQ))
    )
    assert theirs.findings == 0


def test_an_unknown_organisation_is_not_found(house: House, items: Items) -> None:
    with pytest.raises(NotFound):
        house.screening.screen(new_id(), SYSTEM, sent(items.link("one")))


def test_an_empty_batch_leaves_no_trace(house: House, sender: Organisation) -> None:
    before = check_books(house.database, house.ledger, sender.id)
    assert house.screening.screen(sender.id, SYSTEM, []).decisions == ()
    assert check_books(house.database, house.ledger, sender.id) == before


def test_when_the_ledger_fails_nothing_of_the_batch_is_on_record(
    house: House, sender: Organisation, items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = check_books(house.database, house.ledger, sender.id)

    def fail(*rest: Any) -> None:
        raise RuntimeError("the signing key is gone")

    with monkeypatch.context() as broken:
        broken.setattr(house.ledger._keyring, "signing_key", fail)
        with pytest.raises(RuntimeError):
            house.screening.screen(sender.id, SYSTEM, sent(*items.mixed(20)))
    assert check_books(house.database, house.ledger, sender.id) == before
    assert house.screening.screen(sender.id, SYSTEM, sent(*items.mixed(20))).fresh == 20


def test_content_without_a_switch_is_dropped(
    house: House, sender: Organisation, items: Items
) -> None:
    known = Submission(
        item=items.picture("one", KNOWN_PDQ), content=b"bytes", mime="image/png", identity=b"sealed"
    )
    screened = house.screening.screen(sender.id, SYSTEM, [known])
    assert (screened.cases_opened, screened.kept) == (1, 0)
    assert check_books(house.database, house.ledger, sender.id).kept == 0


def test_verdicts_between_batches_leave_the_books_in_order(
    house: House, sender: Organisation, items: Items
) -> None:
    robin = house.members.add_member(sender.id, "Robin", Role.REVIEWER, SYSTEM)
    sending = threading.Event()
    sending.set()
    judged: list[int] = []

    def judge() -> None:
        while sending.is_set() or house.cases.queue(sender.id):
            for case in house.cases.queue(sender.id):
                house.cases.verdict(sender.id, robin, case.id, "unsure", "cannot tell yet")
                judged.append(case.number)

    judging = threading.Thread(target=judge)
    judging.start()
    for turn in range(25):
        batch = [items.picture(f"{turn}-{n}", KNOWN_PDQ, account=f"1:{n}") for n in range(4)]
        house.screening.screen(sender.id, SYSTEM, sent(*batch))
    sending.clear()
    judging.join()
    assert sorted(judged) == list(range(1, len(judged) + 1))
    assert len(judged) > 4, "no case was reopened by a later batch"
    books = check_books(house.database, house.ledger, sender.id)
    assert (books.items, books.verdicts) == (100, len(judged))
