"""What a member types on a report's page, and how it joins what was typed before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import replace

from lapwing.model.errors import InvalidInput
from lapwing.report.cybertipline.accounts import Victim
from lapwing.report.cybertipline.document import ReportAnnotations, Reporter
from lapwing.report.cybertipline.files import FileAnnotations
from lapwing.report.cybertipline.parts import Email, IpCapture, Person
from lapwing.report.identity import Account
from lapwing.report.records import ActorAge, ReportKind
from lapwing.report.typed import Typed, TypedFile

Line = Annotated[str, Meta(max_length=3_000)]
Several = list[str] | str


class ReportForm(Struct, frozen=True, kw_only=True):
    """The fields most reports need; the API takes every other. An empty field says nothing."""

    csrf: str
    kind: Line = ""
    actor: Line = ""
    actor_is_victim: Line = ""
    incident_date_time: Line = ""
    incident_description: Line = ""
    escalate: Line = ""
    additional_info: Line = ""
    urls: Line = ""
    sextortion: Line = ""
    csam_solicitation: Line = ""
    minor_to_minor_interaction: Line = ""
    account_id: Line = ""
    account_screen_name: Line = ""
    account_email: Line = ""
    account_ip: Line = ""
    victim_first_name: Line = ""
    victim_age: Line = ""
    victim_id: Line = ""
    reporter_email: Line = ""
    files: Several = ""
    """Items whose file is on the page."""
    left_out: Several = ""
    self_produced: Several = ""
    supplemental: Several = ""


def typed_from(form: ReportForm, before: Typed) -> Typed:
    """`before` with what the form shows replaced. Raises InvalidInput naming the field."""
    return replace(
        before,
        kind=ReportKind(form.kind) if form.kind in set(ReportKind) else None,
        actor=ActorAge(form.actor) if form.actor in set(ActorAge) else None,
        actor_is_victim=bool(form.actor_is_victim),
        incident_date_time=_moment(form.incident_date_time),
        incident_description=form.incident_description.strip() or None,
        escalate=form.escalate.strip() or None,
        additional_info=form.additional_info.strip() or None,
        urls=tuple(form.urls.split()),
        annotations=_annotations(form, before.annotations),
        account=_account(form, before.account),
        victims=_victims(form, before.victims),
        reporter=_reporter(form, before.reporter),
        files=_files(form, before.files),
    )


def shown_in_form(typed: Typed) -> dict[str, Any]:
    """What the form's fields hold at first, by the names of the form."""
    account = typed.account or Account()
    victim = typed.victims[0] if typed.victims else Victim()
    at = typed.incident_date_time
    return {
        "incident_date_time": at.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if at else "",
        "account_id": account.esp_identifier or "",
        "account_screen_name": account.screen_name or "",
        "account_email": _first_mail(account.person),
        "account_ip": (account.ip_capture_event or (IpCapture(),))[0].ip_address or "",
        "victim_first_name": (victim.person or Person()).first_name or "",
        "victim_age": (victim.person or Person()).age,
        "victim_id": victim.esp_identifier or "",
        "reporter_email": _first_mail((typed.reporter or Reporter()).reporting_person),
    }


def _first_mail(person: Person | None) -> str:
    return next((mail.address or "" for mail in (person or Person()).email), "")


def _moment(text: str) -> datetime | None:
    """`2026-11-20 09:30`, in UTC."""
    if not text.strip():
        return None
    try:
        return datetime.fromisoformat(text.strip().rstrip("Zz")).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput(
            "the time is written like 2026-11-20 09:30, in UTC", field="incident_date_time"
        ) from None


def _annotations(form: ReportForm, before: ReportAnnotations | None) -> ReportAnnotations | None:
    said = replace(
        before or ReportAnnotations(),
        sextortion=True if form.sextortion else None,
        csam_solicitation=True if form.csam_solicitation else None,
        minor_to_minor_interaction=True if form.minor_to_minor_interaction else None,
    )
    return said if said != ReportAnnotations() else None


def _account(form: ReportForm, before: Account | None) -> Account | None:
    person = replace((before or Account()).person or Person(), email=_mail(form.account_email))
    said = replace(
        before or Account(),
        esp_identifier=form.account_id.strip() or None,
        screen_name=form.account_screen_name.strip() or None,
        person=person if person != Person() else None,
        ip_capture_event=(IpCapture(ip_address=form.account_ip.strip()),)
        if form.account_ip.strip()
        else (),
    )
    return said if said != Account() else None


def _victims(form: ReportForm, before: tuple[Victim, ...]) -> tuple[Victim, ...]:
    first = before[0] if before else Victim()
    name, age = form.victim_first_name.strip(), form.victim_age.strip()
    if age and not (age.isascii() and age.isdecimal()):
        raise InvalidInput("the age is a number of years", field="victim_age")
    person = replace(
        first.person or Person(), first_name=name or None, age=int(age) if age else None
    )
    said = replace(
        first,
        person=person if person != Person() else None,
        esp_identifier=form.victim_id.strip() or None,
    )
    return ((said,) if said != Victim() else ()) + before[1:]


def _reporter(form: ReportForm, before: Reporter | None) -> Reporter | None:
    mail = _mail(form.reporter_email)
    if not mail:
        return None
    known = before or Reporter()
    return replace(known, reporting_person=replace(known.reporting_person or Person(), email=mail))


def _mail(address: str) -> tuple[Email, ...]:
    return (Email(address=address.strip()),) if address.strip() else ()


def _files(form: ReportForm, before: Mapping[str, TypedFile]) -> dict[str, TypedFile]:
    left_out, produced = _listed(form.left_out), _listed(form.self_produced)
    supplemental = _listed(form.supplemental)
    found = dict(before)
    for item in _listed(form.files):
        known = before.get(item, TypedFile())
        noted = replace(
            known.file_annotations or FileAnnotations(),
            possible_self_production=True if item in produced else None,
        )
        found[item] = replace(
            known,
            include=item not in left_out,
            supplemental=item in supplemental,
            file_annotations=noted if noted != FileAnnotations() else None,
        )
    return {item: said for item, said in found.items() if said != TypedFile()}


def _listed(value: Several) -> list[str]:
    return [value] if isinstance(value, str) and value else list(value)
