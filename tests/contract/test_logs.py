"""No log says what people wrote, sent or are called: of Lapwing, its libraries or its database."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
from sqlalchemy import make_url

from lapwing.app import open_house
from lapwing.logs import KEYS, WITHHELD
from lapwing.model.actors import SYSTEM
from lapwing.model.organisations import OrganisationKind, Role
from lapwing.settings import Settings
from lapwing.store.embedded import EmbeddedPostgres
from web_world import EVERYTHING

EMAIL = "planted.person@mail.example"
ADDRESS = "203.0.113.77"
ACCOUNT = "planted-account-7731"
WORDS = "planted words about the weather"
NAME = "Planted Name"
HOST = "planted-host.example"
PLANTED = (EMAIL, ADDRESS, ACCOUNT, WORDS, NAME, HOST, "planted", "PLANTED")


@dataclass
class Served:
    home: Path
    address: str
    process: subprocess.Popen[bytes]
    errors: Path
    output: Path
    secrets: dict[str, str]

    def written(self) -> str:
        """Everything that may be called a log, of the server and of its database."""
        logs = EmbeddedPostgres(self.home).log_path.parent
        files = [self.errors, self.output, *logs.glob("*")]
        return "\n".join(file.read_text(errors="replace") for file in files)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    home = Path(tempfile.mkdtemp(prefix="lapwing-logs-"))
    home.chmod(0o711)
    settings = Settings.read({"LAPWING_HOME": str(home)})
    house = open_house(settings)
    mine = house.members.create_organisation(
        name=f"{NAME} Organisation", kind=OrganisationKind.PLATFORM, country="US"
    ).id
    member = house.members.add_member(mine, NAME, Role.ADMIN, SYSTEM)
    _, session = house.members.sign_in(house.members.sign_in_link(mine, member.id))
    secrets = {
        "session": session,
        "link": house.members.sign_in_link(mine, member.id),
        "key": house.members.create_key(mine, SYSTEM, f"{WORDS} key", EVERYTHING)[1],
    }
    house.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    errors, output = home / "errors", home / "output"
    clean = {name: value for name, value in os.environ.items() if "LAPWING" not in name}
    with errors.open("wb") as err, output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "lapwing", "serve", "--log"],
            env=clean | {"LAPWING_HOME": str(home), "LAPWING_PORT": str(port), "USER": NAME},
            stdout=out,
            stderr=err,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(900):
            with suppress(httpx.TransportError):
                if httpx.get(f"{address}/readyz").status_code == 200:
                    break
            assert process.poll() is None, errors.read_text()
            time.sleep(0.1)
        yield Served(home, address, process, errors, output, secrets)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait()
        EmbeddedPostgres(home).remove()
        shutil.rmtree(home)


def test_no_door_writes_a_personal_value_into_a_log(served: Served) -> None:
    key = {"Authorization": f"Bearer {served.secrets['key']}"}
    person = {"Authorization": f"Bearer {served.secrets['session']}"}
    answers = list(_through_every_door(served, key, person))
    assert {200, 201, 400, 401, 403, 404, 405, 409, 413, 415} <= set(answers), sorted(set(answers))
    _raw(served, f"GET /{EMAIL} HTTP/1.1\r\nHost: {HOST}\r\nX: {WORDS}\r\n\r\n")
    _raw(served, f"PLANTED /{EMAIL} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
    _raw(served, f"nonsense {EMAIL}\r\n\r\n")
    _ask_the_database_wrongly(served)
    _lose_the_database_while(served, key)
    written = served.written()
    assert written.count('"request"') >= len(answers)
    for secret in (*PLANTED, *served.secrets.values()):
        assert secret not in written, f"{secret!r}: {_around(written, secret)}"
    for line in served.errors.read_text().splitlines():
        assert set(json.loads(line)) <= KEYS.keys()


def _through_every_door(
    served: Served, key: dict[str, str], person: dict[str, str]
) -> Iterator[int]:
    """Good and bad requests to each door, each with something planted; yields their answers."""
    spoken = {"User-Agent": WORDS, "X-Forwarded-For": ADDRESS, "Referer": f"https://{HOST}/{EMAIL}"}
    with httpx.Client(base_url=served.address, headers=spoken, timeout=30) as client:
        item = {"kind": "message", "id": ACCOUNT, "account": ACCOUNT, "text": f"{WORDS} {EMAIL}"}
        advert = item | {"kind": "advert"}
        wrong = [
            advert,
            advert,
            item,
            advert | {"id": EMAIL, EMAIL: WORDS},
            advert | {"id": "n", "at": EMAIL},
            advert | {"id": "z", "text": f"{WORDS}\u0000{EMAIL}"},
            advert | {"id": "y", "account": f"{ACCOUNT}\ud800"},
            {"kind": "media", "id": "m", "url": f"http://{HOST}/{EMAIL}?{WORDS}"},
            {"kind": "url", "id": "u", "url": f"http://{EMAIL}:{WORDS}@{HOST}/{ADDRESS}"},
            {"kind": EMAIL, "id": "k"},
        ]
        for record in wrong:
            body = json.dumps(record).encode()
            for mime in ("application/json", "application/x-ndjson", "text/plain"):
                yield client.post(
                    f"/v1/screen?source={ACCOUNT}&platform={HOST}",
                    content=body,
                    headers=key | {"Content-Type": mime},
                ).status_code
        for body in (f'{{"{EMAIL}": ', WORDS, f'["{EMAIL}"]', f'{{"kind": "{EMAIL}", "id": 1}}'):
            yield client.post(
                "/v1/screen",
                content=body.encode(),
                headers=key | {"Content-Type": "application/json"},
            ).status_code
        files = {
            "item": (None, json.dumps({"kind": "media", "id": EMAIL}), "application/json"),
            "file": (f"{EMAIL}.png", WORDS.encode(), "image/png"),
            "identity": (None, f"{NAME} {EMAIL} {ADDRESS}", "text/plain"),
        }
        yield client.post("/v1/screen", files=files, headers=key).status_code
        new = {"kind": "block", "source": WORDS, "basis": EMAIL, "category": NAME}
        for name in (WORDS, WORDS, "", EMAIL * 100):
            yield client.post("/v1/lists", json=new | {"name": name}, headers=key).status_code
        made = client.get("/v1/lists", headers=key).json()["lists"][0]["id"]
        for kind, value in (("url", f"http://{HOST}/{EMAIL}"), ("sha256", EMAIL), (EMAIL, WORDS)):
            entry = {"kind": kind, "value": value}
            where = f"/v1/lists/{made}"
            yield client.post(
                f"{where}/indicators", json={"indicators": [entry]}, headers=key
            ).status_code
            yield client.post(
                f"{where}/withdraw", json={"why": WORDS, "values": [value]}, headers=key
            ).status_code
        for path in (f"/v1/cases/{ACCOUNT}", f"/{EMAIL}", f"/v1/cases?state={EMAIL}"):
            yield client.get(path, headers=key).status_code
            yield client.get(path, headers=person).status_code
            yield client.delete(path, headers=key).status_code
        for step in ("note", "verdict", "claim"):
            yield client.post(
                f"/v1/cases/{ACCOUNT}/{step}",
                json={"text": WORDS, "outcome": EMAIL, "reason": WORDS},
                headers=person,
            ).status_code
        yield client.post(
            "/v1/keys", json={"name": f"{WORDS} {EMAIL}", "scopes": [EMAIL]}, headers=person
        ).status_code
        for token in (EMAIL, f"planted{served.secrets['link']}"):
            yield client.get(f"/console/sign-in/{token}").status_code
            yield client.post("/console/sign-in", data={"token": token}).status_code
            yield client.get("/v1/cases", headers={"Authorization": f"Bearer {token}"}).status_code
            yield client.get("/console", cookies={"lapwing": token}).status_code
        yield client.post("/v1/match", json={"hashes": [EMAIL], WORDS: 1}, headers=key).status_code
        yield client.post("/v1/lists", content=EMAIL.encode() * (1 << 20), headers=key).status_code


def _ask_the_database_wrongly(served: Served) -> None:
    """With errors that quote values, and with one that ends the session."""
    url = make_url(EmbeddedPostgres(served.home).start()).set(drivername="postgresql")
    plain = url.render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True, application_name="planted") as connection:
        for wrong in ("select %s::uuid", "select %s::int", "select 1/0 where %s <> ''"):
            with suppress(psycopg.Error):
                connection.execute(wrong, (EMAIL,))
        with suppress(psycopg.Error):
            connection.execute(f"insert into {'planted'} values ('{EMAIL}')")
        with suppress(psycopg.Error):
            connection.execute("select pg_terminate_backend(pg_backend_pid())")


def _raw(served: Served, text: str) -> None:
    host, _, port = served.address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(text.encode())
        with suppress(TimeoutError, ConnectionError):
            line.recv(1000)


def _lose_the_database_while(served: Served, key: dict[str, str]) -> None:
    """Kill the database under requests with planted values; it comes back by itself."""
    data = EmbeddedPostgres(served.home).data
    postmaster = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
    victims = [postmaster, *postmaster.children(recursive=True)]
    answers = set()
    with httpx.Client(base_url=served.address, headers=key, timeout=60) as client:
        for number in range(30):
            if number == 5:
                for victim in victims:
                    with suppress(psutil.NoSuchProcess):
                        victim.kill()
            record = {"kind": "advert", "id": f"{EMAIL}{number}", "text": WORDS}
            answers.add(client.post("/v1/screen", json=record).status_code)
            time.sleep(0.05)
        for _ in range(600):
            if client.get("/readyz").status_code == 200:
                break
            time.sleep(0.1)
        else:
            pytest.fail("the database did not come back")
    assert {200, 503} <= answers <= {200, 503}


def _around(written: str, secret: str) -> str:
    place = written.index(secret)
    return written[max(0, place - 300) : place + 100]


LIBRARIES = """
import asyncio, logging, sys, threading, warnings
import psycopg
from lapwing.logs import log, set_up_logs

set_up_logs()
planted = "planted.person@mail.example"
for name in ("sqlalchemy.engine", "pgqueuer", "httpx", "granian", "_granian", "lapwing.detect"):
    logger = logging.getLogger(name)
    logger.error("insert into t values (%s)", planted)
    logger.warning(f"for {planted}")
    try:
        raise psycopg.errors.UniqueViolation(f"DETAIL: Key (email)=({planted}) already exists.")
    except psycopg.Error as error:
        logger.exception(planted)
logging.getLogger(planted).error("x")
warnings.warn(planted)
log.info("request", email=planted, route=planted, status=planted, where=[planted])
log.error(planted, error=planted, method=planted, organisation=planted)
thread = threading.Thread(target=lambda: int(planted))
thread.start(); thread.join()

async def lost():
    task = asyncio.create_task(crash())
    await asyncio.sleep(0.01)
async def crash():
    raise ValueError(planted)
asyncio.run(lost())

class Dropped:
    def __del__(self):
        raise ValueError(planted)
Dropped()
{}[planted]
"""


def test_what_libraries_threads_and_crashes_say_is_told_without_their_words() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIBRARIES], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "planted" not in done.stdout + done.stderr, _around(done.stderr, "planted")
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    crashed = lines[-1]
    assert (crashed["event"], crashed["error"]) == ("process.crashed", "KeyError")
    refused = [line for line in lines if line.get("sqlstate") == "23505"]
    assert {line["logger"] for line in refused} >= {"sqlalchemy.engine", "pgqueuer", "httpx"}
    assert all(line["where"] for line in refused)
    assert {line["error"] for line in lines if "error" in line} >= {"ValueError", "KeyError"}
    withheld = next(line for line in lines if line["event"] == WITHHELD)
    assert withheld["method"] == withheld["error"] == withheld["organisation"] == WITHHELD


def test_the_table_of_keys_is_the_list() -> None:
    text = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    table = text.partition("| key |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE))
    assert rows == {name: key.meaning for name, key in KEYS.items()}
