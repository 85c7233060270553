"""What commands share: the opened house, the organisation they act for, and who is acting."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Annotated
from uuid import UUID

import typer

from lapwing.app import House, open_house
from lapwing.cli.output import eye, plain
from lapwing.intake.columns import IGNORE
from lapwing.model.actors import Actor, ActorKind
from lapwing.model.errors import InvalidInput, NotAllowed, NotFound, Unavailable
from lapwing.model.organisations import Member, Organisation, OrganisationKind
from lapwing.settings import Settings

FIRST_ORGANISATION = "My organisation"
UNKNOWN_COUNTRY = "ZZ"

Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=COLUMN",
        help="Where your columns have other names; ignore=COLUMN leaves one out. May be repeated.",
    ),
]
For = Annotated[
    str | None,
    typer.Option("--organisation", metavar="NAME", help="Name or id; needed if there are several."),
]


def settings() -> Settings:
    return Settings.read(os.environ)


@contextmanager
def house(chosen: Settings | None = None) -> Iterator[House]:
    """The wired house; the embedded database is started when it does not run yet."""

    def say(line: str) -> None:
        if sys.stderr.isatty():
            eye.print(f"[dim]{line} …[/dim]")

    with closing(open_house(chosen or settings(), say=say)) as opened:
        yield opened


def organisation(opened: House, named: str | None = None) -> Organisation:
    """The organisation a command acts for: by name or id, or the only one.

    On a new installation a first one is made, in no country, so that nothing which depends on a
    country's law is switched on.
    """
    wanted = named or opened.settings.organisation
    known = opened.members.organisations()
    if wanted:
        for one in known:
            if wanted in (one.name, str(one.id)):
                return one
        raise InvalidInput(f"there is no organisation {wanted!r}", field="organisation")
    if len(known) > 1:
        names = ", ".join(repr(one.name) for one in known[:5]) + (", …" if len(known) > 5 else "")
        raise InvalidInput(
            f"there are several organisations ({names}): name one with --organisation or "
            "LAPWING_ORGANISATION",
            field="organisation",
        )
    if known:
        return known[0]
    made = opened.members.create_organisation(
        name=FIRST_ORGANISATION, kind=OrganisationKind.PLATFORM, country=UNKNOWN_COUNTRY
    )
    eye.print(
        plain(
            f"made the organisation {made.name!r}; `lapwing organisation change` sets its name, "
            "kind and country"
        ),
        style="dim",
    )
    return made


def operator(opened: House) -> Actor:
    """Whoever sits at this machine's command line: enough for data, never for a verdict."""
    return Actor(kind=ActorKind.SYSTEM, name=f"command line ({opened.settings.operator})")


def member_named(opened: House, mine: Organisation, name: str) -> Member:
    """A member by name or id. Raises NotFound."""
    for member in opened.members.members(mine.id):
        if name in (member.name, str(member.id)):
            return member
    raise NotFound(f"{mine.name} has no member {name!r}; `lapwing members list` names them")


def named_member(opened: House, of: UUID, *, in_person: bool = False) -> Member:
    """The member whose session token is in LAPWING_MEMBER_TOKEN; verdicts need one.

    `in_person`: it has to be fresh as well (docs/members.md, step-up), as filing asks.
    """
    token = opened.settings.member_token
    if not token:
        raise NotAllowed(
            "this needs a named member: put what `lapwing sign-in MEMBER` prints into "
            "LAPWING_MEMBER_TOKEN"
        )
    signed = opened.members.signed_in(token)
    if signed is None or signed.member.organisation != of:
        raise NotAllowed(
            "LAPWING_MEMBER_TOKEN holds no running session of a member of this organisation; "
            "`lapwing sign-in MEMBER` prints a new one"
        )
    if in_person:
        signed.require_step_up(opened.clock(), fresh_token=True)
    return signed.member


def sign_in_address(token: str, where: Settings) -> str:
    """Where the browser uses a one-time link; a preview of the page does not use it up.

    By the name that passkeys belong to, so that the member can add one there.
    """
    return f"{where.public_origin}/console/sign-in/{token}"


def address_of(where: Settings) -> str:
    """The server's address as one writes it into a browser."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(where.host, where.host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{where.port}"


def require_free_port(where: Settings) -> None:
    """Raise Unavailable when the server could not listen there: better now than after the work."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            where.host, where.port, type=socket.SOCK_STREAM
        )[0]
        with closing(socket.socket(family, kind, number)) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {where.host} port {where.port}: {error.strerror}; "
            "--port or LAPWING_PORT chooses another"
        ) from error


def column_map(texts: Sequence[str] | None) -> dict[str, str]:
    """What `--map field=column` says: {field: column}; `ignore` gathers names with commas."""
    found: dict[str, str] = {}
    for text in texts or ():
        field, sign, column = (part.strip() for part in text.partition("="))
        if not sign or not field or not column:
            raise InvalidInput(f"--map wants field=column, not {text!r}", field="map")
        if field in found and field != IGNORE:
            raise InvalidInput(f"--map names field {field!r} twice", field="map")
        found[field] = f"{found[field]},{column}" if field in found else column
    return found
