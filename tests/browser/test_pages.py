"""Every page of the console: built for screen readers, fits a phone, asks nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize

from browser.furnished import furnish
from browser.served import Served
from browser.visit import DESKTOP, PHONE, Visit, visiting
from lapwing.model.actors import SYSTEM
from lapwing.model.cases import Outcome
from lapwing.web.console.static import has_htmx
from lapwing.web.frame import PAGE_POLICY

pytestmark = pytest.mark.browser

SIZES = {"desktop": DESKTOP, "phone": PHONE}
PAGES = {
    "queue": "/console/cases",
    "queue-empty": "/console/cases?state=closed",
    "pictures": "/console/cases/{0.pictures.number}",
    "adverts": "/console/cases/{0.adverts.number}",
    "lists": "/console/lists",
    "ledger": "/console/ledger",
    "confirmations": "/console/confirmations",
    "account": "/console/account",
    "step-up": "/console/step-up",
}

_STRUCTURE = """() => ({
  lang: document.documentElement.lang,
  title: document.title,
  headings: [...document.querySelectorAll('h1, h2, h3, h4')].map(one => Number(one.tagName[1])),
  landmarks: ['header', 'nav', 'main', 'footer'].map(
    name => document.querySelectorAll(`body > ${name}, body > header > ${name}`).length),
  unlabelled: [...document.querySelectorAll('input:not([type=hidden]), textarea, select')]
    .filter(one => !one.labels.length && !one.ariaLabel).map(one => one.outerHTML),
  nameless: [...document.querySelectorAll('a[href], button, summary')]
    .filter(one => !one.innerText.trim() && one.checkVisibility()).map(one => one.outerHTML),
  pictures: [...document.images].filter(one => !one.alt).map(one => one.outerHTML),
  twice: [...document.querySelectorAll('[id]')].map(one => one.id)
    .filter((id, place, all) => all.indexOf(id) !== place),
  dangling: [...document.querySelectorAll('[aria-labelledby], [aria-describedby]')]
    .map(one => one.getAttribute('aria-labelledby') ?? one.getAttribute('aria-describedby'))
    .filter(id => !document.getElementById(id)),
  inline: document.querySelectorAll('[style], style, script:not([src]), [onclick]').length,
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_fit_and_are_built_for_everyone(
    chromium: Browser, served: Served, size: str, scheme: str
) -> None:
    with visiting(chromium, served.address, **window(SIZES[size]), color_scheme=scheme) as visit:
        sign_in(visit, served)
        for name, path in PAGES.items():
            visit.go(path.format(served.first))
            visit.shoot(f"{size}-{scheme}-{name}")
            open_all(visit)
            visit.check_fits()
            check_structure(visit.page.evaluate(_STRUCTURE), (1, 1, 1, 1))
            visit.shoot(f"{size}-{scheme}-{name}-opened")


def test_refusals_are_pages_too(chromium: Browser, served: Served) -> None:
    with visiting(chromium, served.address, **window(PHONE)) as visit:
        visit.go("/console/sign-in")
        check_bare(visit)
        visit.shoot("phone-sign-in-help")
        visit.go("/console/sign-in/" + "x" * 43)
        visit.expected.add(403)
        visit.press("Sign in")
        visit.page.get_by_text("unknown, used up or expired").wait_for()
        check_bare(visit)
        sign_in(visit, served)
        visit.expected.add(404)
        visit.go("/console/cases/999")
        assert "There is no case 999." in visit.page.inner_text("main")
        check_bare(visit)
        visit.shoot("phone-no-such-case")
        visit.page.get_by_role("link", name="To the cases").click()
        visit.page.wait_for_url("**/console/cases")


def test_pages_ask_nobody_else_even_when_something_in_them_wants_to(
    chromium: Browser, served: Served
) -> None:
    with visiting(chromium, served.address) as visit:
        sign_in(visit, served)
        answer = visit.fetch("/console/cases")
        assert answer.headers["content-security-policy"] == PAGE_POLICY
        assert answer.headers["referrer-policy"] == "no-referrer"
        visit.page.evaluate(
            """() => new Promise(done => { const one = new Image();
            one.onerror = done; one.src = 'http://elsewhere.example/a.png'; })"""
        )
        visit.page.evaluate(
            """() => { const one = document.createElement('script');
            one.textContent = 'window.ran = true'; document.body.append(one); }"""
        )
        assert visit.page.evaluate("window.ran") is None
        refused = [said for said in visit.complaints if "Content Security Policy" in said]
        assert len(refused) == len(visit.complaints) == 2
        assert visit.stopped == ["http://elsewhere.example/a.png"]
        visit.complaints.clear()


def test_hostile_words_stay_words(chromium: Browser, served: Served) -> None:
    ours = furnish(served.house)
    words = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    with visiting(chromium, served.address) as visit:
        visit.go(ours.link())
        visit.press("Sign in")
        ours.house.cases.note(ours.organisation, ours.reviewer, ours.adverts.id, words)
        visit.go(f"/console/cases/{ours.adverts.number}")
        assert words in visit.page.get_by_role("region", name="Timeline").inner_text()
        assert visit.page.locator("main script, main img").count() == 0


def test_an_appeal_brings_the_case_back_and_says_so(chromium: Browser, served: Served) -> None:
    ours = furnish(served.house)
    cases, case = ours.house.cases, ours.adverts.id
    cases.verdict(ours.organisation, ours.reviewer, case, Outcome.CONFIRMED, "it is the album")
    item = cases.case(ours.organisation, case).items[0]
    cases.appeal(ours.organisation, SYSTEM, item.id, "It is a photograph of my table.")
    with visiting(chromium, served.address) as visit:
        visit.go(ours.link())
        visit.press("Sign in")
        entry = visit.page.locator("li", has=visit.page.locator(f"#case-{ours.adverts.number}"))
        assert "appealed" in entry.inner_text()
        visit.go(f"/console/cases/{ours.adverts.number}")
        assert "appealed" in visit.page.locator(".facts").first.inner_text()
        timeline = visit.page.get_by_role("region", name="Timeline").inner_text()
        assert "Somebody appealed: It is a photograph of my table." in timeline
        assert visit.page.get_by_role("button", name="Give the verdict").is_visible()
        visit.check_fits()
        visit.shoot("appealed")


@pytest.mark.skipif(not has_htmx(), reason="browser libraries are not installed: make browser")
def test_the_queue_refreshes_itself_and_keeps_the_focus(chromium: Browser, served: Served) -> None:
    ours = furnish(served.house)
    with visiting(chromium, served.address) as visit:
        visit.page.clock.install()
        visit.go(ours.link())
        visit.press("Sign in")
        queue = visit.page.locator("#queue")
        assert "with Kim Kestrel" not in queue.inner_text()
        visit.page.locator(f"#case-{ours.adverts.number}").focus()
        ours.house.cases.claim(ours.organisation, ours.reviewer, ours.adverts.id)
        visit.page.clock.run_for(31_000)
        queue.get_by_text("with Kim Kestrel").wait_for()
        focused = visit.page.evaluate("document.activeElement.id")
        assert focused == f"case-{ours.adverts.number}"

        (cookie,) = visit.page.context.cookies()
        assert ours.house.members.sign_out(cookie["value"])
        visit.expected.add(401)
        visit.page.clock.run_for(31_000)
        visit.page.wait_for_url("**/console/sign-in")


def window(size: ViewportSize) -> dict[str, Any]:
    phone = size is PHONE
    return {"viewport": size, "has_touch": phone, "is_mobile": phone}


def sign_in(visit: Visit, served: Served) -> None:
    visit.go(served.first.link())
    check_bare(visit)
    visit.press("Sign in")
    visit.page.wait_for_url("**/console/cases")


def open_all(visit: Visit) -> None:
    visit.page.evaluate("() => document.querySelectorAll('details').forEach(it => it.open = true)")


def check_bare(visit: Visit) -> None:
    """A page outside the frame: only its main part."""
    visit.check_fits()
    check_structure(visit.page.evaluate(_STRUCTURE), (0, 0, 1, 0))


def check_structure(found: dict[str, Any], landmarks: tuple[int, ...]) -> None:
    assert found["lang"] == "en"
    assert found["title"].endswith(" · Lapwing")
    assert found["headings"][0] == 1
    assert found["headings"].count(1) == 1
    steps = zip(found["headings"], found["headings"][1:], strict=False)
    assert all(after - before <= 1 for before, after in steps), "a level of headings is left out"
    assert tuple(found["landmarks"]) == landmarks
    for fault in ("unlabelled", "nameless", "pictures", "twice", "dangling"):
        assert found[fault] == [], fault
    assert found["inline"] == 0
