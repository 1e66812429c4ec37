"""The demo and a browser for the end-to-end tests; started once for each module.

Not for the whole run: where Playwright runs, its event loop counts as running, and nobody else can run one.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.e2e.stage import CHROMIUM, Demo, chromium


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with Demo() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("There is no chromium on the PATH; on Debian: apt-get install chromium")
    expect.set_options(timeout=15_000)
    with chromium() as running:
        yield running


@pytest.fixture
def complaints() -> list[str]:
    """What went wrong on the test's pages, as the browser's console has it. A test that provokes some clears it."""
    return []


@pytest.fixture
def page(browser: Browser, demo: Demo, complaints: list[str]) -> Iterator[Page]:
    """A browser of one's own: nobody is logged in, and nobody is at the end. Complaints fail the test."""

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(15_000)
        context.on("console", note)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        yield context.new_page()
        context.request.post(f"{demo.app}/logout")
    assert complaints == []
