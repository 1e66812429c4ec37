"""Monite's own React SDK in a real browser, through each example app: the browser never gets a token."""

import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from examples.demo import APPS, Child, free_port, wait_until_ready
from examples.shared.pages import REACT
from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Emulator, Monite, serve
from monite_auth.emulator.demo.companies import CLERK
from monite_auth.emulator.world.permissions import Permissions
from tests.e2e.stage import ANNA, KEEP_TOASTS, MILLISECONDS, log_out
from tests.e2e.wire import Wire
from tests.waiting import until

READABLE = "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, document.documentElement.outerHTML])"
"""What a script in the page can read."""

REFUSED = "Failed to create Counterpart."

pytestmark = pytest.mark.skipif(
    not REACT.exists(), reason="The page is not built: make react, which needs npm"
)


@pytest.fixture
def monite() -> Iterator[Emulator]:
    with serve(Monite(requests_per_second=1000)) as running:
        yield running


@pytest.fixture(params=sorted(APPS))
def app(request: pytest.FixtureRequest, monite: Emulator) -> Iterator[Wire]:
    """An example app, behind a wire."""
    child = Child(
        "The app",
        free_port(0),
        *APPS[request.param],
        MONITE_BASE_URL=monite.api_url,
        MONITE_CLIENT_ID=DEMO_CLIENT_ID,
        MONITE_CLIENT_SECRET=DEMO_CLIENT_SECRET,
        APP_SECRET=secrets.token_urlsafe(),
    )
    with Wire(child.port) as wire, child:
        wait_until_ready(child, threading.Event())
        yield wire


@pytest.fixture
def context(browser: Browser, app: Wire, complaints: list[str]) -> Iterator[BrowserContext]:
    """A browser with nobody logged in, that goes nowhere but to the app."""

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    addresses = []
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(MILLISECONDS)
        context.on("console", note)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("request", lambda request: addresses.append(request.url))
        context.add_init_script(KEEP_TOASTS)
        yield context
    assert [each for each in addresses if not each.startswith(f"{app.url}/")] == []
    assert complaints == []


@contextmanager
def role(monite: Emulator, permissions: Permissions) -> Iterator[None]:
    """Give Anna's role other permissions for a while."""
    directory = monite.monite.directory
    user = directory.users.get(ANNA_ID)
    assert user is not None
    role = directory.roles.get(user.role_id)
    assert role is not None
    before = role.permissions
    directory.roles.change(role, {"permissions": permissions})
    yield
    directory.roles.change(role, {"permissions": before})


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


def send(page: Page) -> int:
    """Send the form, and return the status of the app's answer."""
    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        page.get_by_role("button", name="Create", exact=True).click()
    return answer.value.status


def check_that_it_is_refused(page: Page, name: str, status: int, complaints: list[str]) -> None:
    """Send the form, and check that the SDK says what has happened, and keeps what was typed."""
    assert send(page) == status
    until(lambda: REFUSED in page.evaluate("toasts") and complaints != [])
    expect(page.get_by_role("textbox", name="Company name")).to_have_value(name)
    assert [re.findall(r"the server responded with a status of (\d+)", each) for each in complaints] == [
        [str(status)]
    ]
    complaints.clear()


def check_that_no_token_is_in(texts: list[str], monite: Emulator) -> None:
    tokens = monite.monite.ledger.tokens
    assert any(token.uses for token in tokens)
    assert [token for token in tokens if any(token.value in text for text in texts)] == []


def calls(monite: Emulator) -> int:
    """Return how many requests have reached Monite, but for those about tokens."""
    counts = monite.monite.statistics.requests.items()
    return sum(count for (path, _), count in counts if not path.startswith("/auth/"))


def test_the_react_sdk_works_without_a_token_in_the_browser(
    context: BrowserContext, app: Wire, monite: Emulator, complaints: list[str]
):
    readable: list[str] = []

    # It lists, and creates.
    page = context.new_page()
    page.goto(app.url)
    page.get_by_role("button", name=ANNA.name).click()
    expect(page.get_by_text("Your browser has none.")).to_be_visible()
    readable.append(page.evaluate(READABLE))
    page.get_by_role("link", name="Office").click()
    page.get_by_role("link", name="Counterparts").click()
    expect(page.get_by_role("heading", name="Counterparts")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Café Morgenrot")).to_contain_text("DE • Berlin")
    fill_in(page, "Havel Obst GmbH")
    assert send(page) == 201
    expect(page.get_by_role("heading", name="Havel Obst GmbH")).to_be_visible()
    page.get_by_label("Counterpart Close").click()
    expect(page.get_by_role("row").filter(has_text="Havel Obst GmbH")).to_contain_text("DE • Potsdam")
    readable.append(page.evaluate(READABLE))

    # It says that an action is refused, and shows what the role allows when the page is loaded again.
    fill_in(page, "Nowhere Ltd")
    with role(monite, CLERK):
        check_that_it_is_refused(page, "Nowhere Ltd", 403, complaints)
        readable.append(page.evaluate(READABLE))
        page.reload()
        expect(page.get_by_role("row").filter(has_text="Havel Obst GmbH")).to_be_visible()
        expect(page.get_by_role("button", name="Create New")).to_be_disabled()

    # A logout in another tab ends it at once. After a minute the SDK would ask again by itself, so the page is new.
    page.reload()
    page.wait_for_load_state("networkidle")
    fill_in(page, "Too late Ltd")
    other = context.new_page()
    other.goto(app.url)
    log_out(other)
    until(lambda: monite.monite.ledger.live() == [])
    before = calls(monite)
    check_that_it_is_refused(page, "Too late Ltd", 401, complaints)
    assert calls(monite) == before
    readable.append(page.evaluate(READABLE))
    page.reload()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()

    names = {each.name for each in monite.monite.directory.counterparts.all()}
    assert "Havel Obst GmbH" in names
    assert not names & {"Nowhere Ltd", "Too late Ltd"}

    received = [each.decode(errors="replace") for each in app.received]
    sent = [each.decode(errors="replace") for each in app.sent]
    # A token in these would be found: nothing is packed, or cut into pieces.
    assert any("Havel Obst GmbH" in each for each in received)
    assert any("Café Morgenrot" in each for each in readable)
    assert any("authorization: bearer this-is-no-token" in each.lower() for each in sent)
    pieces = re.compile("\r\n(content|transfer)-encoding:", re.IGNORECASE)
    assert not any(pieces.search(each) for each in received)
    check_that_no_token_is_in([*received, *sent, *readable], monite)
