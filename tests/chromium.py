"""A real headless Chromium, and pages that keep what their console and their requests say."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PATIENCE_MS = 15_000
OWN = ("127.0.0.1", "localhost")


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser; where there is none the test is skipped."""
    pytest.importorskip("playwright", reason="playwright is not installed: pip install -e '.[dev]'")
    from playwright.sync_api import sync_playwright

    place = next(filter(None, map(shutil.which, NAMES)), None)
    if place is None:
        pytest.skip(f"no browser on PATH: install one of {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=place, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page in a fresh profile.

    Attributes:
        page: playwright's. told: errors and warnings of its console. elsewhere: addresses of other machines it asked for. dialogs: what it alerted.
    """

    def __init__(self, browser: Any, size: dict[str, int] = DESK, scheme: str = "light") -> None:
        self._context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
        self.page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.told: list[str] = []
        self.elsewhere: list[str] = []
        self.dialogs: list[str] = []
        self.page.on("console", lambda message: self.told.append(f"{message.type}: {message.text}") if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.told.append(f"thrown: {error}"))
        self.page.on("dialog", self._alerted)
        self.page.on("request", self._asked)

    def close(self) -> None:
        """End it."""
        self._context.close()

    def check(self) -> None:
        """See to it that nothing went wrong in it."""
        assert (self.told, self.elsewhere, self.dialogs) == ([], [], [])

    def _alerted(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in OWN:
            self.elsewhere.append(request.url)


@contextmanager
def visiting(browser: Any, **options: Any) -> Iterator[Any]:
    """A page; at its end everything it has told is checked."""
    visit = Visit(browser, **options)
    try:
        yield visit.page
        visit.check()
    finally:
        visit.close()
