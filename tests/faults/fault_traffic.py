"""Those who use a running Lapwing while it is disturbed: platforms, reviewers, list keepers.

Each acts over HTTP, notes what it was promised (synced to disk before it goes on), and asks again
when it got no answer, as a careful client does.
"""

from __future__ import annotations

import io
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
from PIL import Image, ImageDraw

SOURCE = "faults"
BATCH = 40
KNOWN_PDQ = "c3d2" * 16
PICTURES = 5
PATIENCE = 5.0
"""Seconds that a client waits for an answer."""


class Journal:
    """What was acknowledged, in memory and on disk."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self.decisions: dict[str, str] = {}
        self.verdicts: dict[str, str] = {}
        self.reasons: set[str] = set()
        self.added: dict[str, int] = {}
        self.withdrawn: set[int] = set()
        self.jobs: set[int] = set()
        self.wrong: list[str] = []
        self.answers: Counter[str] = Counter()

    def note(self, **what: Any) -> None:
        """Write it down durably; only then does it count as promised."""
        with self._lock:
            os.write(self._file, msgspec.json.encode(what) + b"\n")
            os.fsync(self._file)
            for name, value in what.items():
                getattr(self, name).update(value)

    def count(self, answer: str) -> None:
        with self._lock:
            self.answers[answer] += 1

    def complain(self, what: str) -> None:
        with self._lock:
            self.wrong.append(what)

    def close(self) -> None:
        os.close(self._file)


class Client(threading.Thread):
    """Does `step` again and again until told to rest or to end."""

    def __init__(self, name: str, address: str, token: str, journal: Journal, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.journal = journal
        self.chance = random.Random(f"{seed} {name}")  # noqa: S311
        self.done = 0
        self.tries = 0
        """How often the last question was sent until it was answered."""
        self.resting = threading.Event()
        self._address = address
        self._token = token
        self._go = threading.Event()
        self._go.set()
        self._ended = False
        self._http = self._fresh()

    def step(self) -> None:
        raise NotImplementedError

    def run(self) -> None:
        while not self._ended:
            if not self._go.is_set():
                self.resting.set()
                self._go.wait()
                self.resting.clear()
                continue
            try:
                self.step()
                self.done += 1
            except Exception as error:  # noqa: BLE001 - the harness has to hear of it
                self.journal.complain(f"{self.name} broke down: {error!r}")
                return
        self._http.close()

    def rest(self) -> None:
        """Finish the step under way and wait."""
        self._go.clear()

    def go(self) -> None:
        self._go.set()

    def end(self) -> None:
        self._ended = True
        self._go.set()
        self.join(60)

    def ask(
        self, method: str, path: str, *, again: bool = True, **body: Any
    ) -> httpx.Response | None:
        """Send until there is an answer; with `again` false once, and None without an answer.

        503 is Lapwing saying that it cannot just now. Any other 5xx is noted as wrong.
        """
        self.tries = 0
        while True:
            self.tries += 1
            try:
                answer = self._http.request(method, path, **body)
            except httpx.TransportError as error:
                self.journal.count(type(error).__name__)
                self._http.close()
                self._http = self._fresh()
            else:
                self.journal.count(str(answer.status_code))
                if answer.status_code < 500:
                    return answer
                if answer.status_code != 503:
                    self.journal.complain(f"{method} {path}: {answer.status_code} {answer.text}")
            if not again:
                return None
            time.sleep(0.1)

    def _fresh(self) -> httpx.Client:
        return httpx.Client(
            base_url=self._address,
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=PATIENCE,
        )


class Platform(Client):
    """Sends batches and pictures, and now and then something that was answered before."""

    number = 0

    def step(self) -> None:
        if self.chance.random() < 0.1 and self.number:
            self._send(self.chance.randrange(self.number))
        else:
            self.number += 1
            self._send(self.number - 1)
        time.sleep(0.02)

    def _send(self, number: int) -> None:
        name = f"{self.name}-{number}"
        path = f"/v1/screen?source={SOURCE}"
        if number % 4 == 3:
            item = msgspec.json.encode(
                {"kind": "media", "id": name, "account": f"user-{number % 13}"}
            )
            picture = drawn(number % PICTURES)
            files = {
                "item": (None, item, "application/json"),
                "file": ("picture.png", picture, "image/png"),
                "identity": (None, b"a name", "application/octet-stream"),
            }
            answer = self.ask("POST", path, files=files)
        else:
            records = [_record(name, number, place) for place in range(BATCH)]
            body = b"".join(msgspec.json.encode(record) + b"\n" for record in records)
            kind = {"Content-Type": "application/x-ndjson"}
            answer = self.ask("POST", path, content=body, headers=kind)
        assert answer is not None
        if answer.status_code != 200 or answer.json()["refused"]:
            self.journal.complain(f"{name}: {answer.status_code} {answer.text[:500]}")
            return
        decisions = {one["source_id"]: one["id"] for one in answer.json()["decisions"]}
        before = self.journal.decisions
        changed = [key for key, id in decisions.items() if before.get(key, id) != id]
        if changed:
            self.journal.complain(f"decided anew: {changed}")
        if name not in before and f"{name}-0" not in before:
            self.journal.note(decisions=decisions)


class Reviewer(Client):
    """Gives verdicts, each with a reason of its own, and never the same one twice."""

    def step(self) -> None:
        answer = self.ask("GET", "/v1/cases?limit=20")
        assert answer is not None
        waiting = answer.json()["cases"]
        if waiting:
            case = self.chance.choice(waiting)["id"]
            reason = f"attempt {uuid4()}"
            outcome = self.chance.choice(["harmless", "unsure", "confirmed"])
            self.journal.reasons.add(reason)
            given = self.ask(
                "POST",
                f"/v1/cases/{case}/verdict",
                again=False,
                json={"outcome": outcome, "reason": reason},
            )
            if given is not None and given.status_code == 200:
                self.journal.note(verdicts={given.json()["id"]: reason})
            elif given is not None and given.status_code != 409:
                self.journal.complain(f"verdict: {given.status_code} {given.text[:500]}")
        time.sleep(0.1)


class ListKeeper(Client):
    """Lists a hash, sees that it counts, withdraws it and sees that it counts no more.

    Where it had to ask twice to list it, the first question may still be on its way (in a frozen
    server, say), and list it again after the withdrawal: that is another entry, with its own event.
    """

    list_id: UUID

    def step(self) -> None:
        value = self.chance.randbytes(32).hex()
        entry = {"kind": "sha256", "value": value}
        where = f"/v1/lists/{self.list_id}"
        added = self.ask("POST", f"{where}/indicators", json={"indicators": [entry]})
        assert added is not None
        late = self.tries > 1
        if added.status_code != 201:
            self.journal.complain(f"adding: {added.status_code} {added.text[:500]}")
            return
        ids = added.json()["ids"]
        if ids:
            self.journal.note(added={value: ids[0]})
        self._expect(value, "before", known=True)
        gone = self.ask(
            "POST", f"{where}/withdraw", json={"why": "a test is over", "values": [entry]}
        )
        assert gone is not None
        if gone.status_code != 200:
            self.journal.complain(f"withdrawing: {gone.status_code} {gone.text[:500]}")
            return
        self.journal.note(withdrawn=gone.json()["ids"])
        self._expect(value, "after", known=False, late=late)
        time.sleep(0.05)

    def _expect(self, value: str, when: str, *, known: bool, late: bool = False) -> None:
        name = f"{self.name}-{value[:16]}-{when}"
        record = {"kind": "media", "id": name, "account": f"keeper-{value[:4]}", "sha256": value}
        answer = self.ask("POST", f"/v1/screen?source={SOURCE}", json=record)
        assert answer is not None
        (decision,) = answer.json()["decisions"]
        self.journal.note(decisions={name: decision["id"]})
        if ("hold" in decision["actions"]) is known:
            return
        if late:
            self.journal.count("listed again by a late question")
        else:
            self.journal.complain(f"{value} {when} its withdrawal: {decision['actions']}")


class Employer(Client):
    """Queues jobs, by a call that the test hands over; it returns the job's id once committed."""

    queue: Callable[[], int | None]

    def step(self) -> None:
        job = self.queue()
        if job is not None:
            self.journal.note(jobs=[job])
        time.sleep(0.3)


def drawn(number: int) -> bytes:
    """A benign drawing, another one for each number."""
    image = Image.new("RGB", (128, 128), "white")
    draw = ImageDraw.Draw(image)
    for step in range(8):
        corner = (step * 31 + number * 17) % 100
        draw.ellipse((corner, step * 14, corner + 40, step * 14 + 30), fill=(step * 30, 90, 160))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _record(name: str, number: int, place: int) -> dict[str, Any]:
    shared = {"id": f"{name}-{place}", "account": f"user-{(number + place) % 23}"}
    if place % 10 == 0:
        return shared | {"kind": "media", "pdq": KNOWN_PDQ, "quality": 100}
    return shared | {"kind": "url", "url": f"https://example.org/{number}/{place}"}
