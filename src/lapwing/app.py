"""The wiring: one place where every room is given what it needs. Only the doors import this."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import Connection

from lapwing.bank.generations import Generations
from lapwing.bank.hash_lists import HashLists
from lapwing.bank.hosted import Hosted
from lapwing.bank.live import LiveBank
from lapwing.bank.opinions import Opinions
from lapwing.bank.quarantine import Quarantine
from lapwing.bank.service import Bank
from lapwing.cases.service import Cases
from lapwing.confirm.records import ALLOW_OVERRIDE, LIST_EXPORT, Confirmation, overridden
from lapwing.confirm.service import Confirmations
from lapwing.decide.packs import shipped_pack
from lapwing.decide.policy import Policy
from lapwing.detect.registry import detectors
from lapwing.evidence.ledger import Ledger
from lapwing.evidence.stamps import Authority, Stamping
from lapwing.evidence.vault import Vault
from lapwing.members.attempts import Attempts
from lapwing.members.service import Members
from lapwing.members.site import Site
from lapwing.model.errors import InvalidInput, Unavailable
from lapwing.model.structs import prepare_structs
from lapwing.report.cybertipline.client import connector
from lapwing.report.cybertipline.endpoints import checked_endpoint
from lapwing.report.desk import Office
from lapwing.report.filing import Filing
from lapwing.report.service import Reports
from lapwing.screening.service import Screening
from lapwing.settings import Settings
from lapwing.store.blobs import Blobs
from lapwing.store.clock import Clock, utc_now
from lapwing.store.database import Database
from lapwing.store.embedded import EmbeddedPostgres
from lapwing.store.epoch import Epoch
from lapwing.store.keyring import Keyring
from lapwing.store.migrations.upgrade import newest_revision


@dataclass(frozen=True, kw_only=True)
class House:
    """Every room's service, wired. Close it when done; the embedded database keeps running."""

    settings: Settings
    clock: Clock
    database: Database
    embedded: EmbeddedPostgres | None
    keyring: Keyring
    blobs: Blobs
    ledger: Ledger
    stamping: Stamping | None
    vault: Vault
    members: Members
    attempts: Attempts
    confirmations: Confirmations
    bank: Bank
    opinions: Opinions
    quarantine: Quarantine
    hosted: Hosted
    hash_lists: HashLists
    live: LiveBank
    cases: Cases
    screening: Screening
    office: Office
    reports: Reports
    filing: Filing

    def close(self) -> None:
        self.database.close()


def open_house(
    settings: Settings, *, clock: Clock = utc_now, say: Callable[[str], None] = lambda _: None
) -> House:
    """Start (or find) the database, migrate it and wire the rooms.

    `say` gets a line for each slow step. Raises Unavailable when the database cannot be reached.
    """
    # Started as root, the embedded server runs as someone else, who has to reach its data through
    # this folder; secrets and blobs lie in folders that are their owner's alone.
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o711 if os.getuid() == 0 else 0o700)
    embedded = None
    if settings.database_url is None:
        embedded = EmbeddedPostgres(settings.home)
        if not embedded.running():
            say("starting the embedded database")
    database = Database(settings.database_url or (embedded.start() if embedded else ""))
    database.migrate()
    prepare_structs()
    return wire(settings, database, embedded=embedded, clock=clock)


def wire(
    settings: Settings,
    database: Database,
    *,
    embedded: EmbeddedPostgres | None = None,
    clock: Clock = utc_now,
) -> House:
    """Wire the rooms over a migrated database."""
    keyring = Keyring(settings.secrets)
    blobs = Blobs(settings.blobs_url)
    authority = _stamping_authority(settings)
    ledger = Ledger(keyring, clock, authority=authority)
    vault = Vault(blobs, keyring, ledger, clock)
    members = Members(
        database,
        ledger,
        clock,
        site=Site.at(settings.public_origin),
        epoch=Epoch(settings.home / "keys.epoch"),
    )
    live = LiveBank(database, Generations(settings.home / "bank", str(newest_revision())))
    cases = Cases(database, ledger, clock)
    screening = Screening(
        database=database,
        live=live,
        detectors=detectors(),
        policy=Policy((shipped_pack(),)),
        cases=cases,
        ledger=ledger,
        vault=vault,
        members=members,
        clock=clock,
    )
    confirmations, bank = _second_person(database, ledger, clock)
    endpoint = settings.cybertipline_url
    office = Office(
        database=database,
        ledger=ledger,
        vault=vault,
        keyring=keyring,
        clock=clock,
        organisation_of=members.organisation,
        secrets=settings.secrets,
        schema=settings.cybertipline_schema or settings.home / "cybertipline.xsd",
        endpoint=checked_endpoint(endpoint) if endpoint else None,
    )
    return House(
        settings=settings,
        clock=clock,
        database=database,
        embedded=embedded,
        keyring=keyring,
        blobs=blobs,
        ledger=ledger,
        stamping=Stamping(database, authority) if authority else None,
        vault=vault,
        members=members,
        attempts=Attempts(database, keyring, clock),
        confirmations=confirmations,
        bank=bank,
        opinions=Opinions(database, ledger, clock),
        quarantine=Quarantine(database, ledger, clock),
        hosted=Hosted(database, ledger, live, clock),
        hash_lists=HashLists(database, ledger, clock),
        live=live,
        cases=cases,
        screening=screening,
        office=office,
        reports=Reports(office),
        filing=Filing(office, connector(office.secrets, office.endpoint)),
    )


def _second_person(database: Database, ledger: Ledger, clock: Clock) -> tuple[Confirmations, Bank]:
    """Confirmations whose answers reach the bank, and a bank that asks them."""
    bank = Bank(
        database,
        ledger,
        clock,
        overrides=lambda connection, entries: confirmations.overrides(connection, entries),
    )

    def override(connection: Connection, agreed: Confirmation, *, stands: bool) -> None:
        kind, value = overridden(agreed.subject)
        bank.override(connection, agreed.organisation, kind, value, stands=stands)

    kind = replace(
        ALLOW_OVERRIDE,
        confirmed=partial(override, stands=True),
        withdrawn=partial(override, stands=False),
    )
    confirmations = Confirmations(ledger, clock, (LIST_EXPORT,), allow_override=kind)
    return confirmations, bank


def _stamping_authority(settings: Settings) -> Authority | None:
    """What stamps ledger heads, when an address is set. Its library is an extra."""
    if settings.tsa_url is None:
        return None
    if settings.tsa_root is None:
        raise InvalidInput(
            "LAPWING_TSA_URL needs LAPWING_TSA_ROOT: a stamp that nobody can check proves nothing",
            field="LAPWING_TSA_ROOT",
        )
    try:
        from lapwing.evidence.rfc3161 import TimestampAuthority
    except ImportError as error:
        raise Unavailable(
            "LAPWING_TSA_URL needs the extra `stamps`: pip install 'lapwing[stamps]'"
        ) from error
    return TimestampAuthority.pinned(settings.tsa_url, settings.tsa_root)
