"""A wired house with two organisations, for tests that go through the web door."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import Litestar
from litestar.testing import TestClient
from PIL import Image, ImageDraw

from lapwing.app import House, wire
from lapwing.bank import hosted_rows
from lapwing.bank.changes import NewList
from lapwing.bank.opinion_records import Says
from lapwing.confirm.records import ALLOW_OVERRIDE
from lapwing.law.registry import may_keep_content
from lapwing.law.rows import LawRow
from lapwing.members.authority import member_actor
from lapwing.members.credential_rows import add_passkey
from lapwing.members.records import Passkey
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.organisations import Member, OrganisationKind, Role, Scope
from lapwing.settings import Settings
from lapwing.store.clock import new_id
from lapwing.store.database import Database
from lapwing.web.app import create_app
from lapwing.web.sessions import form_token

EVERYTHING = [scope for scope in Scope if scope is not Scope.HOSTED]
"""All that one key can have: `hosted` stands alone."""
ADDRESS = "http://127.0.0.1:8600"
KNOWN_SHA256 = "ab" * 32
KNOWN_PDQ = "f" * 32 + "0" * 32
KNOWN_URL = "http://bad.example.net/page"

Client = TestClient[Litestar]


@dataclass
class Side:
    """One organisation with people, a key and things that another must not see."""

    organisation: UUID
    name: str
    admin: Member
    reviewer: Member
    analyst: Member
    key_id: UUID
    secret: str
    list_id: UUID
    indicators: tuple[int, ...]
    case: UUID
    item: UUID
    kept: UUID
    """A picture of the case, in the vault."""
    proposed: UUID
    """Something of the analyst's that waits for a second member."""
    passkey: UUID
    """The reviewer's; nobody holds its private key."""
    recovery: str
    """One of the reviewer's recovery codes."""
    session: UUID
    """The reviewer's own, which runs."""
    opinion: UUID
    """The reviewer's, that an entry is wrong."""
    quarantined: UUID
    """The dispute that follows from it."""
    probing: UUID
    """Of a hosted caller."""

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


@contextmanager
def opened_house(database: Database, home: Path) -> Iterator[House]:
    settings = Settings(home=home, secrets=home / "secrets", blobs_url=(home / "blobs").as_uri())
    yield wire(settings, database)


@contextmanager
def opened_client(house: House, **options: Any) -> Iterator[Client]:
    app = create_app(house, **options)
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False) as client:
        client.follow_redirects = False
        yield client


def picture(shift: int = 0, size: int = 256) -> bytes:
    """A benign drawing with enough in it for a good hash; each `shift` another one."""
    image = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(image)
    for step in range(12):
        corner = (step * 37 + shift) % size
        draw.ellipse((corner, step * 20, corner + 60, step * 20 + 50), fill=(step * 20, 90, 160))
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def settle(house: House, name: str, *, known: str = KNOWN_SHA256) -> Side:
    """Make an organisation in which everything there is has been done once.

    `known` is the SHA-256 on its verified list, and of the item in its case.
    """
    content = picture(sum(name.encode()))
    name = f"{name} {new_id()}"
    basis = may_keep_content(OrganisationKind.PLATFORM, "US")
    assert isinstance(basis, LawRow)
    made = house.members.create_organisation(
        name=name,
        kind=OrganisationKind.PLATFORM,
        country="US",
        media_hosts=("media.example.org",),
        keep_content=basis.id,
        keep_days=30,
    )
    people = {
        role: house.members.add_member(made.id, f"{role.value} of {name}"[:100], role, SYSTEM)
        for role in Role
    }
    admin = people[Role.ADMIN]
    actor = member_actor(admin)
    key, secret = house.members.create_key(made.id, actor, f"key of {name}"[:100], EVERYTHING)
    listed = house.bank.create_list(
        made.id,
        actor,
        NewList(
            name="Verified",
            kind=ListKind.BLOCK,
            source="test",
            basis="test",
            category="test",
            verified=True,
        ),
    )
    added = house.bank.add(
        made.id,
        actor,
        listed.id,
        [
            NewIndicator(kind=IndicatorKind.SHA256, value=known),
            NewIndicator(kind=IndicatorKind.PDQ, value=KNOWN_PDQ, quality=100),
            NewIndicator(kind=IndicatorKind.URL, value=KNOWN_URL),
            NewIndicator(kind=IndicatorKind.SHA256, value=sha256(content).hexdigest()),
        ],
    )
    with opened_client(house) as client:
        answer = client.post(
            "/v1/screen",
            headers=bearer(secret),
            json={"kind": "media", "id": "first", "sha256": known, "account": "someone"},
        )
        assert answer.status_code == 200, answer.text
        decision = answer.json()["decisions"][0]
        record = {"kind": "media", "id": "kept", "account": "someone"}
        files = {"item": (None, json.dumps(record)), "file": ("a.png", content, "image/png")}
        answer = client.post("/v1/screen", headers=bearer(secret), files=files)
        assert answer.json()["kept"] == 1, answer.text
    with house.database.organisation(made.id) as connection:
        (kept,) = house.vault.objects(connection, UUID(decision["case"]))
    return Side(
        organisation=made.id,
        name=name,
        admin=admin,
        reviewer=people[Role.REVIEWER],
        analyst=people[Role.ANALYST],
        key_id=key.id,
        secret=secret,
        list_id=listed.id,
        indicators=added.ids,
        case=UUID(decision["case"]),
        item=UUID(decision["item"]),
        kept=kept.id,
        **_prove(house, people[Role.REVIEWER], people[Role.ANALYST]),
        **_doubt(house, people[Role.REVIEWER], listed.id, key.id),
    )


def _prove(house: House, reviewer: Member, analyst: Member) -> dict[str, Any]:
    """What one member can show, and something that another proposed."""
    signed = house.members.signed_in(session_of(house, reviewer))
    assert signed is not None
    codes = house.members.make_recovery_codes(signed)
    passkey = Passkey(
        id=new_id(),
        member=reviewer.id,
        name="somewhere",
        credential_id=reviewer.id.bytes,
        public_key=b"no key",
        sign_count=0,
        transports=(),
        backed_up=False,
        created_at=house.clock(),
    )
    with house.database.organisation(reviewer.organisation) as connection:
        proposed = house.confirmations.propose(
            connection,
            analyst.organisation,
            analyst,
            ALLOW_OVERRIDE.name,
            "sha256:" + "cd" * 32,
            "a test",
            "test",
            {},
        )
        add_passkey(connection, reviewer, passkey)
    return {
        "proposed": proposed.id,
        "passkey": passkey.id,
        "recovery": codes[0],
        "session": signed.session.id,
    }


def _doubt(house: House, reviewer: Member, list_id: UUID, key: UUID) -> dict[str, UUID]:
    """An entry that somebody disputes, and a hosted caller's questions that looked like probing."""
    mine = reviewer.organisation
    entry = NewIndicator(kind=IndicatorKind.MD5, value=reviewer.id.hex)
    (indicator,) = house.bank.add(mine, SYSTEM, list_id, [entry]).ids
    opinion = house.opinions.give(mine, reviewer, indicator, Says.FALSE, "a drawing")
    (quarantined,) = house.quarantine.acting(mine)
    with house.database.organisation(mine) as connection:
        probing = hosted_rows.find(connection, mine, new_id(), key, "variants", 70, house.clock())
    assert probing is not None
    return {"opinion": opinion.id, "quarantined": quarantined.id, "probing": probing}


def session_of(house: House, member: Member) -> str:
    """A member's session token, by way of a one-time link."""
    _, session = house.members.sign_in(house.members.sign_in_link(member.organisation, member.id))
    return session


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def as_browser(session: str) -> dict[str, str]:
    """Headers of our own page's request in a signed-in browser."""
    return {
        "Cookie": f"lapwing={session}",
        "Sec-Fetch-Site": "same-origin",
        "X-CSRF-Token": form_token(session),
    }


def lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


NDJSON = {"Content-Type": "application/x-ndjson"}

Resolve = Callable[[str, int], tuple[str, int]]
