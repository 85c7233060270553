"""Another process of the node: it follows the bank and says when it sees what it is asked for.

    python watching.py DATABASE_URL FOLDER ORGANISATION

Reads lines `add CODE` or `gone CODE`, searches `recent` until the code is found or no longer found,
and answers with the monotonic time (shared by the processes of a machine) and the generation.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic, sleep
from uuid import UUID

import numpy as np

from lapwing.bank import following
from lapwing.bank.following import Follower
from lapwing.bank.generations import Generations
from lapwing.bank.live import LiveBank
from lapwing.store.clock import utc_now
from lapwing.store.database import Database

PATIENCE = 20.0


def main(url: str, folder: str, organisation: str) -> None:
    # Looking alone would find a change half a second late, so what comes sooner was heard.
    following.LOOK_SECONDS = 0.9
    database = Database(url)
    live = LiveBank(database, Generations(Path(folder), "test"))
    follower = Follower(live)
    follower.start()
    live.snapshot()
    print("ready", live.held.base_generation, flush=True)
    for line in sys.stdin:
        wanted, code = line.split()
        query = np.frombuffer(bytes.fromhex(code), np.uint8).reshape(1, 32)
        until = monotonic() + PATIENCE
        while True:
            snapshot = live.recent()
            found = bool(snapshot.view(UUID(organisation), utc_now()).near(query))
            if found is (wanted == "add") or monotonic() > until:
                break
            sleep(0.002)
        print(monotonic(), snapshot.generation, flush=True)
    follower.stop()
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
