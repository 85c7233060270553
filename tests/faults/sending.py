"""A process that screens batch after batch until it is killed; run by test_kill.py.

    python sending.py HOME ORGANISATION ACKNOWLEDGED FIRST_BATCH

Two threads send, so that a kill meets batches in different stages. A batch counts as acknowledged
once the line with its decisions is in the file and synced; another line says that it was begun.
"""

from __future__ import annotations

import io
import itertools
import os
import sys
import threading
from pathlib import Path
from uuid import UUID

import msgspec
import numpy as np
from PIL import Image

from lapwing.app import House, open_house
from lapwing.model.actors import SYSTEM
from lapwing.model.items import Media, Message, PictureHashes
from lapwing.model.submissions import Submission
from lapwing.settings import Settings
from lapwing.store.clock import new_id, utc_now

BATCH = 100
SENDERS = 2
KNOWN_PDQ = "c3d2" * 16


def settings(home: Path) -> Settings:
    return Settings.read({"LAPWING_HOME": str(home)})


def stripes(number: int) -> bytes:
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:: 2 + number % 7] = (10, 200, number % 256)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def batch(organisation: UUID, number: int) -> list[Submission]:
    """The same hundred items for the same number, whoever makes them; a tenth needs a case."""
    return [_submission(organisation, number, place) for place in range(BATCH)]


def _submission(organisation: UUID, number: int, place: int) -> Submission:
    shared = {
        "id": new_id(),
        "organisation": organisation,
        "source": "kill",
        "source_id": f"{number}-{place}",
        "at": utc_now(),
        "account": f"1:{(number + place) % 23:032x}",
    }
    if place % 10:
        return Submission(item=Message(**shared, text=f"good morning {place}"))
    item = Media(**shared, hashes=PictureHashes(pdq=KNOWN_PDQ, quality=100))
    content = stripes(number) if place % 20 == 0 else None
    return Submission(item=item, content=content, mime="image/png")


def send(house: House, organisation: UUID, acknowledged: int, first: int) -> None:
    for number in itertools.count(first, SENDERS):
        os.write(acknowledged, msgspec.json.encode({"begun": number}) + b"\n")
        screened = house.screening.screen(organisation, SYSTEM, batch(organisation, number))
        decisions = {one.source_id: one.id for one in screened.decisions}
        line = msgspec.json.encode({"batch": number, "decisions": decisions}) + b"\n"
        os.write(acknowledged, line)
        os.fsync(acknowledged)


def main(home: str, organisation: str, acknowledged: str, first: str) -> None:
    house = open_house(settings(Path(home)))
    file = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for sender in range(SENDERS):
        threading.Thread(
            target=send, args=(house, UUID(organisation), file, int(first) + sender)
        ).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
