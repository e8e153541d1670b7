"""A browser for all tests of the page, and pages in which nothing may go wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live_service import LiveService
from pages import (
    CHROMIUM,
    DESKTOP,
    QUIET,
    WAIT_MS,
    Open,
)
from playwright.sync_api import Browser, Page, expect, sync_playwright
from times import dear_start


@pytest.fixture(scope="session")
def service(live_service: LiveService) -> str:
    """The address of a service with analytic policies only."""
    return f"{live_service.url}/"


# Ended with the last test of a group that needs it: while it lives, no other event loop can run in this thread.
@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as runner:
        with dear_start("browser"):
            browser = runner.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, service: str) -> Iterator[Open]:
    """Opens pages of the service."""
    yield from _opened(browser, service)


@pytest.fixture
def open_guarded_page(browser: Browser, guarded: LiveService) -> Iterator[Open]:
    """Opens pages of the service with tokens."""
    yield from _opened(browser, f"{guarded.url}/")


@pytest.fixture
def open_file(browser: Browser) -> Iterator[Open]:
    """Opens pages from this machine's disk."""
    yield from _opened(browser, "file://")


def _opened(browser: Browser, service: str) -> Iterator[Open]:
    """Open pages; at the end, nothing may have gone wrong in any and no other host may have been asked."""
    wrong: list[str] = []
    contexts = []

    def start(viewport: dict[str, int] = DESKTOP, allowed: str | None = None, **options: Any) -> Page:
        context = browser.new_context(viewport=viewport, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)

        def complain(text: str) -> None:
            if allowed is None or allowed not in text:
                wrong.append(text)

        def dialog(found: Any) -> None:
            complain(f"dialog: {found.message}")
            found.dismiss()

        page.on("console", lambda message: complain(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complain(f"page error: {error}"))
        page.on("dialog", dialog)
        page.on(
            "request",
            lambda request: None if request.url.startswith((service, "data:")) else complain(f"asked {request.url}"),
        )
        return page

    yield start
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def shot() -> Callable[[Page, str], None]:
    """Writes a screenshot of the whole page to ATP_RAY_SCREENSHOTS, if that is set: each takes seconds of a core."""
    folder = os.environ.get("ATP_RAY_SCREENSHOTS")
    if folder is None:
        return lambda page, name: None
    Path(folder).mkdir(parents=True, exist_ok=True)
    return lambda page, name: page.screenshot(path=Path(folder, f"{name}.png"), full_page=True) and None
