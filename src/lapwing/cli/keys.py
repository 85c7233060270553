"""`lapwing keys`: API keys for machines. A key can screen and match, never judge or report."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from lapwing.cli.output import Json, page, plain, show, table, write_json
from lapwing.cli.session import For, house, operator, organisation
from lapwing.members.keys import MOST_PER_MINUTE
from lapwing.model.errors import InvalidInput
from lapwing.model.organisations import Scope

app = typer.Typer(help="API keys: create, list, revoke.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    scope: Annotated[
        list[Scope] | None,
        typer.Option("--scope", help="What it may do, may be repeated; else screen and match."),
    ] = None,
    only_list: Annotated[
        list[str] | None,
        typer.Option("--list", metavar="LIST", help="Only this list (name or id); repeatable."),
    ] = None,
    per_minute: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_PER_MINUTE, help="Of a hosted key: hashes a minute (120)."),
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Create a key. Its secret is shown once and kept only as a hash.

    A key with --scope hosted is for a small platform: match or no match on its lists, no more.
    """
    with house() as opened:
        mine = organisation(opened, organisation_name)
        lists = tuple(opened.bank.list_named(mine.id, one).id for one in only_list or ())
        key, secret = opened.members.create_key(
            mine.id,
            operator(opened),
            name,
            tuple(scope or (Scope.SCREEN, Scope.MATCH)),
            lists,
            per_minute,
        )
    if json:
        write_json({"key": key, "secret": secret})
        return
    page.print("Key", plain(key.name), f"may: {', '.join(key.scopes)}")
    page.print(f"Secret, shown this once:\n  {secret}")


@app.command("list")
def list_keys(organisation_name: For = None, json: Json = False) -> None:
    """List keys, without their secrets."""
    with house() as opened:
        found = opened.members.keys(organisation(opened, organisation_name).id)
    if json:
        write_json(found)
        return
    rows = [(k.id, k.name, ", ".join(k.scopes), len(k.lists) or "all", k.revoked_at) for k in found]
    show(table("Keys", ("id", "name", "may", "lists", "revoked (UTC)"), rows))


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key's id, from `keys list`.")],
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Revoke a key at once."""
    try:
        identity = UUID(key)
    except ValueError as error:
        raise InvalidInput(f"{key!r} is not a key id", field="key") from error
    with house() as opened:
        mine = organisation(opened, organisation_name)
        revoked = opened.members.revoke_key(mine.id, operator(opened), identity)
    if json:
        write_json(revoked)
        return
    page.print("Key", plain(revoked.name), "is revoked.")
