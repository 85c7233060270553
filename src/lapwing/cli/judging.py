"""What people say of lists and entries: `lapwing bank change | override | opinions | opinion |
retract | quarantine | release | keep`. What judges needs a named member.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer
from msgspec import UNSET

from lapwing.bank.changes import ListChange
from lapwing.bank.opinion_records import Says
from lapwing.bank.quarantine_records import Quarantined
from lapwing.cli.indicators import OnList
from lapwing.cli.output import Json, page, plain, show, table, write_json, write_lines
from lapwing.cli.session import For, house, named_member, organisation
from lapwing.members.authority import member_actor
from lapwing.model.errors import InvalidInput
from lapwing.model.indicators import KNOWN_DISTANCE, NEAR_DISTANCE, ListAction
from lapwing.model.permissions import Permission
from lapwing.store.clock import utc_now
from lapwing.web.overriding import propose

Why = Annotated[str, typer.Option(help="Kept in the ledger.")]
Entry = Annotated[int, typer.Argument(metavar="ID", min=1, help="Id of the entry: bank show.")]
Identity = Annotated[str, typer.Argument(metavar="ID")]
EVER = "ever"


def change(
    list_name: OnList,
    why: Why,
    action: Annotated[
        ListAction | None,
        typer.Option(help="What a known match asks for; a review list never more than review."),
    ] = None,
    verified: Annotated[
        bool | None,
        typer.Option("--verified/--not-verified", help="Every entry was confirmed by a person."),
    ] = None,
    known_distance: Annotated[
        int | None, typer.Option(min=0, max=KNOWN_DISTANCE, help="Bits of 256.")
    ] = None,
    near_distance: Annotated[
        int | None, typer.Option(min=0, max=NEAR_DISTANCE, help="Bits of 256.")
    ] = None,
    valid_from: Annotated[
        str | None, typer.Option(help="RFC 3339 with a zone, or `ever` for always.")
    ] = None,
    valid_until: Annotated[
        str | None, typer.Option(help="RFC 3339 with a zone, or `ever` for no end.")
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Change what a match on a list asks for, its distances, its validity; acts at once."""
    wanted = ListChange(
        why=why,
        action=UNSET if action is None else action,
        verified=UNSET if verified is None else verified,
        known_distance=UNSET if known_distance is None else known_distance,
        near_distance=UNSET if near_distance is None else near_distance,
        valid_from=UNSET if valid_from is None else _moment(valid_from, "valid-from"),
        valid_until=UNSET if valid_until is None else _moment(valid_until, "valid-until"),
    )
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = named_member(opened, mine.id)
        member.require(Permission.BANK_WRITE)
        listed = opened.bank.list_named(mine.id, list_name)
        after = opened.bank.change_list(mine.id, member_actor(member), listed.id, wanted)
    if json:
        write_json(after)
        return
    page.print("List", plain(after.name), f"asks for: {after.action}")


def override(
    list_name: OnList,
    entry: Entry,
    basis: Annotated[str, typer.Option(help="Why it may.")],
    category: Annotated[str, typer.Option(help="What it is.")],
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Propose that an allow entry beats verified lists; another member confirms it."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = named_member(opened, mine.id)
        listed = opened.bank.list_named(mine.id, list_name)
        proposed = propose(opened, mine.id, member, listed.id, entry, basis, category)
    if json:
        write_json(proposed)
        return
    page.print("Proposed. Another member confirms it in the console, under Second person.")


def opinions(entry: Entry, organisation_name: For = None, json: Json = False) -> None:
    """Show what was said of an entry; --json writes a line an opinion."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        opened.bank.indicator(mine.id, entry)
        found = opened.opinions.of(mine.id, entry)
        names = opened.members.names(mine.id)
    if json:
        write_lines(found)
        return
    rows = [
        (
            one.id,
            one.says,
            one.partner or names.get(one.member, ""),
            one.trusted,
            one.why,
            one.at,
            one.retracted_at,
        )
        for one in found
    ]
    columns = ("id", "says", "who", "trusted", "why", "at (UTC)", "taken back (UTC)")
    show(table(f"Opinions on entry {entry}", columns, rows))


def opinion(
    entry: Entry,
    says: Annotated[Says, typer.Option(help="What you say of it.")],
    why: Why,
    partner: Annotated[
        str | None, typer.Option(help="For this partner, instead of yourself.")
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Say that an entry is true, false, or that somebody should investigate."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = named_member(opened, mine.id)
        given = opened.opinions.give(mine.id, member, entry, says, why, partner)
    if json:
        write_json(given)
        return
    page.print(f"Opinion {given.id} is kept.")


def retract(
    identity: Identity, why: Why, organisation_name: For = None, json: Json = False
) -> None:
    """Take an opinion back."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = named_member(opened, mine.id)
        done = opened.opinions.retract(mine.id, member, _uuid(identity), why)
    if json:
        write_json(done)
        return
    page.print("The opinion is taken back.")


def quarantine(organisation_name: For = None, json: Json = False) -> None:
    """Show entries that count for less: floods and disputes; --json writes a line an entry."""
    with house() as opened:
        found = opened.quarantine.acting(organisation(opened, organisation_name).id)
    if json:
        write_lines(found)
        return
    rows = [
        (
            one.id,
            one.cause,
            one.indicator,
            one.kind,
            one.value,
            one.list_name,
            "waits" if one.waits else "kept",
            one.opened_at,
        )
        for one in found
    ]
    columns = ("id", "cause", "entry", "kind", "value", "list", "is", "since (UTC)")
    show(table("Quarantine", columns, rows))


def release(
    identity: Identity, why: Why, organisation_name: For = None, json: Json = False
) -> None:
    """Let a quarantined entry count in full again."""
    _decide(identity, why, organisation_name, json, released=True)


def keep(identity: Identity, why: Why, organisation_name: For = None, json: Json = False) -> None:
    """Say that an entry is rightly quarantined; it stays so."""
    _decide(identity, why, organisation_name, json, released=False)


def _decide(identity: str, why: str, of: str | None, json: bool, *, released: bool) -> None:
    with house() as opened:
        mine = organisation(opened, of)
        member = named_member(opened, mine.id)
        decide = opened.quarantine.release if released else opened.quarantine.confirm
        done: Quarantined = decide(mine.id, member, _uuid(identity), why)
    if json:
        write_json(done)
        return
    page.print(f"Entry {done.indicator} " + ("counts again." if released else "stays there."))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not an id", field="id") from None


def _moment(text: str, field: str) -> datetime | None:
    if text == EVER:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        example = f"{utc_now():%Y-%m-%dT%H:%M:%SZ}"
        raise InvalidInput(f"{text!r} is no time, as in {example}", field=field) from None
    return found
