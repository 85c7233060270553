"""One-time links: shown by GET, used up by POST, once."""

from __future__ import annotations

import pytest

from lapwing.app import House
from lapwing.store.clock import new_id
from web_world import ADDRESS, Client, Side, as_browser, opened_client, session_of

SIGN_IN = "/console/sign-in"
SIGN_OUT = "/console/sign-out"


@pytest.fixture
def token(house: House, ours: Side) -> str:
    return house.members.sign_in_link(ours.organisation, ours.reviewer.id)


def test_opening_the_link_uses_nothing_up(client: Client, token: str) -> None:
    for _ in range(2):
        page = client.get(f"{SIGN_IN}/{token}")
        assert page.status_code == 200
        assert f'value="{token}"' in page.text
        assert "set-cookie" not in page.headers
    assert client.post(SIGN_IN, data={"token": token}).status_code == 303


def test_the_press_signs_in_once(house: House, client: Client, token: str, ours: Side) -> None:
    answer = client.post(SIGN_IN, data={"token": token}, headers={"Origin": ADDRESS})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/console"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("lapwing=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    session = cookie.removeprefix("lapwing=").partition(";")[0]
    assert house.members.session(session) == ours.reviewer
    client.cookies.clear()
    again = client.post(SIGN_IN, data={"token": token})
    assert again.status_code == 403
    assert "used up" in again.text
    assert "set-cookie" not in again.headers


def test_over_https_the_cookie_is_bound_to_the_host(house: House, token: str) -> None:
    with opened_client(house) as client:
        client.base_url = "https://lapwing.example"  # type: ignore[assignment]
        answer = client.post(SIGN_IN, data={"token": token})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-lapwing=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_over_http_beyond_this_machine_the_link_stays_unused(client: Client, token: str) -> None:
    refused = client.post(SIGN_IN, data={"token": token}, headers={"Host": "lapwing.lan"})
    assert refused.status_code == 403
    assert "https" in refused.text
    assert client.post(SIGN_IN, data={"token": token}).status_code == 303
    client.cookies.clear()


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_site_cannot_sign_its_visitor_in(
    client: Client, token: str, headers: dict[str, str]
) -> None:
    assert client.post(SIGN_IN, data={"token": token}, headers=headers).status_code == 403


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 500, '"><script>alert(1)</script>'])
def test_a_made_up_token_is_refused_in_words(client: Client, token: str) -> None:
    answer = client.post(SIGN_IN, data={"token": token})
    assert answer.status_code in (400, 403)
    assert "<script" not in answer.text


def test_what_stands_in_the_address_is_escaped(client: Client) -> None:
    page = client.get(SIGN_IN + "/%22%3E%3Cscript%3E1")
    assert "<script" not in page.text


def test_signing_out_ends_the_session_and_the_cookie(
    house: House, client: Client, ours: Side
) -> None:
    session = session_of(house, ours.reviewer)
    answer = client.post(SIGN_OUT, headers=as_browser(session))
    assert answer.status_code == 303
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert house.members.session(session) is None


def test_a_page_sends_strangers_to_the_sign_in(client: Client) -> None:
    answer = client.post(SIGN_OUT)
    assert answer.status_code == 303
    assert answer.headers["location"] == SIGN_IN


def test_a_form_repeats_its_token_in_a_field(house: House, client: Client, ours: Side) -> None:
    session = session_of(house, ours.reviewer)
    headers = as_browser(session)
    token = headers.pop("X-CSRF-Token")
    refused = client.post(SIGN_OUT, data={"csrf": str(new_id())}, headers=headers)
    assert refused.status_code == 403
    assert client.post(SIGN_OUT, data={"csrf": token}, headers=headers).status_code == 303
