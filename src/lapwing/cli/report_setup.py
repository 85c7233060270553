"""`lapwing report schema | connect | rehearse`: what filing needs before the first report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lapwing.cli.output import Json, eye, page, plain, write_json
from lapwing.cli.session import For, house, organisation
from lapwing.demo.cybertipline_server import PASSWORD, USERNAME, StandIn, serving
from lapwing.model.errors import InvalidInput, NotAllowed
from lapwing.report.cybertipline.client import CyberTipline, connector
from lapwing.report.cybertipline.credentials import (
    Credentials,
    keep_credentials,
    read_credentials,
)
from lapwing.report.cybertipline.document import Reporter
from lapwing.report.cybertipline.parts import Email, Person
from lapwing.report.cybertipline.schema import keep_schema, load_schema


def schema(
    fetch: Annotated[bool, typer.Option("--fetch", help="Get it from the endpoint.")] = False,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Take it from this file.")
    ] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Fetch the authority's XML schema, which reports are checked against, or say where it is."""
    with house() as opened:
        place = opened.office.schema
        if source is not None:
            keep_schema(place, source.read_bytes())
        elif fetch:
            mine = organisation(opened, organisation_name)
            with connector(opened.office.secrets, opened.office.endpoint)(mine.id) as client:
                keep_schema(place, client.schema())
        load_schema(place)
    if json:
        write_json({"schema": str(place), "bytes": place.stat().st_size})
    else:
        page.print("The CyberTipline's schema is at", plain(place))


def connect(
    username: Annotated[str, typer.Option(help="As NCMEC issued it for this endpoint.")],
    email: Annotated[str, typer.Option(help="E-mail of the reporting person: NCMEC asks for it.")],
    first_name: Annotated[str | None, typer.Option(help="Of the reporting person.")] = None,
    last_name: Annotated[str | None, typer.Option(help="Of the reporting person.")] = None,
    organisation_name: For = None,
    json: Json = False,
) -> None:
    """Keep the credentials of the CyberTipline in a private file, outside the database.

    The password is read from standard input. When LAPWING_CYBERTIPLINE_URL is set, they are tried.
    """
    password = _password()
    person = Person(first_name=first_name, last_name=last_name, email=(Email(address=email),))
    with house() as opened:
        mine = organisation(opened, organisation_name)
        known = read_credentials(opened.office.secrets, mine.id)
        reporter = known.reporter if known and known.reporter else Reporter()
        given = Credentials(
            username=username,
            password=password,
            reporter=Reporter(
                reporting_person=person,
                contact_person=reporter.contact_person,
                company_template=reporter.company_template,
                terms_of_service=reporter.terms_of_service,
                legal_url=reporter.legal_url,
            ),
        )
        endpoint, said = opened.office.endpoint, None
        if endpoint is not None:
            with CyberTipline(endpoint, given) as client:
                answer = client.status()
            if answer.code != 0:
                raise NotAllowed(f"the server does not know them: {answer.said}")
            said = answer.description
        place = keep_credentials(opened.office.secrets, mine.id, given)
    if json:
        write_json({"file": str(place), "endpoint": endpoint, "answer": said})
        return
    page.print("Kept in", plain(place))
    page.print(plain(f"The server says: {said}" if said else "Not tried: no address is set."))


def rehearse(
    port: Annotated[int, typer.Option(min=0, max=65535, help="On this machine; 0: any.")] = 8650,
    json: Json = False,
) -> None:
    """Run a stand-in for the authority's server on this machine, until Ctrl-C or the end of input.

    What is filed there reaches nobody. It says what to set for a rehearsal.
    """
    with serving(StandIn(), port) as endpoint:
        if json:
            write_json({"endpoint": endpoint, "username": USERNAME, "password": PASSWORD})
        else:
            page.print(f"LAPWING_CYBERTIPLINE_URL={endpoint}")
            eye.print(f"user name {USERNAME}, password {PASSWORD}; Ctrl-C stops it")
        sys.stdin.read()


def _password() -> str:
    """From a terminal without an echo, else the first line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, err=True))
    line = sys.stdin.readline().rstrip("\n")
    if not line:
        raise InvalidInput("the password is read from standard input", field="password")
    return line
