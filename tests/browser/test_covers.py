"""DESIGN §6.7 and §6.2 in the browser: covered by the server, counted, limited; or not kept."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import Browser

from browser.furnished import ADVERT, PHOTOGRAPH, Furnished, furnish
from browser.served import Served
from browser.visit import Visit, visiting
from lapwing.evidence.cover import SIDE
from lapwing.evidence.vault import LOOKS_ALLOWED
from lapwing.model.actors import SYSTEM
from lapwing.model.organisations import Member, Role

pytestmark = pytest.mark.browser


def test_a_picture_leaves_the_server_covered_until_the_press(
    chromium: Browser, served: Served
) -> None:
    ours = furnish(served.house)
    original = next(o for o in ours.kept(ours.pictures) if o.mime == "image/jpeg")
    cover, clear = (f"/console/objects/{original.id}/{name}" for name in ("cover", "clear"))
    with visiting(chromium, served.address) as visit:
        signed_in(visit, ours)
        visit.go(f"/console/cases/{ours.pictures.number}")
        assert visit.fetch(clear).status == 403
        assert not any(url.endswith("/clear") for url in visit.requested)
        assert "/clear" not in visit.page.content()

        shown = visit.fetch(cover)
        assert shown.headers["cache-control"] == "no-store"
        assert shown.body() != PHOTOGRAPH
        assert len(shown.body()) < 2048
        with Image.open(io.BytesIO(shown.body())) as grey:
            assert grey.mode == "L"
            assert max(grey.size) <= SIDE
        assert visit.page.locator(f"img[src='{cover}']").evaluate("i => i.naturalWidth") <= SIDE
        assert "content.served" not in ours.events(ours.pictures)

        uncover(visit, str(original.id))
        seen = visit.page.locator("img.clear")
        assert seen.get_attribute("src") == clear
        assert seen.evaluate("image => image.decode().then(() => image.naturalWidth)") == 640
        assert ours.events(ours.pictures)[-2:] == ["content.uncovered", "content.served"]
        again = visit.fetch(clear)
        assert again.body() == PHOTOGRAPH
        assert again.headers["cache-control"] == "no-store"

        visit.page.get_by_role("link", name="Cover it again").click()
        visit.page.locator(f"img[src='{cover}']").wait_for()
        assert visit.page.locator("img.clear").count() == 0


def test_one_member_s_press_uncovers_nothing_for_another(chromium: Browser, served: Served) -> None:
    ours = furnish(served.house)
    other = ours.house.members.add_member(ours.organisation, "Ash Avocet", Role.ANALYST, SYSTEM)
    (first, *_) = ours.kept(ours.pictures)
    path = f"/console/cases/{ours.pictures.number}?uncovered={first.id}"
    with visiting(chromium, served.address) as visit:
        signed_in(visit, ours)
        visit.go(path)
        assert visit.page.locator("img.clear").count() == 0
        uncover(visit, str(first.id))
    with visiting(chromium, served.address) as visit:
        signed_in(visit, ours, other)
        visit.go(path)
        assert visit.page.locator("img.clear").count() == 0
        assert visit.fetch(f"/console/objects/{first.id}/clear").status == 403


def test_a_picture_that_browsers_cannot_show_is_shown_all_the_same(
    chromium: Browser, served: Served
) -> None:
    ours = furnish(served.house)
    tiff = next(kept for kept in ours.kept(ours.pictures) if kept.mime == "image/tiff")
    with visiting(chromium, served.address) as visit:
        signed_in(visit, ours)
        visit.go(f"/console/cases/{ours.pictures.number}")
        uncover(visit, str(tiff.id))
        seen = visit.page.locator("img.clear")
        assert seen.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320


def test_a_text_is_covered_too(chromium: Browser, served: Served) -> None:
    ours = furnish(served.house)
    with visiting(chromium, served.address) as visit:
        signed_in(visit, ours)
        visit.go(f"/console/cases/{ours.adverts.number}")
        visit.shoot("advert-covered")
        assert "Oak table" not in visit.page.content()
        advert = visit.page.get_by_role("article", name="advert-2")
        advert.get_by_role("button", name="Uncover").click()
        assert visit.page.locator("pre.text").inner_text() == ADVERT
        visit.shoot("advert-uncovered")
        assert ours.events(ours.adverts)[-2:] == ["content.uncovered", "content.served"]


def test_looks_are_counted_and_end_at_the_limit(chromium: Browser, served: Served) -> None:
    ours = furnish(served.house)
    (first, second, *_) = ours.kept(ours.pictures)
    with visiting(chromium, served.address) as visit:
        signed_in(visit, ours)
        visit.go(f"/console/cases/{ours.pictures.number}")
        uncover(visit, str(first.id))
        assert f"last 24 hours: 1 of {LOOKS_ALLOWED}" in visit.page.inner_text("#work")

        with ours.house.database.organisation(ours.organisation) as connection:
            for _ in range(LOOKS_ALLOWED - 1):
                ours.house.vault.uncover(connection, ours.organisation, ours.reviewer, second.id)
        visit.expected.add(413)
        visit.press("Uncover")
        visit.page.get_by_role("heading", name="That did not work").wait_for()
        assert f"You have uncovered {LOOKS_ALLOWED} items" in visit.page.inner_text("main")
        visit.check_fits()
        visit.shoot("limit")
        assert ours.events(ours.pictures).count("content.uncovered") == LOOKS_ALLOWED

        visit.go(f"/console/cases/{ours.pictures.number}")
        assert visit.page.get_by_role("button", name="Uncover").count() == 0
        assert visit.page.locator("img.cover").count() == 3
        assert "a colleague can go on" in visit.page.inner_text("#work")


def test_nothing_kept_is_said_and_nothing_can_be_uncovered(
    chromium: Browser, served: Served
) -> None:
    ours = furnish(served.house, keep=False)
    with visiting(chromium, served.address) as visit:
        signed_in(visit, ours)
        for case in (ours.pictures, ours.adverts):
            visit.go(f"/console/cases/{case.number}")
            count = visit.page.locator("article").count()
            assert visit.page.get_by_text("No content kept", exact=True).count() == count
            assert visit.page.get_by_role("button", name="Uncover").count() == 0
            assert visit.page.locator("main img").count() == 0
            assert "Oak table" not in visit.page.content()
            assert "no content kept" in visit.page.inner_text("footer")
            assert ours.kept(case) == []
        visit.shoot("no-content-kept")


def signed_in(visit: Visit, ours: Furnished, member: Member | None = None) -> None:
    visit.go(ours.link(member))
    visit.press("Sign in")
    visit.page.wait_for_url("**/console/cases")


def uncover(visit: Visit, object_id: str) -> None:
    visit.page.locator(f"#object-{object_id}").get_by_role("button", name="Uncover").click()
    visit.page.locator(f"#object-{object_id} .clear").wait_for()
