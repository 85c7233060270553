"""Hash lists into the bank: nothing without list kind, provenance and profile; nothing twice."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hash_list_files import digits, icse, icse_row, known_harmless, media, vics
from lapwing.bank.exporting import standing_rows
from lapwing.bank.hash_lists import Declared, HashLists, ListImported, declare
from lapwing.bank.live import LiveBank
from lapwing.bank.profiles.registry import profile_named, profiles, read_profile
from lapwing.bank.profiles.rows import USABLE, Certainty, Meaning, raw_category
from lapwing.bank.service import Bank
from lapwing.evidence.ledger import Ledger
from lapwing.intake.hash_lists.icse import IcseFile
from lapwing.intake.hash_lists.vics import VicsFile
from lapwing.model.actors import SYSTEM
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import BankList, Indicator, IndicatorKind, ListKind
from lapwing.store.clock import utc_now
from lapwing.store.database import Database

MakeList = Callable[..., BankList]
SOURCE = "export of a partner, 2026-11-01"


@pytest.fixture
def hash_lists(database: Database, ledger: Ledger) -> HashLists:
    return HashLists(database, ledger, utc_now)


def said(kind: ListKind = ListKind.BLOCK, profile: str = "iped") -> Declared:
    return declare(kind, SOURCE, profile_named(profile))


def take(
    hash_lists: HashLists,
    listed: BankList,
    data: bytes,
    declared: Declared,
    form: str = "vics",
    **options: Any,
) -> ListImported:
    reader = VicsFile if form == "vics" else IcseFile
    read = reader(io.BytesIO(data))
    return hash_lists.import_rows(
        listed.organisation,
        SYSTEM,
        listed,
        declared,
        iter(read),
        form=form,
        left_out=read.left_out,
        **options,
    )


def standing(bank: Bank, listed: BankList) -> list[Indicator]:
    return bank.indicators(listed.organisation, listed.id, 1000)


@pytest.mark.parametrize("missing", ["kind", "provenance", "profile"])
def test_nothing_is_imported_until_kind_provenance_and_profile_are_named(missing: str) -> None:
    given: dict[str, Any] = {
        "kind": ListKind.BLOCK,
        "provenance": SOURCE,
        "profile": profile_named("iped"),
    }
    with pytest.raises(InvalidInput, match="does not say what it lists") as told:
        declare(**(given | {missing: None}))
    assert told.value.field == missing


def test_a_public_list_of_harmless_files_never_reaches_a_block_or_review_list(
    bank: Bank, hash_lists: HashLists, organisation: UUID, make_list: MakeList
) -> None:
    """It has the form and the marker of a list of abuse material."""
    data = known_harmless(50)
    for kind in (ListKind.BLOCK, ListKind.REVIEW):
        listed = make_list(organisation, kind=kind)
        with pytest.raises(InvalidInput, match="nothing in 'non-pertinent'"):
            take(hash_lists, listed, data, said(kind, "non-pertinent"))
        # Named wrongly as a list of abuse material, its rows still have no category.
        answer = take(hash_lists, listed, data, said(kind, "iped"))
        assert (answer.rows, answer.added) == (50, 0)
        assert sum(answer.left_out.values()) == 50
        assert standing(bank, listed) == []


def test_a_list_of_harmless_files_goes_on_an_allow_list_as_exact_hashes(
    bank: Bank, hash_lists: HashLists, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation, kind=ListKind.ALLOW)
    rows = [media(9, AlternativeHashes=[{"HashName": "PDQ", "HashValue": "ab" * 32}], Category=0)]
    answer = take(hash_lists, listed, known_harmless(3), said(ListKind.ALLOW, "non-pertinent"))
    more = take(hash_lists, listed, vics(rows), said(ListKind.ALLOW, "non-pertinent"))
    assert (answer.added, more.added) == (6, 2)
    assert {one.kind for one in standing(bank, listed)} == {"md5", "sha1"}
    assert more.left_out == {"pdq hashes left out: an allow list takes exact hashes only": 1}


def test_a_row_of_abuse_in_a_file_said_to_be_harmless_is_refused(
    bank: Bank, hash_lists: HashLists, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation, kind=ListKind.ALLOW)
    answer = take(
        hash_lists,
        listed,
        vics([media(1, Category=1), media(2, Category=0)]),
        said(ListKind.ALLOW, "non-pertinent"),
    )
    (refusal,) = answer.refusals
    assert (refusal.line, refusal.field, refusal.source_id) == (1, "Category", "1")
    assert answer.added == 2


def test_only_what_the_profile_calls_abuse_reaches_a_block_list(
    bank: Bank, hash_lists: HashLists, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    rows = [
        media(1, Category=1),
        media(2, Category=2),
        media(3, Category=0),
        media(4, Category=None),
        media(5, Category=1, IsSuspected="true"),
        media(6, Category=3),
    ]
    answer = take(hash_lists, listed, vics(rows), said())
    assert (answer.rows, answer.added, answer.refused) == (5, 4, 1)
    assert {one.category for one in standing(bank, listed)} == {
        "iped:1 child sexual abuse material",
        "iped:2 child exploitive material",
    }
    assert {one.source for one in standing(bank, listed)} == {SOURCE}
    (refusal,) = answer.refusals
    assert (refusal.line, refusal.field) == (6, "Category")
    assert "3 is not in the profile 'iped'" in refusal.reason
    assert sum(answer.left_out.values()) == 3
    review = make_list(organisation, kind=ListKind.REVIEW)
    assert take(hash_lists, review, vics(rows), said(ListKind.REVIEW)).added == 6


def test_rows_outside_the_international_baseline_are_for_review_only(
    bank: Bank, hash_lists: HashLists, organisation: UUID, make_list: MakeList
) -> None:
    data = icse([icse_row(1), icse_row(2, "false"), icse_row(3, "")])
    block, review = make_list(organisation), make_list(organisation, kind=ListKind.REVIEW)
    answer = take(hash_lists, block, data, said(ListKind.BLOCK, "icse"), "icse")
    assert (answer.added, answer.refused) == (2, 1)
    assert {one.category for one in standing(bank, block)} == {"icse:true international baseline"}
    assert take(hash_lists, review, data, said(ListKind.REVIEW, "icse"), "icse").added == 4


def test_the_list_must_be_of_the_kind_that_was_said_and_the_profile_of_the_format(
    hash_lists: HashLists, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation, kind=ListKind.REVIEW)
    with pytest.raises(InvalidInput) as told:
        take(hash_lists, listed, vics([]), said(ListKind.BLOCK))
    assert told.value.field == "kind"
    with pytest.raises(InvalidInput) as told:
        take(hash_lists, listed, vics([]), said(ListKind.REVIEW, "icse"))
    assert told.value.field == "profile"


def test_importing_again_adds_nothing_twice_whatever_was_there(
    bank: Bank, hash_lists: HashLists, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    rows = [media(n) for n in range(25)]
    told: list[tuple[int, int]] = []
    half = take(hash_lists, listed, vics(rows[:12]), said(), chunk=10)
    whole = take(
        hash_lists,
        listed,
        vics(rows),
        said(),
        chunk=10,
        progress=lambda done, bad: told.append((done, bad)),
    )
    again = take(hash_lists, listed, vics(rows), said())
    assert (half.added, whole.added, whole.repeated) == (24, 26, 24)
    assert (again.added, again.repeated) == (0, 50)
    assert told == [(10, 0), (20, 0), (25, 0)]
    assert len(standing(bank, listed)) == 50


def test_what_was_committed_stays_when_an_import_breaks_off(
    bank: Bank, hash_lists: HashLists, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)

    def stop(done: int, refused: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    rows = [media(n) for n in range(35)]
    with pytest.raises(KeyboardInterrupt):
        take(hash_lists, listed, vics(rows), said(), chunk=10, progress=stop)
    assert len(standing(bank, listed)) == 40
    assert take(hash_lists, listed, vics(rows), said()).added == 30
    assert len(standing(bank, listed)) == 70


def test_imported_hashes_match_at_once(
    hash_lists: HashLists, live: LiveBank, organisation: UUID, make_list: MakeList
) -> None:
    listed = make_list(organisation)
    take(hash_lists, listed, vics([media(1)]), said())
    view = live.snapshot().view(organisation, utc_now())
    (hit,) = view.exact(IndicatorKind.MD5, [bytes.fromhex(digits(1, 32))])
    assert (hit.list.id, hit.category) == (listed.id, "iped:1 child sexual abuse material")


def test_the_ledger_says_who_imported_which_file_as_what(
    hash_lists: HashLists, organisation: UUID, make_list: MakeList, database: Database
) -> None:
    listed = make_list(organisation)
    take(
        hash_lists,
        listed,
        vics([media(1)]),
        said(),
        describe=lambda: {"sha256": "ab" * 32, "version": "1.3"},
    )
    with database.organisation(organisation) as connection:
        bodies = connection.exec_driver_sql("select * from ledger_events").mappings().all()
    (body,) = [str(dict(row)) for row in bodies if "list.imported" in str(dict(row))]
    for word in (SOURCE, "iped", "ab" * 32, "2026-11-22", '"rows":1'):
        assert word in body
    assert digits(1, 32) not in body


def test_every_shipped_profile_says_its_source_and_when_it_was_read() -> None:
    assert set(profiles()) == {"iped", "icse", "non-pertinent"}
    for profile in profiles().values():
        assert profile.source
        assert profile.certainty is Certainty.READ
        assert profile.reviewed.year >= 2026
        assert profile.missing not in USABLE[ListKind.BLOCK]


def test_zero_is_never_harmless_by_iped() -> None:
    """Other software writes 0 for what nobody has looked at."""
    meanings = {one.number: one.meaning for one in profile_named("iped").category}
    assert meanings[0] is Meaning.NOTHING


OWN = """
name = "our-country"
title = "Our police's numbers"
formats = ["vics"]
source = "letter of 2026-10-01"
certainty = "{certainty}"
reviewed = 2026-10-02
missing = "review"
[[category]]
number = 7
meaning = "abuse"
label = "seven"
universal = {{ section = "categorisation", label = "baseline" }}
"""


def test_an_operator_can_bring_a_profile_of_their_own(
    bank: Bank, hash_lists: HashLists, organisation: UUID, make_list: MakeList, tmp_path: Path
) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(OWN.format(certainty="read"))
    listed = make_list(organisation)
    declared = declare(ListKind.BLOCK, SOURCE, profile_named(str(path)))
    assert take(hash_lists, listed, vics([media(1, Category=7)]), declared).added == 2
    assert raw_category(standing(bank, listed)[0].category) == 7


def test_a_profile_from_a_secondary_source_feeds_no_block_list(
    hash_lists: HashLists, organisation: UUID, make_list: MakeList
) -> None:
    profile = read_profile(OWN.format(certainty="secondary").encode(), "ours.toml")
    with pytest.raises(InvalidInput, match="secondary source"):
        take(
            hash_lists,
            make_list(organisation),
            vics([]),
            Declared(kind=ListKind.BLOCK, provenance=SOURCE, profile=profile),
        )


@pytest.mark.parametrize(
    "change",
    [
        ('missing = "review"', ""),
        ("number = 7", ""),
        ("number = 7", "number = 7\nbaseline = true"),
        ('label = "seven"', 'label = "seven"\nlabal = "x"'),
        ("reviewed = 2026-10-02", 'reviewed = "some day"'),
        ('formats = ["vics"]', 'formats = ["xls"]'),
        ("[[category]]", "[[category]]\nnumber = 7\nmeaning='abuse'\nlabel='x'\n[[category]]"),
    ],
)
def test_a_broken_profile_is_refused_with_its_file(change: tuple[str, str]) -> None:
    text = OWN.format(certainty="read").replace(*change)
    with pytest.raises(InvalidInput, match=r"ours\.toml"):
        read_profile(text.encode(), "ours.toml")


def test_the_date_of_the_source_is_kept(
    hash_lists: HashLists, organisation: UUID, make_list: MakeList, database: Database
) -> None:
    listed = make_list(organisation)
    take(hash_lists, listed, vics([media(1)]), said())
    with database.organisation(organisation) as connection:
        found = connection.exec_driver_sql("select dated, media from indicators").all()
    assert {row.dated for row in found} == {datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)}
    assert len({row.media for row in found}) == 1


def test_another_organisations_list_cannot_be_fed(
    hash_lists: HashLists, organisation: UUID, other_organisation: UUID, make_list: MakeList
) -> None:
    """The database refuses the row even where the code would not."""
    listed = make_list(other_organisation)
    read = VicsFile(io.BytesIO(vics([media(1)])))
    with pytest.raises(Exception, match="row-level security"):
        hash_lists.import_rows(organisation, SYSTEM, listed, said(), iter(read), form="vics")


def test_another_organisations_list_cannot_be_written_out(
    hash_lists: HashLists,
    organisation: UUID,
    other_organisation: UUID,
    make_list: MakeList,
    database: Database,
) -> None:
    listed = make_list(other_organisation)
    take(hash_lists, listed, vics([media(1)]), said())
    with database.organisation(organisation) as connection:
        assert list(standing_rows(connection, listed.id, utc_now())) == []
    with database.organisation(other_organisation) as connection:
        assert len(list(standing_rows(connection, listed.id, utc_now()))) == 2
