"""Lists, entries, opinions and quarantine in the console: looked at, and worked by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser

from browser.furnished import Furnished, furnish
from browser.served import Served
from browser.test_pages import _STRUCTURE, SIZES, check_structure, open_all, window
from browser.visit import Visit, visiting
from lapwing.bank import hosted_rows
from lapwing.bank.changes import NewList
from lapwing.bank.opinion_records import Says
from lapwing.model.actors import SYSTEM
from lapwing.model.indicators import IndicatorKind, ListKind, NewIndicator
from lapwing.model.organisations import Member, Role, Scope
from lapwing.store.clock import new_id

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Doubted:
    """An entry that somebody disputes, one on an allow list, and a hosted caller that probed."""

    of: Furnished
    admin: Member
    known: str
    disputed: int
    allowed: int

    def addresses(self) -> dict[str, str]:
        return {
            "lists": "/console/lists",
            "list": f"/console/lists/{self.known}",
            "entry": f"/console/indicators/{self.disputed}",
            "allowed": f"/console/indicators/{self.allowed}",
            "quarantine": "/console/quarantine",
            "queue": "/console/cases",
        }


@pytest.fixture
def doubted(served: Served) -> Doubted:
    ours = furnish(served.house)
    house, mine = ours.house, ours.organisation
    (known,) = house.bank.lists(mine)
    admin = house.members.add_member(mine, "Ada Avocet", Role.ADMIN, SYSTEM)
    disputed = house.bank.indicators(mine, known.id)[0].id
    house.opinions.give(mine, ours.reviewer, disputed, Says.INVESTIGATE, "who took it?")
    house.opinions.give(mine, admin, disputed, Says.FALSE, "a view of a temple, nobody in it")
    new = NewList(name="Allowed", kind=ListKind.ALLOW, source="us", basis="b", category="harmless")
    allow = house.bank.create_list(mine, SYSTEM, new)
    entry = NewIndicator(kind=IndicatorKind.SHA256, value="ab" * 32)
    allowed = house.bank.add(mine, SYSTEM, allow.id, [entry]).ids[0]
    key, _ = house.members.create_key(mine, SYSTEM, "small platform", [Scope.HOSTED], [known.id])
    with house.database.organisation(mine) as connection:
        at = house.clock()
        hosted_rows.find(connection, mine, new_id(), key.id, "straddling", 12, at)
    return Doubted(ours, admin, str(known.id), disputed, allowed)


@pytest.fixture(params=SIZES)
def visit(request: pytest.FixtureRequest, chromium: Browser, doubted: Doubted) -> Iterator[Visit]:
    size = SIZES[request.param]
    with visiting(chromium, served_address(request), **window(size)) as opened:
        opened.go(doubted.of.link(doubted.admin))
        opened.press("Sign in")
        opened.page.wait_for_url("**/console/cases")
        yield opened


def served_address(request: pytest.FixtureRequest) -> str:
    served: Served = request.getfixturevalue("served")
    return served.address


def test_the_pages_fit_and_are_built_for_everyone(
    request: pytest.FixtureRequest, visit: Visit, doubted: Doubted
) -> None:
    size = request.node.callspec.params["visit"]
    for name, path in doubted.addresses().items():
        visit.go(path)
        open_all(visit)
        visit.check_fits()
        check_structure(visit.page.evaluate(_STRUCTURE), (1, 1, 1, 1))
        visit.shoot(f"lists-{size}-{name}")


def test_a_list_is_changed_by_keyboard(visit: Visit, doubted: Doubted) -> None:
    visit.go(f"/console/lists/{doubted.known}")
    visit.tab_to("summary")
    visit.page.keyboard.press("Enter")
    visit.tab_to("input[name=action]")
    visit.page.keyboard.press("ArrowDown")
    visit.tab_to("input[name=why]")
    visit.page.keyboard.type("the board decided")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("The list is changed.").wait_for()
    house, mine = doubted.of.house, doubted.of.organisation
    assert house.bank.list_named(mine, doubted.known).action.value == "remove"
    assert house.bank.list_named(mine, doubted.known).valid_until is None


def test_a_day_until_which_a_list_is_valid_is_kept_whole(visit: Visit, doubted: Doubted) -> None:
    visit.go(f"/console/lists/{doubted.known}")
    open_all(visit)
    visit.page.get_by_label("Valid until the end of").fill("2031-05-04")
    visit.page.get_by_label("Why").fill("the contract ends")
    visit.press("Change the list")
    visit.page.get_by_text("until 5 May 2031, 00:00 UTC").first.wait_for()
    open_all(visit)
    assert visit.page.get_by_label("Valid until the end of").input_value() == "2031-05-04"


def test_an_opinion_and_a_decision_by_keyboard(visit: Visit, doubted: Doubted) -> None:
    house, mine = doubted.of.house, doubted.of.organisation
    visit.go("/console/cases")
    visit.tab_to("a[href='/console/quarantine']")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/console/quarantine")
    visit.tab_to("summary")
    visit.page.keyboard.press("Enter")
    visit.tab_to("input[name=why]")
    visit.page.keyboard.type("it is what it says")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("It is released").wait_for()
    assert house.quarantine.acting(mine) == []
    visit.go(f"/console/indicators/{doubted.disputed}")
    visit.tab_to("input[name=says]")
    visit.page.keyboard.press("Space")
    visit.tab_to("#why")
    visit.page.keyboard.type("I know the photographer")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("Your opinion is kept").wait_for()
    assert house.opinions.of(mine, doubted.disputed)[-1].says is Says.TRUE


def test_an_override_is_proposed_and_a_probing_caller_noted(visit: Visit, doubted: Doubted) -> None:
    visit.go(f"/console/indicators/{doubted.allowed}")
    open_all(visit)
    visit.page.get_by_label("Basis").fill("our own logo")
    visit.page.get_by_label("Category").fill("harmless")
    visit.press("Propose")
    visit.page.get_by_text("Another member confirms it").wait_for()
    visit.go("/console/lists")
    visit.page.get_by_role("link", name="questions looked like probing").click()
    visit.page.wait_for_url("**/console/quarantine#hosted")
    open_all(visit)
    visit.page.get_by_label("What you found").fill("they tested their client")
    visit.press("Note it")
    visit.page.get_by_text("It is noted").wait_for()
    assert doubted.of.house.hosted.findings(doubted.of.organisation, unseen=True) == []
