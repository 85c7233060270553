"""Reports in the demo go to a stand-in on this machine, so that everything can be tried at once.

Only while the demo runs, only for its organisation, and never where a real address is set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from msgspec.structs import replace

from lapwing.demo.cybertipline_server import PASSWORD, USERNAME, StandIn, serving
from lapwing.model.errors import Unavailable
from lapwing.report.cybertipline.credentials import Credentials, keep_credentials
from lapwing.report.cybertipline.document import Reporter
from lapwing.report.cybertipline.parts import Email, Person
from lapwing.report.cybertipline.schema import keep_schema
from lapwing.settings import Settings


@contextmanager
def rehearsing(settings: Settings, organisation: UUID) -> Iterator[Settings]:
    """The settings with the stand-in's address; as they are where one is set or lxml is missing."""
    if settings.cybertipline_url is not None:
        yield settings
        return
    try:
        desk = StandIn()
    except Unavailable:
        yield settings
        return
    with serving(desk) as endpoint:
        schema = settings.home / "demo" / "cybertipline.xsd"
        keep_schema(schema, desk.schema)
        person = Person(first_name="Robin", email=(Email(address="reports@example.org"),))
        keep_credentials(
            settings.secrets,
            organisation,
            Credentials(
                username=USERNAME, password=PASSWORD, reporter=Reporter(reporting_person=person)
            ),
        )
        yield replace(settings, cybertipline_url=endpoint, cybertipline_schema=schema)
