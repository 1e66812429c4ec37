"""The demo as a process, a browser, and the steps of a person in it, for tests and screenshots."""

import hashlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
from playwright.sync_api import APIResponse, Browser, Page, expect, sync_playwright

from examples.shared.people import ORGANIZATIONS, PEOPLE, Person
from monite_auth import Settings
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]

ANNA, VIKTOR = PEOPLE["anna"], PEOPLE["viktor"]

MILLISECONDS = PATIENCE * 1000
"""Of patience, as Playwright counts."""

CHROMIUM = shutil.which("chromium")
QUIET = [
    "--no-sandbox",  # with a sandbox, Chromium refuses to run as root
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

KEEP_TOASTS = """
window.toasts = [];
new MutationObserver(() => document.querySelectorAll("[role=status]").forEach((each) => toasts.push(each.textContent)))
    .observe(document, { childList: true, subtree: true, characterData: true });
"""
"""Keeps the messages of Monite's React SDK: each is visible for a few seconds only."""


class Demo:
    """Runs `python -m examples.demo` until the `with` block ends. Port 0 stands for any free port."""

    def __init__(self, app: str = "fastapi", *, port: int = 0, emulator_port: int = 0) -> None:
        self._errors = tempfile.NamedTemporaryFile("w")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "examples.demo", f"--app={app}"),
                *(f"--port={port}", f"--emulator-port={emulator_port}"),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.app = self.monite = ""
        # Ignore proxies of the environment: both servers are on this machine.
        self._http = httpx.Client(trust_env=False, timeout=PATIENCE)

    def __enter__(self) -> Self:
        try:
            self.app, self.monite = self._printed_addresses()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.end(signal.SIGTERM)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()
        self._http.close()

    def _printed_addresses(self) -> list[str]:
        assert self._process.stdout is not None
        addresses: list[str] = []
        for line in self._process.stdout:
            addresses += re.findall(r"http://[\d.]+:\d+", line)
            if len(addresses) == 2:
                return addresses
        raise AssertionError(f"The demo ended before it was ready:\n{self.errors}")

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self._process.send_signal(number)
        return self._process.wait(timeout=PATIENCE)

    def wait(self) -> int:
        """Wait until the demo has ended by itself, and return its exit status."""
        return self._process.wait(timeout=PATIENCE)

    @property
    def errors(self) -> str:
        """The stderr output of the demo and its processes."""
        return Path(self._errors.name).read_text()

    @property
    def children(self) -> list[int]:
        """The ids of the demo's child processes, in the order of their start (Linux)."""
        pid = self._process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def tokens(
        self, person: Person, state: str | None = None, *, at: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the ledger's entries for a person's tokens, oldest first; with `at`, only for that organization."""
        entity_user_id = person.works_for[at or person.usual].entity_user_id
        assert entity_user_id is not None
        query = {"entity_user_id": entity_user_id} | ({"state": state} if state else {})
        answer = self._http.get(f"{self.monite}/_emulator/ledger", params=query).raise_for_status()
        return list(answer.json()["tokens"])

    def nothing_is_live(self) -> bool:
        """Say whether no token of anybody who works with the app is live."""
        return not any(
            self.tokens(person, "live", at=each) for person in PEOPLE.values() for each in person.works_for
        )

    def mint(self, entity_user_id: str) -> str:
        """Mint a token as another app of the same partner would, and return it."""
        asked = {
            "client_id": DEMO_CLIENT_ID,
            "client_secret": DEMO_CLIENT_SECRET,
            "grant_type": "entity_user",
            "entity_user_id": entity_user_id,
        }
        headers = {"x-monite-version": Settings.api_version}
        answer = self._http.post(f"{self.monite}/v1/auth/token", json=asked, headers=headers)
        return str(answer.raise_for_status().json()["access_token"])

    def payables(self, entity_user_id: str, entity_id: str) -> list[dict[str, Any]]:
        """Return the payables that an entity user sees."""
        headers = {
            "authorization": f"Bearer {self.mint(entity_user_id)}",
            "x-monite-version": Settings.api_version,
            "x-monite-entity-id": entity_id,
        }
        answer = self._http.get(f"{self.monite}/v1/payables", headers=headers)
        return list(answer.raise_for_status().json()["data"])

    def trouble(self, kind: str, path: str, **parameters: Any) -> None:
        """Inject a fault that hits one request."""
        fault = {"kind": kind, "path": path, "times": 1, **parameters}
        self._http.post(f"{self.monite}/_emulator/faults", json=fault).raise_for_status()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium, with patience for what is expected of a page: the machine may be busy."""
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET, timeout=MILLISECONDS)
        try:
            yield browser
        finally:
            browser.close()


def log_in(page: Page, demo: Demo, person: Person) -> None:
    """Log in as a person, and check that the invoices appear."""
    page.goto(demo.app)
    page.get_by_role("button", name=person.name).click()
    page.get_by_role("heading", name="Invoices").wait_for()


def log_out(page: Page) -> None:
    """Log out, and check that the login page appears."""
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="Log in").wait_for()


def work_for(page: Page, organization: str) -> None:
    """Switch to an organization, and check that it is active."""
    name = ORGANIZATIONS[organization].name
    page.get_by_label("Organization").select_option(name)
    page.get_by_role("button", name="Switch").click()
    expect(page.get_by_text(f"What {name} has to pay")).to_be_visible()


def forge(page: Page, path: str, **fields: str) -> APIResponse:
    """Send a form that the page does not offer, as the logged-in person, and return the answer."""
    token = page.locator("input[name=csrfmiddlewaretoken]")  # present in the Django app only
    csrf = {"csrfmiddlewaretoken": token.first.input_value()} if token.count() else {}
    origin = page.url.removesuffix("/invoices")
    return page.request.post(f"{origin}{path}", form={**fields, **csrf}, headers={"referer": origin})


def create_invoice(page: Page, number: str) -> None:
    """Fill in the form for a new invoice and send it."""
    page.get_by_label("What for").fill("Rye flour, 25 kg")
    page.get_by_label("Invoice number").fill(number)
    page.get_by_label("Amount").fill("1234.50")
    page.get_by_label("Due").fill("2031-03-01")
    page.get_by_role("button", name="Create invoice").click()


TOKEN = re.compile(r"(?=([A-Za-z0-9_-]{43}))")
"""Matches everything that can be a token of the emulator. The look-ahead also finds tokens inside longer words."""


def fingerprints(text: str) -> set[str]:
    """Return the fingerprints, as in the ledger, of everything in a text that can be a token."""
    return {hashlib.sha256(word.encode()).hexdigest()[:12] for word in TOKEN.findall(text)}
