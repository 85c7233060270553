"""`lapwing serve`: the API, the console and the worker that does queued jobs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from msgspec.structs import replace

from lapwing.app import House
from lapwing.cli.output import Json, page, plain, write_json
from lapwing.cli.session import (
    address_of,
    house,
    organisation,
    require_free_port,
    settings,
    sign_in_address,
)
from lapwing.model.organisations import Member, Role
from lapwing.web.serve import serve as run_server

Host = Annotated[str | None, typer.Option(help="Address to bind; LAPWING_HOST.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port to bind; LAPWING_PORT.")]
Log = Annotated[
    bool | None,
    typer.Option("--log/--no-log", help="A line a request on standard error."),
]


def serve(
    host: Host = None,
    port: Port = None,
    workers: Annotated[int, typer.Option(min=1, help="Server processes.")] = 1,
    log: Log = None,
    json: Json = False,
) -> None:
    """Run the API and the console. Ctrl-C stops them; the embedded database keeps running.

    Requests are logged unless standard error is a terminal. Addresses, ids and contents never are.
    """
    chosen = settings()
    chosen = replace(chosen, host=host or chosen.host, port=port or chosen.port)
    require_free_port(chosen)
    with house(chosen) as opened:
        reviewer = _someone_to_sign_in(opened)
        link = None
        # What is printed into a file or a journal stays there; a link that signs in must not.
        if reviewer is not None and (json or sys.stdout.isatty()):
            token = opened.members.sign_in_link(reviewer.organisation, reviewer.id)
            link = sign_in_address(token, chosen)
    address = address_of(chosen)
    if json:
        write_json({"address": address, "schema": f"{address}/schema", "sign_in": link})
    else:
        page.print(f"Lapwing serves {address} (API: {address}/schema). Ctrl-C stops it.")
        if reviewer is not None and link is not None:
            page.print("Sign in once as", plain(reviewer.name), f"within 15 minutes: {link}")
        elif reviewer is not None:
            page.print("`lapwing sign-in NAME --link` makes a link to sign in with")
        else:
            page.print("`lapwing members add NAME`, then `lapwing sign-in NAME --link` to sign in")
    shown = not sys.stderr.isatty() if log is None else log
    run_server(replace(chosen, access_log=shown), workers=workers)


def _someone_to_sign_in(opened: House) -> Member | None:
    """The first who can judge, where there is one organisation or one was named."""
    if len(opened.members.organisations()) > 1 and not opened.settings.organisation:
        return None
    found = opened.members.members(organisation(opened).id)
    return next((m for m in found if m.role in (Role.REVIEWER, Role.ADMIN)), None)
