"""One Chromium and one served house for the browser tests; each test has a profile of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from browser.chromium import MISSING, find_chromium, switches
from browser.served import Served, served_house
from conftest import drop_database, fresh_database


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Ends with this folder's tests: while it runs, no other event loop can."""
    executable = find_chromium(os.environ)
    if executable is None:
        pytest.skip(MISSING)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=switches())
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def served(
    chromium: Browser, database_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    url = fresh_database(database_server)
    try:
        with served_house(url, tmp_path_factory.mktemp("served")) as house:
            yield house
    finally:
        drop_database(database_server, url)
