"""`lapwing members` and `lapwing sign-in`: the people of an organisation."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec import UNSET

from lapwing.cli.output import Json, page, plain, show, table, write_json
from lapwing.cli.session import (
    For,
    house,
    member_named,
    operator,
    organisation,
    sign_in_address,
)
from lapwing.model.organisations import Member, Role
from lapwing.model.permissions import Permission

app = typer.Typer(help="Members: add, list, permit, disable.", no_args_is_help=True)


@app.command("add")
def add_member(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    role: Annotated[
        Role, typer.Option(help="Admins manage, reviewers judge, analysts prepare.")
    ] = Role.REVIEWER,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Add a member, in whose name cases are worked on."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = opened.members.add_member(mine.id, name, role, operator(opened))
    if json:
        write_json(member)
        return
    page.print("Member", plain(member.name), f"({member.role}) of", plain(mine.name))


@app.command("list")
def list_members(organisation_name: For = None, json: Json = False) -> None:
    """List the members."""
    with house() as opened:
        found = opened.members.members(organisation(opened, organisation_name).id)
    if json:
        write_json(found)
        return
    rows = [(m.name, m.role, _by_name(m), m.id) for m in found]
    show(table("Members", ("name", "role", "by name", "id"), rows))


@app.command()
def permit(
    name: Annotated[str, typer.Argument(metavar="MEMBER", help="Name or id.")],
    role: Annotated[Role | None, typer.Option(help="Another role.")] = None,
    grant: Annotated[
        list[Permission] | None, typer.Option(help="Give beyond the role; may be repeated.")
    ] = None,
    deny: Annotated[
        list[Permission] | None, typer.Option(help="Take of the role; may be repeated.")
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Say what a member may do: a role, and single permissions beside it.

    --grant and --deny replace what was said by name before (docs/members.md).
    """
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = opened.members.permit(
            mine.id,
            operator(opened),
            member_named(opened, mine, name).id,
            role=role or UNSET,
            granted=grant or (),
            denied=deny or (),
        )
    if json:
        write_json(member)
        return
    page.print("Member", plain(member.name), f"({member.role})", plain(_by_name(member)))


@app.command()
def disable(
    name: Annotated[str, typer.Argument(metavar="MEMBER", help="Name or id.")],
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Shut a member out at once: sessions, tokens and links end."""
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = member_named(opened, mine, name)
        opened.members.disable_member(mine.id, operator(opened), member.id)
    if json:
        write_json({"disabled": member.id})
        return
    page.print("Shut out:", plain(member.name))


def sign_in(
    name: Annotated[str, typer.Argument(metavar="MEMBER", help="Name or id.")],
    link: Annotated[
        bool, typer.Option("--link", help="Print a one-time link for the browser instead.")
    ] = False,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Sign a member in: prints a token for LAPWING_MEMBER_TOKEN, good for 12 hours.

    Whoever can run this can read the data folder anyway; signing in is written into the ledger.
    """
    with house() as opened:
        mine = organisation(opened, organisation_name)
        member = member_named(opened, mine, name)
        said = opened.members.sign_in_link(mine.id, member.id, actor=operator(opened))
        if link:
            said = sign_in_address(said, opened.settings)
        else:
            _, said = opened.members.sign_in(said)
    if json:
        write_json({"member": member, "link" if link else "token": said})
        return
    typer.echo(said)


def _by_name(member: Member) -> str:
    """What differs from the role."""
    return " ".join([*(f"+{one}" for one in member.granted), *(f"-{one}" for one in member.denied)])
