"""Houses to save and to look at after a restore."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url, text

from lapwing.app import House, open_house, wire
from lapwing.evidence.ledger import Ledger
from lapwing.operations.archive import About, Manifest
from lapwing.operations.backup import back_up
from lapwing.operations.sealing import Key, Lock
from lapwing.operations.side import Target
from lapwing.settings import Settings
from lapwing.store.database import Database
from web_world import Side, settle

PASSPHRASE = "correct horse"
LOCK = Lock(passphrase=PASSPHRASE)
KEY = Key(passphrase=PASSPHRASE)


@dataclass
class Saved:
    house: House
    sides: list[Side]
    file: Path
    about: About
    manifest: Manifest
    state: State


@dataclass
class State:
    """Everything in a house, so that two can be compared."""

    tables: dict[str, tuple[int, str]]
    """Rows and a digest of them, by table."""
    blobs: dict[str, bytes]
    secrets: dict[str, bytes]


@contextmanager
def save(server: str, folder: Path) -> Iterator[Saved]:
    with _database_on(server) as url, closing(Database(url)) as database:
        database.migrate()
        house = wire(settings_of(folder), database)
        sides = [settle(house, name) for name in ("one", "other")]
        file = folder / "backup"
        about, manifest = save_house(house, file, LOCK, secrets=True)
        yield Saved(house, sides, file, about, manifest, state_of(house))


@contextmanager
def _database_on(server: str) -> Iterator[str]:
    admin = make_url(server).set(drivername="postgresql")
    name = f"lapwing_test_{secrets.token_hex(6)}"
    for_all = admin.render_as_string(hide_password=False)
    with psycopg.connect(for_all, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        yield admin.set(database=name).render_as_string(hide_password=False)
        connection.execute(f"drop database {name} with (force)")


def settings_of(home: Path) -> Settings:
    return Settings(home=home, secrets=home / "secrets", blobs_url=(home / "blobs").as_uri())


def save_house(
    house: House,
    file: Path,
    lock: Lock,
    *,
    secrets: bool = False,
    ledger: Ledger | None = None,
) -> tuple[About, Manifest]:
    return back_up(
        file,
        lock,
        database=house.database,
        blobs=house.blobs,
        keyring=house.keyring,
        ledger=ledger or house.ledger,
        now=house.clock(),
        secrets=secrets,
    )


@contextmanager
def restored(target: Target) -> Iterator[House]:
    """The house that is at the target now."""
    settings = Settings(
        home=target.home,
        secrets=target.secrets,
        blobs_url=target.blobs_url,
        database_url=target.database_url,
    )
    with closing(open_house(settings)) as house:
        yield house


def state_of(house: House) -> State:
    with house.database.owner() as connection:
        names = connection.execute(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        ).scalars()
        tables = {}
        for name in names.all():
            digest = (
                "select count(*), coalesce(md5(string_agg(t, '|' order by t)), '') "
                f"from (select x::text as t from {name} x) y"
            )
            count, found = connection.execute(text(digest)).one()
            tables[name] = (count, found)
    folder = house.settings.home / "blobs"
    return State(tables, files_in(folder), files_in(house.settings.secrets))


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }
