"""The rules of "Do no harm" that this touches, each with what would break it.

Rules 2, 3 and 7; the numbers are those of the design. Rules 8 and 9: `test_do_no_harm_refusals.py`.
"""

from __future__ import annotations

import inspect
import io
import logging
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from litestar import Litestar
from PIL import Image
from sqlalchemy import text

from command_line import command_line, set_environment
from harm_world import ACCOUNT, ADDRESS, ENVELOPE, OTHER, WORDS, send_everything, unkept
from lapwing.app import House
from lapwing.decide.packs import load_pack
from lapwing.law.registry import Refused, countries, may_keep_content, rules
from lapwing.logs import set_up_logs
from lapwing.members.authority import key_actor
from lapwing.members.records import SignedIn
from lapwing.model.actors import SYSTEM
from lapwing.model.cases import Outcome
from lapwing.model.decisions import Action
from lapwing.model.errors import InvalidInput, NotAllowed
from lapwing.model.organisations import Member, OrganisationKind, Scope
from lapwing.store.clock import new_id
from lapwing.web.app import create_app
from lapwing.web.authority import Authority, declared, handlers_of
from remains import files_of, places_of, rows_of
from web_world import (
    KNOWN_URL,
    Client,
    Side,
    as_browser,
    opened_client,
    session_of,
    settle,
)


def test_rule_2_nothing_is_kept_of_texts_and_pictures_unless_keeping_is_on(
    own: House, tmp_path: Path
) -> None:
    side = unkept(own)
    with own.database.owner() as owner:
        kept_before = owner.execute(text("select count(*) from vault_objects")).scalar_one()
    earlier = {place for place, _ in files_of(tmp_path)}
    with opened_client(own) as client:
        content = send_everything(client, side)
    for needle in (WORDS.encode(), b"hedgehog", ENVELOPE, content[200:240], content[-60:-20]):
        assert places_of(needle, rows_of(own.database), files_of(tmp_path)) == set(), needle
    assert {place for place, _ in files_of(tmp_path)} == earlier
    with own.database.owner() as owner:
        kept = owner.execute(text("select count(*) from vault_objects")).scalar_one()
    assert kept == kept_before
    # The search finds what is there: hashes are kept, and where an item came from.
    assert places_of(KNOWN_URL.removeprefix("http://").encode(), rows_of(own.database))


def test_rule_2_what_is_kept_is_sealed(own: House, tmp_path: Path) -> None:
    side = settle(own, "sorrel")
    with opened_client(own) as client:
        content = send_everything(client, side)
    assert own.members.organisation(side.organisation).keep_content
    for needle in (WORDS.encode(), ENVELOPE, content[200:240]):
        assert places_of(needle, rows_of(own.database), files_of(tmp_path)) == set(), needle


def test_rule_2_keeping_is_off_until_a_row_read_in_the_primary_text_is_named(house: House) -> None:
    for kind in OrganisationKind:
        for country in (*countries(), "ZZ"):
            made = house.members.create_organisation(name=str(new_id()), kind=kind, country=country)
            assert (made.keep_content, made.scan_private) == (None, None)
            allowed = may_keep_content(kind, country)
            for row in rules():
                if not isinstance(allowed, Refused) and row.id == allowed.id:
                    assert row.certainty == "H"
                    continue
                with pytest.raises((NotAllowed, InvalidInput)):
                    house.members.change_organisation(made.id, SYSTEM, keep_content=row.id)


def test_account_ids_and_addresses_are_nowhere(
    own: House, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """In no table, file or log line: accounts are keyed on the way in, addresses never taken."""
    set_up_logs(logging.DEBUG)
    side = settle(own, "sorrel")
    with opened_client(own) as client:
        send_everything(client, side)
        broken = {"kind": "advert", "id": ACCOUNT, "account": ACCOUNT, "nonsense": OTHER}
        client.post("/v1/screen", headers=side.bearer, json=broken)
        client.get(f"/v1/cases/{ACCOUNT}?who={ADDRESS}", headers={"X-Forwarded-For": ADDRESS})
    said = capfd.readouterr()
    assert '"route"' in said.err
    for needle in (ACCOUNT, "casimir", OTHER, "wagtail", ADDRESS):
        places = places_of(needle.encode(), rows_of(own.database), files_of(tmp_path))
        assert places == set(), needle
        assert needle not in said.out + said.err


def test_rule_3_a_known_match_holds_and_asks_for_a_person_and_no_more(own: House) -> None:
    side = unkept(own)
    with opened_client(own) as client:
        send_everything(client, side)
    with own.database.owner() as owner:
        actions = set(owner.execute(text("select unnest(actions) from decisions")).scalars())
        verdicts = owner.execute(text("select count(*) from verdicts")).scalar_one()
        reports = owner.execute(text("select count(*) from reports")).scalar_one()
        outcomes = owner.execute(text("select count(outcome) from cases")).scalar_one()
    assert actions == {"hold", "review", "case"}
    assert (verdicts, reports, outcomes) == (0, 0, 0)


ACCUSING = ("report", "accuse", "verdict", "file", "ban", "notify", "share", "notice", "police")


@pytest.mark.parametrize("action", ACCUSING)
def test_rule_3_no_rule_can_report_or_accuse(action: str) -> None:
    pack = """
        id = "p"
        title = "t"
        source = "s"
        reviewed = 2026-01-01
        [[rules]]
        id = "r"
        when = "True"
        actions = ["ACTION"]
        why = "w"
        source = "s"
        reviewed = 2026-01-01
    """
    assert load_pack(pack.replace("ACTION", "hold"), "p.toml")
    with pytest.raises(InvalidInput, match="action"):
        load_pack(pack.replace("ACTION", action), "p.toml")
    assert not any(word in one for one in Action for word in ACCUSING)


@pytest.fixture(scope="module")
def app(house: House) -> Litestar:
    return create_app(house)


def judging(path: str, method: str) -> bool:
    words = (
        *ACCUSING,
        "claim",
        "release",
        "close",
        "note",
        "confirm",
        "refuse",
        "uncover",
        "clear",
    )
    last = {part for part in path.split("/") if part and not part.startswith("{")}
    return method == "POST" and bool(last & {*words, "reports", "confirmations"})


def test_rule_3_every_route_that_judges_reports_or_shares_needs_a_member(app: Litestar) -> None:
    found = {f"{m} {p}": declared(handler) for p, m, handler in handlers_of(app) if judging(p, m)}
    assert "POST /v1/cases/{case:str}/verdict" in found
    assert set(found.values()) == {Authority.MEMBER}


def test_rule_3_no_key_reaches_them_whatever_its_scopes(
    app: Litestar, client: Client, ours: Side, house: House
) -> None:
    assert not {part for scope in Scope for part in scope.split(".")} & set(ACCUSING)
    key = house.members.key(ours.secret)
    assert key is not None
    assert set(key.scopes) == set(Scope) - {Scope.HOSTED}, "which stands alone"
    for path, method, _ in handlers_of(app):
        if judging(path, method) and path.startswith("/v1/"):
            named = path.replace("{case:str}", str(ours.case))
            while "{" in named:
                start, _, rest = named.partition("{")
                named = start + str(new_id()) + rest.partition("}")[2]
            body = {"outcome": "confirmed", "reason": "because", "text": "x", "why": "x"}
            answer = client.request(method, named, headers=ours.bearer, json=body)
            assert answer.status_code == 403, (method, path, answer.text)
    with pytest.raises(NotAllowed):
        house.cases.verdict(
            ours.organisation,
            key_actor(key),  # type: ignore[arg-type]
            ours.case,
            Outcome.CONFIRMED,
            "a machine is sure",
        )
    assert house.cases.case(ours.organisation, ours.case).verdicts == ()


PERSONAL = {"verdict", "claim", "release", "note", "close", "uncover", "open", "file", "propose"}
PERSONAL |= {"confirm", "refuse"}


def test_rule_3_every_service_that_judges_asks_for_a_member_in_person() -> None:
    found = set()
    for name, kind in get_type_hints(House).items():
        if name in ("database", "blobs", "keyring") or not inspect.isclass(kind):
            continue
        for called, method in inspect.getmembers(kind, inspect.isfunction):
            if called in PERSONAL:
                people = {Member, SignedIn} & set(get_type_hints(method).values())
                assert people, f"{name}.{called}"
                found.add(f"{name}.{called}")
    assert {"cases.verdict", "vault.uncover"} <= found


def test_rule_3_the_command_line_judges_only_with_a_members_token(
    own: House,
    empty_database: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    side = unkept(own)
    set_environment(monkeypatch, tmp_path, empty_database)
    lapwing = command_line(capfd, monkeypatch)
    give = ("verdict", side.case, "--outcome", "confirmed", "--reason", "r", "--json")
    for token in ("", side.secret, "x" * 43):
        monkeypatch.setenv("LAPWING_MEMBER_TOKEN", token)
        answer = lapwing(*give)
        assert (answer.code, answer.json["error"]["code"]) == (1, "not_allowed")
    assert own.cases.case(side.organisation, side.case).verdicts == ()


def test_rule_7_a_picture_is_covered_until_a_member_uncovers_it_on_record(
    client: Client, house: House
) -> None:
    side = settle(house, "tansy")
    browser = as_browser(session_of(house, side.reviewer))
    page = client.get(f"/console/cases/{side.case}", headers=browser).text
    assert f"/console/objects/{side.kept}/cover" in page
    assert f"/console/objects/{side.kept}/clear" not in page
    shown = client.get(f"/console/objects/{side.kept}/cover", headers=browser)
    cover = np.asarray(Image.open(io.BytesIO(shown.content)).convert("RGB")).astype(int)
    assert np.ptp(cover, axis=2).max() <= 2, "a cover is grey"
    sharpest = np.abs(np.diff(cover[:, :, 0], axis=1)).max()
    assert sharpest < 64, "a cover is blurred"
    refused = client.get(f"/console/objects/{side.kept}/clear", headers=browser)
    assert refused.status_code == 403
    with house.database.organisation(side.organisation) as connection:
        with pytest.raises(NotAllowed):
            house.vault.open(connection, side.organisation, side.reviewer, side.kept)
        before = events(house, side)
    pressed = client.post(
        f"/console/cases/{side.case}/objects/{side.kept}/uncover",
        headers=browser,
        data={"csrf": "x"},
    )
    assert pressed.status_code in (200, 303)
    assert client.get(f"/console/objects/{side.kept}/clear", headers=browser).status_code == 200
    assert events(house, side)[len(before) :] == ["content.uncovered", "content.served"]
    other = as_browser(session_of(house, side.admin))
    assert client.get(f"/console/objects/{side.kept}/clear", headers=other).status_code == 403


def events(house: House, side: Side) -> list[str]:
    with house.database.organisation(side.organisation) as connection:
        return list(
            connection.execute(text("select kind from ledger_events order by position")).scalars()
        )
