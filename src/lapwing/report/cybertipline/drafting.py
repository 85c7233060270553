"""A report drafted from a case: what is on record goes in, nothing is made up. Pure.

Nobody is drafted as a suspect unless the verdict confirms and the person is known to be an adult;
otherwise the case goes the welfare way (DESIGN, Do no harm 6). A file counts as viewed only when
`viewed` says so, which is read from the ledger; a match never does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from lapwing.cases.records import CaseItem
from lapwing.evidence.vault import VaultObject, VaultRole
from lapwing.model.cases import Outcome, Verdict
from lapwing.model.organisations import Organisation
from lapwing.report.cybertipline.accounts import IntendedRecipient, ReportedUser, Victim
from lapwing.report.cybertipline.attachments import DraftFile, draft_files
from lapwing.report.cybertipline.document import IncidentSummary, Report, Reporter
from lapwing.report.cybertipline.facts import (
    hashes_line,
    incident_type,
    internet_details,
    suggested_kind,
)
from lapwing.report.cybertipline.parts import IpCapture
from lapwing.report.identity import Account, Identity
from lapwing.report.records import ActorAge, Fault, ReportKind
from lapwing.report.typed import Typed

NOBODY_ACCUSED = (
    "The person behind the account is under 18 or of unknown age, or needs help: nobody is "
    "reported as a suspect."
)


class Material(Struct, frozen=True, kw_only=True):
    """Everything that a draft is made of. `identities` are opened envelopes by item; `viewed` are
    items whose whole content a member has seen, as the ledger says."""

    organisation: Organisation
    verdict: Verdict
    items: Sequence[CaseItem]
    count: int
    objects: Sequence[VaultObject]
    viewed: frozenset[UUID]
    identities: Mapping[UUID, Identity]
    reporter: Reporter | None
    typed: Typed
    now: datetime
    danger: str | None = None
    """Why a member said that a child is in danger now: the authority's fast way."""
    faults: tuple[Fault, ...] = ()
    """What could not be read on the way here."""


class Draft(Struct, frozen=True, kw_only=True):
    """`faults` are those of drafting; what the document lacks is for `checks` to say."""

    kind: ReportKind
    actor: ActorAge
    welfare: bool
    report: Report
    files: tuple[DraftFile, ...]
    faults: tuple[Fault, ...] = ()


def draft_report(material: Material) -> Draft:
    """The report as far as the record goes, with what the member typed put first."""
    typed = material.typed
    account, faults = _account(material)
    actor, wrong = _actor(material, account)
    faults += wrong
    kind = typed.kind or suggested_kind(material.items)
    welfare = material.verdict.outcome is Outcome.WELFARE or actor is not ActorAge.ADULT
    files, unknown = draft_files(
        [one for one in material.objects if one.role is VaultRole.CONTENT],
        {item.id: item for item in material.items},
        material.viewed,
        material.identities,
        typed.files,
        material.now,
    )
    report = Report(
        incident_summary=_summary(material, kind),
        internet_details=typed.internet_details
        or internet_details(material.items, typed.urls, material.organisation.name),
        law_enforcement=typed.law_enforcement,
        reporter=typed.reporter or material.reporter,
        person_or_user_reported=()
        if welfare or account is None
        else (account.playing(ReportedUser),),
        intended_recipient=typed.recipients or _recipients(material),
        victim=_victims(typed, account),
        additional_info=_notes(material, account, welfare, bool(files)),
    )
    return Draft(
        kind=kind,
        actor=actor,
        welfare=welfare,
        report=report,
        files=files,
        faults=(*material.faults, *faults, *unknown),
    )


def _account(material: Material) -> tuple[Account | None, list[Fault]]:
    """The account that the case is about, with every capture of an address that is on record."""
    if material.typed.account is not None:
        return material.typed.account, []
    known: dict[str | None, Account] = {}
    captures: dict[IpCapture, None] = {}
    for item in material.items:
        identity = material.identities.get(item.id)
        if identity is not None and identity.account is not None:
            known.setdefault(identity.account.esp_identifier, identity.account)
            captures.update(dict.fromkeys(identity.account.ip_capture_event))
    if not known:
        return None, []
    if len(known) > 1:
        reason = f"items of {len(known)} accounts are in this case; type the one to report"
        return None, [Fault(field="account", reason=reason)]
    (account,) = known.values()
    return replace(account, ip_capture_event=tuple(captures)), []


def _actor(material: Material, account: Account | None) -> tuple[ActorAge, list[Fault]]:
    said = material.typed.actor
    known = account.age(material.now.date()) if account else ActorAge.UNKNOWN
    if said is ActorAge.ADULT and known is ActorAge.MINOR:
        reason = "the account's own data says under 18; nobody can be reported as a suspect"
        return ActorAge.MINOR, [Fault(field="actor", reason=reason)]
    return said or known, []


def _summary(material: Material, kind: ReportKind) -> IncidentSummary:
    typed = material.typed
    first = min((item.at for item in material.items), default=None)
    said = typed.incident_description
    if typed.incident_date_time is None and said is None and material.count > 1:
        said = f"The time of the first of {material.count} items."
    return IncidentSummary(
        incident_type=typed.incident_type or incident_type(kind),
        platform=typed.platform or material.organisation.name,
        escalate_to_high_priority=typed.escalate or material.danger,
        report_annotations=typed.annotations,
        incident_date_time=typed.incident_date_time or first,
        incident_date_time_description=said,
    )


def _recipients(material: Material) -> tuple[IntendedRecipient, ...]:
    found = {
        identity.recipient.playing(IntendedRecipient): None
        for item in material.items
        if (identity := material.identities.get(item.id)) is not None
        and identity.recipient is not None
    }
    return tuple(found)


def _victims(typed: Typed, account: Account | None) -> tuple[Victim, ...]:
    if typed.actor_is_victim and account is not None:
        return (account.playing(Victim), *typed.victims)
    return typed.victims


def _notes(
    material: Material, account: Account | None, welfare: bool, has_files: bool
) -> str | None:
    said = [material.typed.additional_info] if material.typed.additional_info else []
    if welfare:
        said.append(NOBODY_ACCUSED)
        if account is not None and account.esp_identifier and not material.typed.actor_is_victim:
            said.append(f"The account concerned has the identifier {account.esp_identifier}.")
    if not has_files and (hashes := hashes_line(material.items)):
        said.append(hashes)
    if material.count > len(material.items):
        said.append(f"The newest {len(material.items)} of {material.count} items are told of.")
    at = material.verdict.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    said.append(f"Reviewed by a member of {material.organisation.name}, {at}.")
    return "\n".join(said)
