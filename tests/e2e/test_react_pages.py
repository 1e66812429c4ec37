"""The seven pages of Monite's own React SDK in a real browser: with calls through the app, and with calls to the emulator itself."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from examples.demo import HOST, Child, free_port, wait_until_ready
from examples.shared.pages import REACT
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Emulator, Monite, serve
from tests.e2e.stage import ANNA, KEEP_TOASTS, MILLISECONDS
from tests.waiting import until

ROWS = {
    "Payables": ("MM-10873", "€1,824.00", "Mühlenhof Mehle KG", "Angermünde", "Anna Becker"),
    "Receivables": ("INV-00003", "€325.58", "Café Morgenrot", "Berlin"),
    "Counterparts": ("Café Morgenrot", "Berlin"),
    "Products": ("Wedding cake", "€240.00", "piece"),
    "Tags": ("Kitchen", "Anna Becker"),
    "ApprovalPolicies": ("Large bills", "Amount", "Anna Becker"),
    "UserRoles": ("Purchaser", "Counterpart"),
}
"""What a row of each page says about the demo's data, when all that it has asked for has come."""

ELSEWHERE = ("https://cdn.sandbox.kanmon.dev/", "https://flagcdn.com/")
"""Where Receivables loads a script for loans from, and flags. The pages' policy does not let it."""

WAYS = ["through the app", "directly"]

pytestmark = pytest.mark.skipif(
    not REACT.exists(), reason="The page is not built: make react, which needs npm"
)


@pytest.fixture(scope="module")
def monite() -> Iterator[Emulator]:
    with serve(Monite(requests_per_second=1000)) as running:
        yield running


@pytest.fixture(scope="module")
def app(monite: Emulator) -> Iterator[Child]:
    """The example app, with a page for each way."""
    child = Child(
        "The app",
        free_port(0),
        *("uvicorn", "tests.e2e.direct:app", "--host", HOST, "--log-level", "warning"),
        MONITE_BASE_URL=monite.api_url,
        MONITE_CLIENT_ID=DEMO_CLIENT_ID,
        MONITE_CLIENT_SECRET=DEMO_CLIENT_SECRET,
        APP_SECRET=secrets.token_urlsafe(),
    )
    with child:
        wait_until_ready(child, threading.Event())
        yield child


@pytest.fixture(scope="module")
def anna(browser: Browser, app: Child) -> Iterator[BrowserContext]:
    """A browser in which Anna is logged in."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(MILLISECONDS)
        context.add_init_script(KEEP_TOASTS)
        page = context.new_page()
        page.goto(app.url)
        page.get_by_role("button", name=ANNA.name).click()
        page.get_by_role("heading", name="Invoices").wait_for()
        yield context


@dataclass
class Office:
    """The office page, opened in one way. It keeps what fails, and where calls of Monite's API went."""

    page: Page
    troubles: list[str] = field(default_factory=list)
    under_way: set[Request] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("request", self._note_request)
        self.page.on("requestfinished", self._note_end)
        self.page.on("response", self._note_answer)
        self.page.on("requestfailed", self._note_failure)
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.troubles.append(f"uncaught: {error}"))

    def _note_request(self, request: Request) -> None:
        if request.url.startswith("http"):  # the browser's own page for PDFs is never done
            self.under_way.add(request)

    def _note_end(self, request: Request) -> None:
        self.under_way.discard(request)

    def _note_answer(self, answer: Response) -> None:
        if answer.url.endswith("/entity_users/me"):
            self.calls.add(answer.url)
        if answer.status >= 400:
            self.troubles.append(f"{answer.status} {answer.request.method} {answer.url}")

    def _note_failure(self, request: Request) -> None:
        self._note_end(request)
        if request.url.startswith("http") and not request.url.startswith(ELSEWHERE):
            self.troubles.append(f"{request.failure} {request.method} {request.url}")

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(each in message.text for each in ELSEWHERE):
            self.troubles.append(f"console: {message.text}")

    @contextmanager
    def shows_a_pdf(self) -> Iterator[None]:
        """Wait until what the block does has brought a whole PDF of the emulator."""
        with self.page.expect_response(lambda answer: "/files/" in answer.url) as pdf:
            yield
        assert pdf.value.headers["content-type"] == "application/pdf"
        pdf.value.finished()

    def check(self, row: tuple[str, ...], *toasts: str) -> None:
        """Check that a row says all of this, that nothing fails, and that the SDK tells these messages and no others."""
        rows = self.page.get_by_role("row")
        for text in row:
            rows = rows.filter(has_text=text)
        until(lambda: self.troubles or (rows.count() == 1 and not self.under_way))
        told = set(self.page.evaluate("toasts"))
        assert not self.troubles, "\n".join([*self.troubles, *told])
        assert told == set(toasts)


@pytest.fixture(params=WAYS)
def open_page(
    request: pytest.FixtureRequest, anna: BrowserContext, app: Child, monite: Emulator
) -> Iterator[Callable[[str], Office]]:
    path, api = {
        "through the app": ("/office", f"{app.url}/monite/api"),
        "directly": ("/direct", monite.api_url),
    }[request.param]
    office = Office(anna.new_page())

    def opened(name: str) -> Office:
        # Idle is half a second without a call, in which something may still be told.
        office.page.goto(f"{app.url}{path}#{name}", wait_until="networkidle")
        return office

    yield opened
    office.page.close()
    assert office.calls == {f"{api}/entity_users/me"}


@pytest.mark.parametrize("name", ROWS)
def test_each_page_of_the_react_sdk_shows_the_demos_data_without_an_error(open_page, name):
    open_page(name).check(ROWS[name])


def test_the_react_sdk_creates_a_tag(open_page, monite):
    name = f"Summer {secrets.token_hex(4)}"
    office = open_page("Tags")
    office.page.get_by_role("button", name="Create new").click()
    office.page.get_by_role("textbox").fill(name)
    office.page.get_by_role("button", name="Create", exact=True).click()
    office.check((name, "Anna Becker"), f"New tag “{name}” created")
    assert name in {each.fields["name"] for each in monite.monite.directory.table("tags").all()}


def test_the_react_sdk_creates_an_invoice_and_shows_its_pdf(open_page, monite):
    office = open_page("Receivables")
    page, form = office.page, office.page.get_by_role("dialog")
    page.get_by_role("button", name="Create invoice").click()
    for label, choice in {
        "Customer": "Café Morgenrot",
        "Billing address": "10435, Berlin",
        "Your VAT ID": "DE123456789",
        "Payment terms": "14 days",
    }.items():
        form.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=choice).click()
    form.get_by_role("checkbox", name="Same as invoice date").check()
    form.get_by_role("button", name="Add item").click()
    form.get_by_role("combobox", name="Currency").fill("eur")
    page.get_by_role("option", name="EUR").click()
    form.get_by_role("checkbox", name="Rye bread").click()
    form.get_by_role("button", name="Add", exact=True).click()
    with office.shows_a_pdf():
        form.get_by_role("button", name="Next page").click()
    form.get_by_role("tab", name="Details").click()
    office.check(("Rye bread", "€6.40", "VAT 19%"), "Invoice to “Café Morgenrot” was created")


def test_the_react_sdk_changes_a_draft_of_an_invoice(open_page, monite):
    memo = f"As discussed on {secrets.token_hex(4)}"
    office = open_page("Receivables")
    form = office.page.get_by_role("dialog")
    with office.shows_a_pdf():
        office.page.get_by_role("row").filter(has_text="Draft").first.click()
    form.get_by_role("button", name="Edit invoice").click()
    form.get_by_role("textbox", name="Dear client").fill(memo)
    with office.shows_a_pdf():
        form.get_by_role("button", name="Update").click()
    form.get_by_role("tab", name="Details").click()
    office.check(("Rye bread", "€6.40", "VAT 19%"), "invoice has been updated")
    assert memo in {each.fields.get("memo") for each in monite.monite.directory.table("receivables").all()}
