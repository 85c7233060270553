"""Where members' browsers find Lapwing, and whether they give passkeys to that address."""

from __future__ import annotations

import pytest

from lapwing.members.site import Site
from lapwing.model.errors import InvalidInput
from lapwing.settings import Settings


@pytest.mark.parametrize(
    ("origin", "host", "named"),
    [
        ("http://localhost:8600", "localhost", "http://localhost:8600"),
        ("https://Lapwing.Example.org", "lapwing.example.org", "https://lapwing.example.org"),
        ("https://lapwing.example.org:443", "lapwing.example.org", "https://lapwing.example.org"),
        ("http://localhost:80", "localhost", "http://localhost"),
        (
            "https://lapwing.example.org:8443",
            "lapwing.example.org",
            "https://lapwing.example.org:8443",
        ),
    ],
)
def test_an_address_that_passkeys_work_at(origin: str, host: str, named: str) -> None:
    site = Site.at(origin)
    assert (site.host, site.origin, site.refused) == (host, named, None)


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8600", "https://[::1]:8600", "http://lapwing.example.org"]
)
def test_an_address_that_browsers_refuse_says_why(origin: str) -> None:
    assert "browsers give passkeys" in (Site.at(origin).refused or "")


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "localhost",
        "localhost:8600",
        "https://",
        "https://a.example/",
        "https://a.example/path",
        "https://a.example?x",
        "https://a.example#x",
        "https://user@a.example",
        "ftp://a.example",
        "https://a.example:99999",
        "https://a.example:x",
        " https://a.example",
        "https://a.example\n",
        "javascript:alert(1)",
        "https://[::1",
    ],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Site.at(origin)
    assert refused.value.field == "origin"


@pytest.mark.parametrize(
    ("environment", "origin"),
    [
        ({}, "http://localhost:8600"),
        ({"LAPWING_PORT": "9000"}, "http://localhost:9000"),
        ({"LAPWING_HOST": "::"}, "http://localhost:8600"),
        ({"LAPWING_HOST": "10.0.0.5"}, "http://10.0.0.5:8600"),
        ({"LAPWING_HOST": "fd00::1"}, "http://[fd00::1]:8600"),
        ({"LAPWING_ORIGIN": "https://lapwing.example.org"}, "https://lapwing.example.org"),
    ],
)
def test_where_the_settings_put_it(environment: dict[str, str], origin: str) -> None:
    read = Settings.read(environment | {"LAPWING_HOME": "/nowhere"})
    assert read.public_origin == Site.at(read.public_origin).origin == origin
