"""`lapwing organisation`: who uses this installation, and what the law lets them switch on."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lapwing.cli.output import Json, page, plain, show, table, write_json
from lapwing.cli.session import (
    UNKNOWN_COUNTRY,
    For,
    house,
    member_named,
    operator,
    organisation,
)
from lapwing.model.errors import InvalidInput
from lapwing.model.organisations import Organisation, OrganisationKind

app = typer.Typer(help="Organisations: create, list, change.", no_args_is_help=True)

Country = Annotated[str, typer.Option(metavar="XX", help="Two letters (ISO 3166-1).")]
Keep = Annotated[
    str | None,
    typer.Option(
        metavar="ROW", help="Row of law/ that allows keeping content (docs/law.md); 'off': no."
    ),
]
Days = Annotated[int | None, typer.Option(min=1, help="Days after which content is deleted.")]
Scan = Annotated[
    str | None,
    typer.Option(metavar="ROW", help="Row of law/ that allows private messages; 'off': no."),
]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--media-host", help="Host that media may be fetched from; may be repeated."),
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    kind: Annotated[
        OrganisationKind, typer.Option(help="What the law asks about it.")
    ] = OrganisationKind.PLATFORM,
    country: Country = UNKNOWN_COUNTRY,
    keep_content: Keep = None,
    keep_days: Days = None,
    scan_private: Scan = None,
    media_hosts: Hosts = None,
    json: Json = False,
) -> None:
    """Create an organisation. ZZ is no country: nothing that depends on one's law is on."""
    with house() as opened:
        made = opened.members.create_organisation(
            name=name,
            kind=kind,
            country=country.upper(),
            actor=operator(opened),
            keep_content=_row(keep_content),
            keep_days=keep_days,
            scan_private=_row(scan_private),
            media_hosts=tuple(media_hosts or ()),
        )
    _tell(made, json)


@app.command("list")
def list_organisations(json: Json = False) -> None:
    """List the organisations of this installation."""
    with house() as opened:
        found = opened.members.organisations()
    if json:
        write_json(found)
        return
    rows = [(o.name, o.kind, o.country, o.keep_content or "off", o.id) for o in found]
    show(table("Organisations", ("name", "kind", "country", "content kept", "id"), rows))


@app.command()
def change(
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    kind: Annotated[
        OrganisationKind | None, typer.Option(help="What the law asks about it.")
    ] = None,
    country: Annotated[
        str | None, typer.Option(metavar="XX", help="Two letters (ISO 3166-1).")
    ] = None,
    keep_content: Keep = None,
    keep_days: Days = None,
    scan_private: Scan = None,
    media_hosts: Hosts = None,
    fallback: Annotated[
        str | None,
        typer.Option(
            metavar="MEMBER", help="Who is named when a legal clock is about to lapse; 'off': none."
        ),
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Change an organisation; what is not named stays. `--media-host off` clears the hosts."""
    changes: dict[str, Any] = {
        field: value
        for field, value in (
            ("name", name),
            ("kind", kind),
            ("country", country.upper() if country else None),
            ("keep_content", keep_content),
            ("keep_days", keep_days),
            ("scan_private", scan_private),
            ("media_hosts", media_hosts),
            ("fallback_member", fallback),
        )
        if value is not None
    }
    if not changes:
        raise InvalidInput("name what to change, for example --country US")
    for field in ("keep_content", "scan_private"):
        if field in changes:
            changes[field] = _row(changes[field])
    if changes.get("keep_content", "") is None:
        changes["keep_days"] = None
    if changes.get("media_hosts") == ["off"]:
        changes["media_hosts"] = ()
    with house() as opened:
        mine = organisation(opened, organisation_name)
        if fallback is not None:
            off = _row(fallback) is None
            changes["fallback_member"] = None if off else member_named(opened, mine, fallback).id
        made = opened.members.change_organisation(mine.id, operator(opened), **changes)
    _tell(made, json)


def _row(said: str | None) -> str | None:
    return None if said in (None, "", "off") else said


def _tell(made: Organisation, json: bool) -> None:
    if json:
        write_json(made)
        return
    page.print("Organisation", plain(made.name), f"({made.kind}, {made.country}): {made.id}")
    kept = f"{made.keep_days} days, by {made.keep_content}" if made.keep_content else "no"
    page.print(f"content kept: {kept}; private messages: {made.scan_private or 'refused'}")
