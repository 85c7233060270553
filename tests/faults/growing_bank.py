"""A process that imports, withdraws and writes files of the bank until it is killed.

    python growing_bank.py HOME ORGANISATION LIST ACKNOWLEDGED

What was acknowledged is in the file, synced, before the next change is begun: lines of JSON with
the ids that were added or withdrawn. A withdrawal is announced before it is begun. Files are
written without a pause, so that a kill meets one being written.
"""

from __future__ import annotations

import os
import sys
import threading
from uuid import UUID

import msgspec
import numpy as np

from lapwing.app import House, open_house
from lapwing.bank.following import Follower
from lapwing.bank.keeping import Keeping
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import IndicatorKind, NewIndicator
from lapwing.settings import Settings

EAGER = Keeping(least=1, share=0.0, look_seconds=0.01, rest=0.0)
CHUNK = 5_000 if os.environ.get("LAPWING_TEST_SIZE") == "full" else 400
WIDTHS = {
    IndicatorKind.PDQ: 32,
    IndicatorKind.MD5: 16,
    IndicatorKind.SHA256: 32,
}


class Line(msgspec.Struct, omit_defaults=True):
    """`leaving`: a withdrawal was begun; `gone`: it was acknowledged."""

    added: list[int] = []
    leaving: list[int] = []
    gone: list[int] = []


def entries(chance: np.random.Generator) -> list[NewIndicator]:
    made = [
        NewIndicator(kind=kind, value=code.tobytes().hex())
        for kind, width in WIDTHS.items()
        for code in chance.integers(0, 256, (CHUNK // 3, width), dtype=np.uint8)
    ]
    links = chance.integers(0, 2**62, CHUNK // 10).tolist()
    return made + [
        NewIndicator(kind=IndicatorKind.URL, value=f"https://example.com/{link}") for link in links
    ]


def grow(house: House, organisation: UUID, listed: UUID, acknowledged: int) -> None:
    chance = np.random.default_rng()

    def say(line: Line) -> None:
        os.write(acknowledged, msgspec.json.encode(line) + b"\n")
        os.fsync(acknowledged)

    while True:
        added = house.bank.add(organisation, SYSTEM, listed, entries(chance)).ids
        say(Line(added=list(added)))
        leaving = chance.choice(added, len(added) // 3, replace=False).tolist()
        say(Line(leaving=leaving))
        gone = house.bank.withdraw(organisation, SYSTEM, listed, ids=leaving, why="test").ids
        say(Line(gone=list(gone)))


def main(home: str, organisation: str, listed: str, acknowledged: str) -> None:
    house = open_house(Settings.read({"LAPWING_HOME": home}))
    file = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    Follower(house.live, EAGER).start()
    for _ in range(2):
        threading.Thread(target=grow, args=(house, UUID(organisation), UUID(listed), file)).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
