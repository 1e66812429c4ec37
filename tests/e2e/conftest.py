"""Fixtures of the end-to-end tests: the demo and a browser, started once for each module.

They do not last for the whole run: Playwright keeps an event loop running, so other tests could not start one.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.e2e.stage import CHROMIUM, MILLISECONDS, Demo, chromium
from tests.waiting import until


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with Demo() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("There is no chromium on the PATH; on Debian: apt-get install chromium")
    with chromium() as running:
        yield running


@pytest.fixture
def complaints() -> list[str]:
    """The errors on the test's pages, from the browser's console. A test that provokes errors clears the list."""
    return []


@pytest.fixture
def page(browser: Browser, demo: Demo, complaints: list[str]) -> Iterator[Page]:
    """A page in a fresh browser context, with nobody logged in, and no token live. Errors in the console fail the test."""

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(MILLISECONDS)
        context.on("console", note)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        yield context.new_page()
        context.request.post(f"{demo.app}/logout")
        until(demo.nothing_is_live)  # the next test counts its own
    assert complaints == []
