"""The walk of a reviewer: link, queue, case, uncover, verdict, out. In several ways of walking."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from browser.furnished import Furnished, furnish
from browser.served import Served
from browser.visit import DESKTOP, PHONE, Visit, visiting
from lapwing.model.cases import CaseState, Outcome

pytestmark = pytest.mark.browser

WAYS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": DESKTOP},
    "phone": {"viewport": PHONE, "has_touch": True, "is_mobile": True, "color_scheme": "dark"},
    "without-javascript": {"viewport": DESKTOP, "java_script_enabled": False},
}
REASON = "A photograph of a temple; the list is wrong."


@pytest.mark.parametrize("way", WAYS)
def test_a_reviewer_walks_from_the_link_to_the_verdict(
    chromium: Browser, served: Served, way: str
) -> None:
    ours = furnish(served.house)
    number = ours.pictures.number
    with visiting(chromium, served.address, **WAYS[way]) as visit:
        page = visit.page
        visit.go(ours.link())
        look(visit, f"{way}-sign-in")
        visit.press("Sign in")
        page.wait_for_url("**/console/cases")
        look(visit, f"{way}-queue")
        page.get_by_role("link", name=f"Case {number}").click()
        page.wait_for_url(f"**/console/cases/{number}")
        look(visit, f"{way}-case-covered")
        assert page.locator("img.cover").count() == 3
        assert page.locator("img.clear").count() == 0

        visit.press("Uncover")
        clear = page.locator("img.clear")
        clear.wait_for()
        look(visit, f"{way}-case-uncovered")
        assert clear.count() == 1
        assert page.locator("img.cover").count() == 2

        page.get_by_label("Harmless").check()
        page.get_by_label("Reason").fill(REASON)
        visit.press("Give the verdict")
        page.get_by_role("status").wait_for()
        look(visit, f"{way}-case-decided")
        assert page.locator(".mark.decided").inner_text() == "decided"
        assert page.locator("img.clear").count() == 0
        verdicts = page.get_by_role("region", name="Verdicts").inner_text()
        assert "Harmless by Kim Kestrel" in verdicts
        assert REASON in verdicts
        timeline = page.get_by_role("region", name="Timeline").inner_text()
        assert f"A verdict was given: harmless: {REASON} Kim Kestrel" in timeline
    check_recorded(ours)


def test_a_reviewer_walks_by_keyboard_alone(chromium: Browser, served: Served) -> None:
    ours = furnish(served.house)
    with visiting(chromium, served.address) as visit:
        page, keys = visit.page, visit.page.keyboard
        visit.go(ours.link())
        visit.tab_to("button")
        keys.press("Enter")
        page.wait_for_url("**/console/cases")
        visit.tab_to("a.skip", most=1)
        keys.press("Enter")
        visit.tab_to(f"#case-{ours.pictures.number}")
        visit.shoot("keyboard-queue")
        keys.press("Enter")
        page.wait_for_url(f"**/console/cases/{ours.pictures.number}")
        visit.tab_to(".item .content button")
        keys.press("Space")
        page.locator("img.clear").wait_for()
        visit.tab_to("input[type=radio]")
        keys.press("Space")
        keys.press("ArrowDown")
        assert page.get_by_label("Harmless").is_checked()
        visit.tab_to("#reason")
        keys.type(REASON)
        visit.tab_to("form[action$=verdict] button")
        visit.shoot("keyboard-verdict")
        keys.press("Enter")
        page.get_by_role("status").wait_for()
        visit.tab_to(".who button")
        keys.press("Enter")
        page.wait_for_url("**/console/sign-in")
    check_recorded(ours)


def test_a_printed_link_works_once_and_signing_out_ends_the_session(
    chromium: Browser, served: Served
) -> None:
    path = urlsplit(served.link).path
    with visiting(chromium, served.address) as visit:
        visit.go(path)
        visit.go(path)  # looking at it does not use it up
        visit.press("Sign in")
        visit.page.wait_for_url("**/console/cases")
        assert "Kim Kestrel" in visit.page.inner_text("header")
        (cookie,) = visit.page.context.cookies()
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"

        visit.press("Sign out")
        visit.page.wait_for_url("**/console/sign-in")
        assert visit.page.context.cookies() == []
        stolen = {"Cookie": f"{cookie['name']}={cookie['value']}"}
        answer = visit.fetch("/console/cases", headers=stolen)
        assert answer.status == 303, "the session lives on"
        assert answer.headers["location"] == "/console/sign-in"

        visit.expected.add(403)
        visit.go(path)
        visit.press("Sign in")
        visit.page.get_by_text("used up").wait_for()
        visit.shoot("link-used-up")


def look(visit: Visit, name: str) -> None:
    visit.check_fits()
    visit.shoot(name)


def check_recorded(ours: Furnished) -> None:
    """The verdict stands, and the ledger holds every step of the way to it."""
    detail = ours.house.cases.case(ours.organisation, ours.pictures.id)
    assert detail.summary.state is CaseState.DECIDED
    (verdict,) = detail.verdicts
    assert (verdict.outcome, verdict.member, verdict.reason) == (
        Outcome.HARMLESS,
        ours.reviewer.id,
        REASON,
    )
    steps = [entry.event for entry in detail.timeline if entry.actor == ours.reviewer.name]
    assert steps == ["content.uncovered", "content.served", "case.claimed", "case.verdict"]
    with ours.house.database.organisation(ours.organisation) as connection:
        ours.house.ledger.verify(connection, ours.organisation)
