"""A browser window on the served house that watches what the pages do behind one's back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import APIResponse, Browser, ConsoleMessage, Page, Request, ViewportSize

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SMALLEST_TARGET = 24
"""CSS pixels, WCAG 2.2 success criterion 2.5.8."""

_TARGETS = """() => [...document.querySelectorAll(
    'a[href], button, summary, textarea, input:not([type=hidden])')]
  .map(one => one.type === 'radio' ? one.closest('label') : one)
  .filter(one => one.checkVisibility())
  .map(one => { const box = one.getBoundingClientRect();
    return [one.outerHTML.slice(0, 120), Math.min(box.width, box.height), box.right]; })"""
_FOCUS = """() => { const one = document.activeElement, style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const drawn = [style, getComputedStyle(one, '::after')].map(
    it => it.outlineStyle === 'none' ? 0 : parseFloat(it.outlineWidth));
  return { outline: Math.max(...drawn),
           seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
           html: one.outerHTML.slice(0, 120) }; }"""


class Visit:
    """One page, and what went wrong on it. `expected` are HTTP statuses that are meant to come."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.expected: set[int] = set()
        self.complaints: list[str] = []
        self.requested: list[str] = []
        self.stopped: list[str] = []
        """Requests that the page's own policy kept from leaving the browser."""
        self._host = urlsplit(address).netloc
        page.context.on("request", lambda request: self.requested.append(request.url))
        page.context.on("requestfailed", self._note_failure)
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)

    def fetch(self, path: str, headers: dict[str, str] | None = None) -> APIResponse:
        """The answer to a GET with this browser's cookies, outside the page."""
        requests = self.page.context.request
        return requests.get(self.address + path, headers=headers, max_redirects=0)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.click()

    def check_quiet(self) -> None:
        """No console error, no script error, no policy violation, no other host."""
        assert not self.complaints
        left = [url for url in self.requested if url not in self.stopped]
        assert {urlsplit(url).netloc for url in left} <= {self._host}

    def check_fits(self) -> None:
        """No sideways scrolling, and every target is large enough and within the page."""
        self.page.wait_for_load_state()
        width, inner = self.page.evaluate(
            "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert width <= inner, f"{self.page.url} is {width} wide in a window of {inner}"
        for html, size, _ in self.page.evaluate(_TARGETS):
            assert size >= SMALLEST_TARGET, f"{size} px: {html}"

    def tab_to(self, selector: str, most: int = 80) -> None:
        """Press Tab until the element has the focus; the focus must be seen on the way."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            focus = self.page.evaluate(_FOCUS)
            if self.page.evaluate("one => document.activeElement.matches(one)", selector):
                assert focus["outline"] >= 2, f"no visible focus: {focus['html']}"
                assert focus["seen"], f"focus outside the window: {focus['html']}"
                return
        raise AssertionError(f"{selector} is not reached by {most} tabs on {self.page.url}")

    def shoot(self, name: str) -> None:
        """A screenshot into screenshots/ when LAPWING_TEST_SCREENSHOTS is set."""
        if os.environ.get("LAPWING_TEST_SCREENSHOTS"):
            folder = Path(__file__).parents[2] / "screenshots"
            folder.mkdir(exist_ok=True)
            self.page.wait_for_load_state()
            # Anything but "initial" and "allow" would put a style sheet into the page.
            self.page.screenshot(
                path=folder / f"{name}.png", full_page=True, caret="initial", animations="allow"
            )

    def _note_failure(self, request: Request) -> None:
        if request.failure == "csp":
            self.stopped.append(request.url)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if any(f"status of {status} " in message.text for status in self.expected):
            return
        self.complaints.append(f"{message.type}: {message.text}")


@contextmanager
def visiting(browser: Browser, address: str, **options: Any) -> Iterator[Visit]:
    """A fresh browser profile; at the end it must have been quiet."""
    context = browser.new_context(**({"viewport": DESKTOP} | options))
    context.set_default_timeout(10_000)
    try:
        visit = Visit(context.new_page(), address)
        yield visit
        visit.check_quiet()
    finally:
        context.close()
