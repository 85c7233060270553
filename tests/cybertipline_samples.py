"""Random valid CyberTipline documents, by the types of their fields; neutral words only."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from lapwing.report.cybertipline.accounts import ReportedUser
from lapwing.report.cybertipline.document import (
    IncidentSummary,
    IncidentType,
    InternetDetails,
    Report,
    Reporter,
    WebPageIncident,
)
from lapwing.report.cybertipline.files import SUPPLEMENTAL, FileDetails
from lapwing.report.cybertipline.parts import Email, Location, Part, Person, Phone
from lapwing.report.cybertipline.schema import Schema

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

REPORTER = Reporter(
    reporting_person=Person(
        first_name="Robin", last_name="Example", email=(Email(address="robin@example.org"),)
    )
)
PLAIN = Report(
    incident_summary=IncidentSummary(
        incident_type=IncidentType.POSSESSION, incident_date_time=NOW - timedelta(days=1)
    ),
    reporter=REPORTER,
)

P = TypeVar("P", bound=Part)


@cache
def official_schema() -> Schema:
    return Schema(official_text())


def official_text() -> bytes:
    """NCMEC's schema, which is not in this repository; skips where it is not at hand."""
    named = os.environ.get("LAPWING_TEST_SHARED")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared"
    path = folder / "schemas" / "cybertipline.xsd"
    if not path.is_file():
        pytest.skip(
            "NCMEC's schema is not here: put cybertipline.xsd (from its /xsd) into a folder "
            "`schemas` and name that folder's parent in LAPWING_TEST_SHARED"
        )
    return path.read_bytes()


WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co")), min_size=1, max_size=30
).filter(lambda text: bool(text.strip()))
MOMENTS = st.datetimes(
    datetime(2000, 1, 1),  # noqa: DTZ001
    datetime(2026, 11, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC]),
)
DATES = st.dates(date(1930, 1, 1), date(2026, 11, 1))
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,15}", fullmatch=True)
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "url": st.builds("https://{}.example.org/{}".format, NAMES, NAMES),
    "ip_address": st.ip_addresses().map(str),
    "port": st.integers(1, 65535),
    "age": st.integers(0, 150),
    "approximate_age": st.integers(0, 150),
    "latitude": st.floats(-90, 90),
    "longitude": st.floats(-180, 180),
    "number": st.from_regex(r"202-555-01[0-9]{2}", fullmatch=True),
    "country_calling_code": st.sampled_from(["+1", "+44", "+353"]),
    "extension": st.from_regex(r"[0-9]{1,5}", fullmatch=True),
    "state": st.sampled_from(["CA", "NY", "PR"]),
    "region": st.sampled_from(["CA", "NY", "PR"]),
    "country": st.sampled_from(["US", "DE", "JP"]),
    "country_code": st.sampled_from(["US", "DE", "JP"]),
    "flea_country": st.sampled_from(["DE", "JP"]),
    "potential_meme": st.none(),
    "batched_report": st.none(),
}
BY_NAME |= {
    "profile_url": BY_NAME["url"],
    "location_of_file": BY_NAME["url"],
    "legal_url": BY_NAME["url"],
}


@cache
def valid(kind: type[P]) -> st.SearchStrategy[P]:
    """Any valid part of this kind."""
    if kind is InternetDetails:
        return one_incident()  # type: ignore[return-value]
    hints = get_type_hints(kind)
    given = {one.name: _field(kind, one.name, hints[one.name]) for one in fields(kind)}
    return st.builds(kind, **given).map(_tidy)


def reports() -> st.SearchStrategy[Report]:
    return valid(Report)


def one_incident() -> st.SearchStrategy[InternetDetails]:
    hints = get_type_hints(InternetDetails)
    choices = []
    for one in fields(InternetDetails):
        kind = _several(hints[one.name])[0]
        if one.name != "email_incident":
            choices.append(
                valid(kind).map(lambda part, name=one.name: InternetDetails(**{name: part}))
            )
    return st.one_of(choices)


def _field(kind: type[Part], name: str, hint: Any) -> st.SearchStrategy[Any]:
    inner, many = _several(hint)
    if kind is Email and name == "address":
        return st.builds("{}@example.org".format, NAMES)
    if name in kind.FLAGS:
        return st.sampled_from([None, True])
    if name == "person_or_user_reported":
        return st.lists(valid(ReportedUser), max_size=1).map(tuple)
    needed = name in kind.REQUIRED
    strategy = BY_NAME[name] if name in BY_NAME else _value(inner)
    if many:
        return st.lists(strategy, min_size=int(needed), max_size=2).map(tuple)
    # Mostly absent, as in life: whole trees of everything are slow to make and say no more.
    return strategy if needed else st.one_of(st.none(), st.none(), strategy)


def _value(inner: Any) -> st.SearchStrategy[Any]:
    if isinstance(inner, type) and issubclass(inner, Part):
        return st.deferred(lambda: valid(inner))
    if get_origin(inner) is Literal:
        return st.sampled_from(get_args(inner))
    if isinstance(inner, type) and issubclass(inner, Enum):
        return st.sampled_from(list(inner))
    return {
        str: WORDS,
        int: st.integers(1, 2**40),
        bool: st.booleans(),
        float: st.floats(-90, 90),
        datetime: MOMENTS,
        date: DATES,
    }[inner]


def _tidy(part: P) -> P:
    """Rules between the fields of one part."""
    changed: dict[str, Any] = {}
    if isinstance(part, Email | Phone) and part.verification_date is not None:
        changed["verified"] = True
    if isinstance(part, Location) and part.country_code == "US" and part.city:
        changed["region"] = "CA"
    if isinstance(part, WebPageIncident) and not part.url:
        changed["url"] = ("https://example.org/page",)
    if isinstance(part, Reporter):
        person = part.reporting_person or Person()
        mail = person.email or (Email(address="robin@example.org"),)
        changed["reporting_person"] = replaced(person, email=mail)
    if isinstance(part, FileDetails):
        if part.file_relevance == SUPPLEMENTAL:
            changed |= {"industry_classification": None, "file_annotations": None}
        if not part.file_viewed_by_esp:
            changed["exif_viewed_by_esp"] = None
    return replaced(part, **changed)


def replaced(part: P, **changed: Any) -> P:
    return replace(part, **changed)


def _several(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (one for one in get_args(hint) if one is not NoneType)
    if get_origin(hint) is tuple:
        return get_args(hint)[0], True
    return hint, False
