"""Law: only what was read in the primary text switches anything on; bad data is named."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from lapwing.law.registry import (
    LawRow,
    Refused,
    countries,
    load,
    may_keep_content,
    may_scan_private,
    row,
    rules,
    stale,
)
from lapwing.law.rows import Certainty, Switch, Topic
from lapwing.model.errors import InvalidInput, NotFound
from lapwing.model.organisations import OrganisationKind

HEAD = 'country = "US"\nname = "United States"\n'
ROW = """
[[row]]
id = "us.example"
topic = "retention"
statement = "s"
basis = "b"
source = "t"
reviewed = "2026-11"
certainty = "H"
organisation_kinds = ["platform"]
allows = ["keep_content"]
max_days = 30
"""


def load_text(folder: Path, text: str) -> tuple[LawRow, ...]:
    file = folder / "us.toml"
    file.write_text(text)
    return load([file])


def test_every_jurisdiction_states_retention_reporting_duty_and_private_messages() -> None:
    assert countries() == ("DE", "GB", "US")
    for country in countries():
        topics = {entry.topic for entry in rules() if entry.country == country}
        assert topics == set(Topic)


@pytest.mark.parametrize("kind", [OrganisationKind.PLATFORM, OrganisationKind.PROVIDER])
def test_a_us_platform_or_provider_may_keep_content_for_a_year(kind: OrganisationKind) -> None:
    allowed = may_keep_content(kind, "US")
    assert isinstance(allowed, LawRow)
    assert (allowed.id, allowed.certainty, allowed.max_days) == ("us.keep_content", "H", 365)
    assert "2258A(h)" in allowed.basis


@pytest.mark.parametrize("kind", sorted(set(OrganisationKind) - {"platform", "provider"}))
def test_other_kinds_of_organisation_may_not_keep_content_in_the_us(kind: OrganisationKind) -> None:
    assert isinstance(may_keep_content(kind, "US"), Refused)


@pytest.mark.parametrize("country", ["DE", "GB", "FR", "ZZ"])
@pytest.mark.parametrize("kind", OrganisationKind)
def test_content_is_kept_nowhere_without_a_row_read_in_the_primary_text(
    kind: OrganisationKind, country: str
) -> None:
    answer = may_keep_content(kind, country)
    assert isinstance(answer, Refused)
    assert country in answer.reason


@pytest.mark.parametrize("country", [*countries(), "FR", "ZZ"])
@pytest.mark.parametrize("kind", OrganisationKind)
def test_private_scanning_is_off_everywhere(kind: OrganisationKind, country: str) -> None:
    assert isinstance(may_scan_private(kind, country), Refused)


def test_a_doubtful_row_switches_nothing_on_and_is_named_in_the_refusal() -> None:
    doubtful = row("gb.keep_content")
    assert Switch.KEEP_CONTENT in doubtful.allows
    assert doubtful.certainty is Certainty.MEMORY
    answer = may_keep_content(OrganisationKind.PLATFORM, "GB")
    assert isinstance(answer, Refused)
    assert "gb.keep_content" in answer.reason


@pytest.mark.parametrize("certainty", Certainty)
def test_certainty_alone_decides_for_an_otherwise_equal_row(
    tmp_path: Path, certainty: Certainty
) -> None:
    text = HEAD + ROW.replace('certainty = "H"', f'certainty = "{certainty}"')
    (entry,) = load_text(tmp_path, text)
    on = entry.in_force_for(OrganisationKind.PLATFORM, Switch.KEEP_CONTENT)
    assert on is (certainty is Certainty.READ)
    assert not entry.in_force_for(OrganisationKind.POLICE, Switch.KEEP_CONTENT)
    assert not entry.in_force_for(OrganisationKind.PLATFORM, Switch.SCAN_PRIVATE)


def test_a_row_is_found_by_its_id_and_an_unknown_id_is_an_error() -> None:
    assert row("de.reporting_duty").report_to
    with pytest.raises(NotFound, match=r"zz\.nothing"):
        row("zz.nothing")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('certainty = "H"', 'certainty = "sure"'), "sure"),
        (('statement = "s"\n', ""), "statement"),
        (('source = "t"', 'source = ""'), "source"),
        (("max_days = 30", "max_days = 0"), "max_days"),
        (("max_days = 30\n", ""), "no max_days"),
        (('organisation_kinds = ["platform"]\n', ""), "organisation_kinds"),
        (('"2026-11"', '"2026-13"'), "reviewed"),
        (('topic = "retention"', 'topic = "reporting_duty"'), "report_to"),
        (("max_days = 30", "max_days = 30\nsurprise = 1"), "surprise"),
    ],
)
def test_a_faulty_row_is_refused_with_file_row_and_reason(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_text(tmp_path, HEAD + ROW.replace(*change))
    assert caught.value.message.startswith("us.toml: row us.example: ")
    assert said in caught.value.message


def test_a_row_of_another_country_and_a_row_without_id_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"us\.toml: row de\.example: its id"):
        load_text(tmp_path, HEAD + ROW.replace("us.example", "de.example"))
    with pytest.raises(InvalidInput, match=r"us\.toml: row number 2: .*id"):
        load_text(tmp_path, HEAD + ROW + ROW.replace('id = "us.example"\n', ""))


def test_one_id_may_stand_only_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"row us\.example: the id is taken"):
        load_text(tmp_path, HEAD + ROW + ROW)


@pytest.mark.parametrize("text", ["country = ", "row = 3\n" + HEAD, 'name = "x"', "\udcff"])
def test_a_file_that_is_no_law_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "us.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidInput, match=r"us\.toml"):
        load([file])


def test_rows_grow_stale_after_the_given_months() -> None:
    assert stale(date(2027, 11, 30), months=12) == ()
    assert stale(date(2027, 12, 1), months=12) == rules()


def test_the_table_of_the_documentation_matches_the_rows() -> None:
    """docs/law.md tells what is on today; a row that changes that must change the page."""
    on = {
        (entry.country, switch)
        for entry in rules()
        for switch in entry.allows
        if entry.certainty is Certainty.READ
    }
    assert on == {("US", Switch.KEEP_CONTENT)}
    package = Path(str(files("lapwing")))
    page = (package.parent.parent / "docs/law.md").read_text("utf-8")
    assert "may be switched on (`us.keep_content`)" in page
