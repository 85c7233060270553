"""What an organisation may switch on: only what a row of law/ allows its kind in its country.

Nothing here weighs anything: a row read in the primary text allows it, or it stays off.
"""

from __future__ import annotations

from msgspec.structs import replace

from lapwing.law.registry import Refused, may_keep_content, may_scan_private, row
from lapwing.law.rows import LawRow, Switch
from lapwing.model.errors import InvalidInput, NotAllowed, NotFound
from lapwing.model.organisations import Organisation


def require_lawful(organisation: Organisation) -> Organisation:
    """The organisation with `keep_days` filled in, or an error that says what is not allowed.

    Raises NotAllowed where no row of law read in the primary text allows it for that kind of
    organisation in that country, InvalidInput where `keep_days` does not fit the row.
    """
    if organisation.scan_private is not None:
        _require_row(organisation, organisation.scan_private, Switch.SCAN_PRIVATE)
    if organisation.keep_content is None:
        if organisation.keep_days is not None:
            raise InvalidInput(
                "keep_days means nothing while no content is kept; name the row in keep_content",
                field="keep_days",
            )
        return organisation
    allowed = _require_row(organisation, organisation.keep_content, Switch.KEEP_CONTENT)
    return replace(organisation, keep_days=_checked_days(organisation.keep_days, allowed))


def _checked_days(days: int | None, allowed: LawRow) -> int | None:
    longest = allowed.max_days
    if days is None or longest is None:
        return longest
    if not 1 <= days <= longest:
        raise InvalidInput(
            f"{allowed.id} allows keeping for 1 to {longest} days, not {days}", field="keep_days"
        )
    return days


def _require_row(organisation: Organisation, identity: str, switch: Switch) -> LawRow:
    may = may_keep_content if switch is Switch.KEEP_CONTENT else may_scan_private
    allowed = may(organisation.kind, organisation.country)
    if isinstance(allowed, Refused):
        raise NotAllowed(allowed.reason)
    try:
        named = row(identity)
    except NotFound:
        raise NotAllowed(
            f"there is no row of law called {identity!r}; {allowed.id!r} is one that allows this"
        ) from None
    here = named.country == organisation.country
    if not here or not named.in_force_for(organisation.kind, switch):
        raise NotAllowed(
            f"{identity!r} does not allow {switch.value} for a {organisation.kind.value} "
            f"in {organisation.country}; {allowed.id!r} does"
        )
    return named
