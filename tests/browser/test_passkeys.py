"""Passkeys in a real browser, with Chromium's virtual authenticator (WebAuthn over CDP)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("webauthn", reason="the extra `passkeys` is not installed")

from playwright.sync_api import Browser, CDPSession
from sqlalchemy import text

from browser.served import Served
from browser.visit import PHONE, Visit, visiting
from lapwing.members.records import STEP_UP_LASTS, SessionKind
from lapwing.model.actors import SYSTEM
from lapwing.model.organisations import Member, OrganisationKind, Role
from lapwing.store.clock import new_id

pytestmark = pytest.mark.browser

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass
class Device:
    """The browser's own authenticator, which a test can make refuse or change."""

    session: CDPSession
    id: str

    def credentials(self) -> list[dict[str, Any]]:
        answer = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})
        return list(answer["credentials"])

    def unlocked(self, verified: bool) -> None:
        self.session.send(
            "WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": verified}
        )

    def rewind(self, count: int) -> None:
        """Put the one credential back as a copy of an earlier state would be."""
        (one,) = self.credentials()
        self.session.send("WebAuthn.clearCredentials", {"authenticatorId": self.id})
        self.session.send(
            "WebAuthn.addCredential",
            {"authenticatorId": self.id, "credential": one | {"signCount": count}},
        )


def local(served: Served) -> str:
    """The address that passkeys belong to: a name, where the server says a number."""
    return f"http://localhost:{urlsplit(served.address).port}"


@contextmanager
def with_device(
    chromium: Browser, served: Served, **options: Any
) -> Iterator[tuple[Visit, Device]]:
    with visiting(chromium, local(served), **options) as visit:
        session = visit.page.context.new_cdp_session(visit.page)
        session.send("WebAuthn.enable")
        made = session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        yield visit, Device(session, made["authenticatorId"])


@pytest.fixture
def member(served: Served) -> Member:
    return newcomer(served)


def newcomer(served: Served, beside: Member | None = None, role: Role = Role.ADMIN) -> Member:
    members = served.house.members
    if beside is None:
        house = members.create_organisation(
            name=f"Moor {new_id().hex[-6:]}", kind=OrganisationKind.NGO, country="US"
        ).id
    else:
        house = beside.organisation
    return members.add_member(house, f"Lee {new_id().hex[-6:]}", role, SYSTEM)


def sign_in_by_link(visit: Visit, served: Served, member: Member) -> None:
    token = served.house.members.sign_in_link(member.organisation, member.id)
    visit.go(f"/console/sign-in/{token}")
    visit.press("Sign in")
    visit.page.wait_for_url("**/console/cases")


def add_passkey(visit: Visit, name: str = "This laptop") -> None:
    visit.go("/console/account")
    visit.page.get_by_label("Name of the device or key").fill(name)
    visit.press("Add a passkey")
    visit.page.get_by_text("The passkey is yours now").wait_for()


def sign_in_by_passkey(visit: Visit) -> None:
    visit.page.context.clear_cookies()
    visit.go("/console/sign-in")
    visit.press("Sign in with a passkey")
    visit.page.wait_for_url("**/console/cases")


def let_time_pass(served: Served, member: Member) -> None:
    """As if the member had stepped up longer ago than it lasts."""
    with served.house.database.organisation(member.organisation) as connection:
        connection.execute(
            text("update member_sessions set stepped_up_at = stepped_up_at - :some"),
            {"some": STEP_UP_LASTS},
        )


def events(served: Served, member: Member) -> list[str]:
    with served.house.database.organisation(member.organisation) as connection:
        rows = connection.execute(text("select kind from ledger_events order by position"))
        return list(rows.scalars())


def test_a_passkey_is_added_signs_in_and_is_removed(
    chromium: Browser, served: Served, member: Member
) -> None:
    with with_device(chromium, served) as (visit, device):
        sign_in_by_link(visit, served, member)
        add_passkey(visit)
        (credential,) = device.credentials()
        assert credential["isResidentCredential"]
        assert credential["rpId"] == "localhost"
        visit.shoot("account-passkey")

        sign_in_by_passkey(visit)
        visit.go("/console/account")
        assert visit.page.get_by_text("last used just now").count() == 1
        visit.press("Remove")
        visit.page.get_by_text("it signs nobody in any more").wait_for()

        visit.page.context.clear_cookies()
        visit.go("/console/sign-in")
        visit.expected.add(403)
        visit.press("Sign in with a passkey")
        visit.page.get_by_text("it may have been removed").wait_for()
    kinds = events(served, member)
    assert kinds[-3:] == ["passkey.added", "member.signed_in", "passkey.removed"]


def test_a_device_that_knows_nobody_signs_nobody_in(
    chromium: Browser, served: Served, member: Member
) -> None:
    with with_device(chromium, served) as (visit, device):
        sign_in_by_link(visit, served, member)
        add_passkey(visit)
        device.unlocked(False)
        visit.page.context.clear_cookies()
        visit.go("/console/sign-in")
        visit.press("Sign in with a passkey")
        visit.page.get_by_text("cancelled, or took too long").wait_for()
        assert visit.page.url.endswith("/console/sign-in")


def test_a_copied_passkey_is_found_by_its_counter(
    chromium: Browser, served: Served, member: Member
) -> None:
    with with_device(chromium, served) as (visit, device):
        sign_in_by_link(visit, served, member)
        add_passkey(visit)
        for _ in range(2):
            sign_in_by_passkey(visit)
        device.rewind(0)
        visit.page.context.clear_cookies()
        visit.go("/console/sign-in")
        visit.expected.add(403)
        visit.press("Sign in with a passkey")
        visit.page.get_by_text("counter went back").wait_for()
    assert events(served, member)[-1] == "member.sign_in_failed"


def test_what_needs_the_member_asks_for_the_passkey_and_leads_back(
    chromium: Browser, served: Served, member: Member
) -> None:
    """A session that began with a link is not enough once there is a passkey."""
    with with_device(chromium, served) as (visit, _):
        sign_in_by_link(visit, served, member)
        add_passkey(visit)
        let_time_pass(served, member)
        visit.go("/console/account")
        visit.page.get_by_label("Name", exact=True).fill("laptop")
        visit.press("Make a token")
        visit.page.wait_for_url("**/console/step-up?next=%2Fconsole%2Faccount")
        visit.check_fits()
        visit.shoot("step-up")
        visit.press("Use a passkey")
        visit.page.wait_for_url("**/console/account")
        visit.page.get_by_label("Name", exact=True).fill("laptop")
        visit.press("Make a token")
        secret = visit.page.locator(".secret code").inner_text()
    signed = served.house.members.signed_in(secret)
    assert signed is not None
    assert (signed.member.id, signed.session.kind) == (member.id, SessionKind.TOKEN)
    assert "member.stepped_up" in events(served, member)


def test_adding_another_passkey_in_an_old_session_asks_first(
    chromium: Browser, served: Served, member: Member
) -> None:
    with with_device(chromium, served) as (visit, _):
        sign_in_by_link(visit, served, member)
        let_time_pass(served, member)
        visit.go("/console/account")
        visit.page.get_by_label("Name of the device or key").fill("phone")
        visit.expected.add(403)
        visit.press("Add a passkey")
        visit.page.wait_for_url("**/console/step-up?next=%2Fconsole%2Faccount")
        visit.page.get_by_text("You have no passkey yet").wait_for()


def test_a_recovery_code_signs_in_where_there_is_no_passkey(
    chromium: Browser, served: Served, member: Member
) -> None:
    with visiting(chromium, local(served), viewport=PHONE) as visit:
        sign_in_by_link(visit, served, member)
        visit.go("/console/account")
        visit.press("Make new codes")
        codes = visit.page.locator(".secret code").all_inner_texts()
        assert len(codes) == 8
        visit.shoot("recovery-codes")
        visit.check_fits()
        visit.page.context.clear_cookies()
        visit.go("/console/sign-in")
        visit.page.get_by_text("I have lost my passkeys").click()
        visit.check_fits()
        visit.page.get_by_label("Recovery code").fill(codes[3].lower())
        visit.press("Use the code")
        visit.page.wait_for_url("**/console/account")
        assert visit.page.get_by_text("7 left").count() == 1


def test_at_another_address_the_page_says_where_passkeys_are(
    chromium: Browser, served: Served
) -> None:
    with visiting(chromium, served.address) as visit:
        visit.go("/console/sign-in")
        link = visit.page.get_by_role("link", name=local(served))
        assert link.get_attribute("href") == f"{local(served)}/console/sign-in"
        assert visit.page.get_by_role("button", name="Sign in with a passkey").is_disabled()


def test_without_javascript_everything_but_the_passkey_is_there(
    chromium: Browser, served: Served, member: Member
) -> None:
    with visiting(chromium, local(served), java_script_enabled=False) as visit:
        sign_in_by_link(visit, served, member)
        visit.go("/console/account")
        assert not visit.page.get_by_role("button", name="Add a passkey").is_visible()
        visit.press("Make new codes")
        assert visit.page.locator(".secret code").count() == 8
        visit.press("Sign out everywhere else")
        visit.page.get_by_text("signed out everywhere but here").wait_for()


def test_a_second_member_confirms_with_their_passkey(
    chromium: Browser, served: Served, member: Member
) -> None:
    """The whole way: proposed by one, stepped up and confirmed by the other, then withdrawn."""
    other = newcomer(served, beside=member)
    house = served.house
    with house.database.organisation(member.organisation) as connection:
        proposed = house.confirmations.propose(
            connection,
            member.organisation,
            member,
            "bank.allow_override",
            "sha256:" + "ab" * 32,
            "compared by hand, it is a stock photograph",
            "false match",
            {"list": "Known"},
        )
    with with_device(chromium, served) as (visit, _):
        sign_in_by_link(visit, served, other)
        add_passkey(visit)
        let_time_pass(served, other)
        visit.go("/console/confirmations")
        visit.check_fits()
        visit.shoot("confirmations")
        assert visit.page.get_by_text(f"proposed by {member.name}").count() == 1
        visit.press("Confirm")
        visit.page.wait_for_url("**/console/step-up?next=%2Fconsole%2Fconfirmations")
        visit.press("Use a passkey")
        visit.page.wait_for_url("**/console/confirmations")
        visit.press("Confirm")
        visit.page.get_by_text("You have confirmed it").wait_for()
        visit.page.get_by_text("Withdraw it").click()
        visit.page.get_by_label("Why").fill("it is not that photograph")
        visit.press("Withdraw")
        visit.page.get_by_text("It is withdrawn").wait_for()
    with house.database.organisation(member.organisation) as connection:
        done = house.confirmations.one(connection, proposed.id)
    assert done.confirmed_by == done.withdrawn_by == other.id


def test_an_admin_manages_members(chromium: Browser, served: Served, member: Member) -> None:
    with visiting(chromium, local(served)) as visit:
        sign_in_by_link(visit, served, member)
        visit.page.get_by_role("link", name="Members").click()
        visit.page.get_by_label("Name").fill("Noor")
        visit.page.locator("form[action='/console/members'] [value=analyst]").check()
        visit.press("Add")
        visit.page.get_by_text("The member is added").wait_for()
        visit.page.get_by_text("Change what Noor may do").click()
        visit.check_fits()
        visit.shoot("members")
        visit.page.locator("details[open] [value='cases.decide']").check()
        visit.page.locator("details[open] [value='bank.write']").uncheck()
        visit.press("Change")
        visit.page.get_by_text("is changed").wait_for()
        visit.press("One-time link")
        link = visit.page.locator(".secret code").inner_text()
        assert link.startswith(f"{local(served)}/console/sign-in/")
    noor = served.house.members.member_named(member.organisation, "Noor")
    assert [one.value for one in noor.granted] == ["cases.decide"]
    assert [one.value for one in noor.denied] == ["bank.write"]
