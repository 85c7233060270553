"""What is sent in the tests of doing no harm: distinctive words, ids, addresses, one picture."""

from __future__ import annotations

import json

from lapwing.app import House
from lapwing.model.actors import SYSTEM
from web_world import KNOWN_URL, NDJSON, Client, Side, lines, picture, settle

ACCOUNT = "casimir.kingfisher.4711@mail.example"
OTHER = "+1 212 555 0142 wagtail"
ADDRESS = "203.0.113.77"
WORDS = "Marmalade hedgehog umbrella 90210 on the seventh bench"
ENVELOPE = b"sealed before it came: turnstone 5150"


def unkept(house: House) -> Side:
    """An organisation that keeps no content, which is how they start."""
    side = settle(house, "sorrel")
    house.members.change_organisation(side.organisation, SYSTEM, keep_content=None)
    return side


def send_everything(client: Client, side: Side) -> bytes:
    """Texts and a picture through the API, each with something listed, so that cases open."""
    said = f"{WORDS} {KNOWN_URL}"
    people = {"account": ACCOUNT}
    records = [
        {"kind": "message", "id": "1", "text": said, "surface": "public", "recipient": OTHER},
        {"kind": "advert", "id": "2", "text": said, "title": WORDS},
        {"kind": "payment", "id": "3", "amount": "1", "currency": "EUR", "memo": said,
         "counterparty": OTHER},
    ]  # fmt: skip
    headers = side.bearer | NDJSON | {"X-Forwarded-For": ADDRESS, "User-Agent": ACCOUNT}
    body = lines(*(record | people for record in records))
    answer = client.post("/v1/screen", headers=headers, content=body).json()
    assert all("case" in one["actions"] for one in answer["decisions"])
    content = picture(sum(side.name.split()[0].encode()))
    files = {
        "item": (None, json.dumps({"kind": "media", "id": "4"} | people)),
        "file": ("a.png", content, "image/png"),
        "identity": (None, ENVELOPE),
    }
    answer = client.post("/v1/screen", headers=side.bearer, files=files).json()
    assert answer["decisions"][0]["case"]
    return content
