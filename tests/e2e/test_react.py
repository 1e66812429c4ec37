"""Monite's own React SDK in a real browser, through each example app: the browser never gets a token."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from examples.demo import APPS, Child, free_port, wait_until_ready
from examples.shared.pages import REACT
from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Emulator, Monite, serve
from monite_auth.emulator.permissions import Permissions
from monite_auth.emulator.seed import CLERK
from tests.e2e.stage import ANNA, log_out
from tests.waiting import PATIENCE, until

KEEP_TOASTS = """
window.toasts = [];
new MutationObserver(() => document.querySelectorAll("[role=status]").forEach((each) => toasts.push(each.textContent)))
    .observe(document, { childList: true, subtree: true, characterData: true });
"""
"""Keeps the SDK's messages: each is visible for a few seconds only."""

pytestmark = pytest.mark.skipif(
    not REACT.exists(), reason="The page is not built: make react, which needs npm"
)


@pytest.fixture
def monite() -> Iterator[Emulator]:
    with serve(Monite(requests_per_second=1000)) as running:
        yield running


@pytest.fixture(params=sorted(APPS))
def app(request: pytest.FixtureRequest, monite: Emulator) -> Iterator[str]:
    with Child(
        "The app",
        free_port(0),
        *APPS[request.param],
        MONITE_BASE_URL=monite.api_url,
        MONITE_CLIENT_ID=DEMO_CLIENT_ID,
        MONITE_CLIENT_SECRET=DEMO_CLIENT_SECRET,
        APP_SECRET=secrets.token_urlsafe(),
    ) as child:
        wait_until_ready(child, threading.Event())
        yield child.url


class Witness:
    """Keeps everything that a browser gets. Bodies are lost when a page is left, so `read` comes before that."""

    def __init__(self, context: BrowserContext, app: str) -> None:
        self.seen: list[str] = []
        self.addresses: list[str] = []
        self.sent: list[str] = []
        self._app = app
        self._unread: list[Response] = []
        context.on("response", self._keep)

    def _keep(self, response: Response) -> None:
        self._unread.append(response)

    def read(self, page: Page) -> None:
        page.wait_for_load_state("networkidle")
        while self._unread:
            response = self._unread.pop()
            self.addresses.append(response.url)
            self.sent += [response.request.headers.get("authorization", "")]
            self.seen += [str(response.all_headers())]
            if response.status not in range(300, 400):
                self.seen.append(response.body().decode(errors="replace"))
        self.seen.append(page.content())
        self.seen.append(
            page.evaluate("JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])")
        )

    def check(self, monite: Emulator) -> None:
        """Check that it has seen no token, and that nothing went anywhere but to the app."""
        tokens = monite.monite.ledger.tokens
        assert any(token.uses for token in tokens)
        assert not [
            token for token in tokens if any(token.value in each for each in (*self.seen, *self.sent))
        ]
        assert {address for address in self.addresses if not address.startswith(f"{self._app}/")} == set()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(PATIENCE * 1000)
        context.add_init_script(KEEP_TOASTS)
        yield context


@contextmanager
def role(monite: Emulator, permissions: Permissions) -> Iterator[None]:
    """Give Anna's role other permissions for a while."""
    directory = monite.monite.directory
    user = directory.users.get(ANNA_ID)
    assert user is not None
    role = directory.roles.get(user.role_id)
    assert role is not None
    before = role.permissions
    directory.roles.change(role, {}, permissions=permissions)
    yield
    directory.roles.change(role, {}, permissions=before)


def open_counterparts(page: Page) -> None:
    page.get_by_role("link", name="Counterparts").click()
    expect(page.get_by_role("heading", name="Counterparts")).to_be_visible()


def fill_in(page: Page, name: str) -> None:
    """Fill in the SDK's form for a new company."""
    page.get_by_role("button", name="Create New").click()
    page.get_by_role("menuitem", name="Organization").click()
    for label, value in {
        "Company name": name,
        "Email": "post@example.com",
        "Address line 1": "Am Kanal 1",
        "City": "Potsdam",
        "ZIP code": "14467",
        "State / Area / Province": "Brandenburg",
    }.items():
        page.get_by_role("textbox", name=label).fill(value)
    page.locator("[id='organization.country']").click()
    page.get_by_role("option", name="Germany").click()


def toasts(page: Page) -> list[str]:
    """Return the SDK's messages since the page was loaded."""
    return list(page.evaluate("toasts"))


def send(page: Page) -> int:
    """Send the form, and return the status of the app's answer."""
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        page.get_by_role("button", name="Create", exact=True).click()
    return answer.value.status


def test_the_react_sdk_works_without_a_token_in_the_browser(
    context: BrowserContext, app: str, monite: Emulator
):
    page, witness = context.new_page(), Witness(context, app)
    page.goto(app)
    witness.read(page)
    page.get_by_role("button", name=ANNA.name).click()
    page.get_by_role("heading", name="Invoices").wait_for()
    witness.read(page)

    # It lists, and creates.
    open_counterparts(page)
    expect(page.get_by_role("row").filter(has_text="Café Morgenrot")).to_contain_text("DE • Berlin")
    fill_in(page, "Havel Obst GmbH")
    assert send(page) == 201
    expect(page.get_by_role("heading", name="Havel Obst GmbH")).to_be_visible()
    page.get_by_label("Counterpart Close").click()
    expect(page.get_by_role("row").filter(has_text="Havel Obst GmbH")).to_contain_text("DE • Potsdam")
    witness.read(page)
    assert any("Havel Obst GmbH" in each for each in witness.seen)

    # It shows what the role allows, and that an action is refused. A page asks for the role again after a minute: so these are new.
    page.reload()
    fill_in(page, "Nowhere Ltd")
    with role(monite, CLERK):
        assert send(page) == 403
        until(lambda: "Failed to create Counterpart." in toasts(page))
        witness.read(page)
        page.reload()
        expect(page.get_by_role("row").filter(has_text="Havel Obst GmbH")).to_be_visible()
        expect(page.get_by_role("button", name="Create New")).to_be_disabled()
        witness.read(page)

    # A logout in another tab ends it at once.
    other = context.new_page()
    other.goto(app)
    witness.read(other)
    page.reload()
    fill_in(page, "Too late Ltd")
    log_out(other)
    assert send(page) == 401
    until(lambda: "Failed to create Counterpart." in toasts(page))
    witness.read(page)
    until(lambda: monite.monite.ledger.live() == [])
    names = {each.name for each in monite.monite.directory.counterparts.all()}
    assert "Havel Obst GmbH" in names
    assert not names & {"Nowhere Ltd", "Too late Ltd"}

    assert any(each.startswith("Bearer ") for each in witness.sent)  # the SDK did what it does with a token
    witness.check(monite)
