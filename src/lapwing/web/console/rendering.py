"""Templates, and the words that pages use for what the code calls by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lapwing.app import House
from lapwing.model.cases import CaseState, Outcome, SubjectKind
from lapwing.model.findings import FindingKind, Reason
from lapwing.model.indicators import IndicatorKind
from lapwing.model.organisations import Member
from lapwing.model.permissions import Permission
from lapwing.model.videos import VideoMatch
from lapwing.report.service import Pressing
from lapwing.web.callers import Caller
from lapwing.web.console.static import has_htmx
from lapwing.web.sessions import form_token

STATES = (
    ("waiting", "Waiting"),
    ("open", "Open"),
    ("claimed", "Taken"),
    ("decided", "Decided"),
    ("closed", "Closed"),
)
STATE_WORDS = {
    CaseState.OPEN: "open",
    CaseState.CLAIMED: "taken",
    CaseState.DECIDED: "decided",
    CaseState.CLOSED: "closed",
}
OUTCOMES = (
    (Outcome.CONFIRMED, ("Confirmed", "It is what the lists say it is.")),
    (Outcome.HARMLESS, ("Harmless", "It is not; what was held can go back.")),
    (Outcome.WELFARE, ("Welfare", "A child needs help. Nobody is accused.")),
    (Outcome.UNSURE, ("Unsure", "Someone else should look.")),
)
OUTCOME_WORDS = {outcome: words[0] for outcome, words in OUTCOMES}
FINDING_WORDS = {
    FindingKind.KNOWN_MEDIA: "Known picture",
    FindingKind.NEAR_MEDIA: "Similar picture",
    FindingKind.HARMLESS_MEDIA: "Known harmless",
    FindingKind.KNOWN_URL: "Known link",
    FindingKind.KNOWN_DOMAIN: "Known site",
    FindingKind.LISTED_URL: "Listed link",
}
KIND_WORDS = {
    "media": "Picture",
    "message": "Message",
    "advert": "Advert",
    "payment": "Payment",
    "url": "Link",
    "profile": "Profile",
    "tip": "Tip",
}


SUBJECT_WORDS = {
    SubjectKind.ACCOUNT: "account",
    SubjectKind.HASH: "picture",
    SubjectKind.URL: "link",
    SubjectKind.DOMAIN: "site",
}


_HOW = {
    "url": "same address",
    "domain": "same site",
    "pdq": "looks alike (PDQ)",
    "video": "frames look alike (vPDQ)",
    "md5": "same bytes (MD5)",
    "sha1": "same bytes (SHA-1)",
    "sha256": "same bytes (SHA-256)",
}

_SHOWN_RANGES = 5

SHOWN_VALUES = frozenset({"url", "domain"})
"""Reasons whose listed value people can read, and is shown; as text, never as a link."""


def reason_words(reason: Reason) -> str:
    """One reason as a line: how it matched, on which list."""
    how = [_HOW.get(reason.id, reason.id)]
    if reason.video is not None:
        how.append(video_words(reason.video))
    if reason.distance is not None and reason.id in (IndicatorKind.PDQ, "video"):
        how.append(f"distance {reason.distance} of 256")
    if reason.quality is not None:
        how.append(f"quality {reason.quality}")
    where = [", ".join(how)]
    if reason.list_name:
        where.append(f"{reason.list_name} ({'verified' if reason.verified else 'not verified'})")
    if reason.category:
        where.append(reason.category)
    return " · ".join(where)


def video_words(match: VideoMatch) -> str:
    """How much of either video matched, and when."""
    spans = [f"{begin:g}–{end:g} s" for begin, end in match.ranges[:_SHOWN_RANGES]]
    more = len(match.ranges) - len(spans)
    when = ", ".join([*spans, f"{more} more"] if more > 0 else spans)
    return (
        f"{match.query_percent:g} % of this video, {match.compared_percent:g} % of the listed one, "
        f"at {when}"
    )


def shortened(value: str, most: int = 28) -> str:
    return value if len(value) <= most else f"{value[: most - 1]}…"


def moment(at: datetime) -> str:
    """A moment as people read it; always UTC, and said so."""
    return at.astimezone(UTC).strftime("%-d %b %Y, %H:%M UTC")


def clock_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%H:%M UTC")


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in the largest whole unit."""
    passed = max(now - at, timedelta())
    for seconds, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        count = int(passed.total_seconds() // seconds)
        if count:
            return f"{count} {word}{'' if count == 1 else 's'} ago"
    return "just now"


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals.update(
    moment=moment,
    clock=clock_time,
    states=STATES,
    state_words=STATE_WORDS,
    outcomes=OUTCOMES,
    outcome_words=OUTCOME_WORDS,
    finding_words=FINDING_WORDS,
    kind_words=KIND_WORDS,
    subject_words=SUBJECT_WORDS,
    shown_values=SHOWN_VALUES,
    reason_words=reason_words,
    shortened=shortened,
)


def _pressing(house: House, member: Member) -> Pressing | None:
    """What every page tells those first who can do something about it."""
    if not (member.may(Permission.REPORTS_FILE) or member.may(Permission.CASES_DECIDE)):
        return None
    return house.reports.pressing(member.organisation)


def render(name: str, house: House, caller: Caller, *, here: str, **given: Any) -> str:
    """A page for the member who asks; `here` is the entry of the navigation that it belongs to."""
    member, now = caller.person, house.clock()
    return _templates.get_template(name).render(
        here=here,
        member=member,
        organisation=house.members.organisation(member.organisation),
        csrf=form_token(caller.session or ""),
        htmx=has_htmx(),
        pressing=_pressing(house, member),
        ago=lambda at: ago(at, now),
        **given,
    )
