"""The Django example in a real browser: the same story as test_app.py, with Django's forms and sessions."""

import secrets
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from examples.demo import Child, free_port, wait_until_ready
from monite_auth.emulator import (
    ANNA_ID,
    DEMO_CLIENT_ID,
    DEMO_CLIENT_SECRET,
    VIKTOR_ID,
    Emulator,
    Fault,
    Monite,
    serve,
)
from tests.e2e.stage import ANNA, MILLISECONDS, VIKTOR, create_invoice, log_out
from tests.waiting import until


@pytest.fixture(scope="module")
def monite() -> Iterator[Emulator]:
    with serve(Monite(requests_per_second=1000)) as running:
        yield running


@pytest.fixture(scope="module")
def app(monite: Emulator) -> Iterator[str]:
    with Child(
        "The Django app",
        free_port(0),
        "examples.django_app",
        MONITE_BASE_URL=monite.api_url,
        MONITE_CLIENT_ID=DEMO_CLIENT_ID,
        MONITE_CLIENT_SECRET=DEMO_CLIENT_SECRET,
        APP_SECRET=secrets.token_urlsafe(),
    ) as child:
        wait_until_ready(child, threading.Event())
        yield child.url


@pytest.fixture
def page(browser: Browser, app: str, monite: Emulator) -> Iterator[Page]:
    """A page in a fresh browser context. No token is live when a test begins."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(MILLISECONDS)
        page = context.new_page()
        page.goto(app)
        yield page
        page.goto(app)
        if page.get_by_role("button", name="Log out").is_visible():
            log_out(page)
        until(lambda: monite.monite.ledger.live() == [])


def log_in(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()
    page.get_by_role("heading", name="Invoices").wait_for()


def test_an_accountant_creates_an_invoice_and_logs_out(page: Page, monite: Emulator):
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    log_in(page, ANNA.name)
    expect(page.get_by_role("row").filter(has_text="Mühlenhof Mehle KG")).to_be_visible()
    create_invoice(page, "DJ-CREATED")
    expect(page.get_by_role("status").first).to_have_text("Invoice DJ-CREATED was created.")
    expect(page.get_by_role("row").filter(has_text="DJ-CREATED")).to_contain_text("€1,234.50")
    assert len(monite.monite.ledger.live(ANNA_ID)) == 1
    log_out(page)
    until(lambda: monite.monite.ledger.live(ANNA_ID) == [])
    page.go_back()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_the_token_card_asks_the_token_endpoint(page: Page, monite: Emulator):
    log_in(page, ANNA.name)
    (token,) = monite.monite.ledger.live(ANNA_ID)
    card = page.get_by_role("region", name="Your Monite token")
    expect(card).to_contain_text(token.masked.removeprefix("…"))
    page.wait_for_load_state()  # the button does nothing before its script is there
    with page.expect_response("**/monite/token") as answer:
        card.get_by_role("button", name="Ask for it").click()
    assert answer.value.status == 200
    expect(card.get_by_role("status")).to_contain_text("this-is-no-token")


def test_a_login_as_somebody_else_is_a_logout(page: Page, app: str, monite: Emulator):
    log_in(page, ANNA.name)
    csrf = page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    answer = page.request.post(
        f"{app}/login", form={"user_id": "viktor", "csrfmiddlewaretoken": csrf}, headers={"referer": app}
    )
    assert answer.status == 200
    page.reload()
    expect(page.get_by_role("banner")).to_contain_text(VIKTOR.name)
    until(lambda: monite.monite.ledger.live(ANNA_ID) == [])
    assert len(monite.monite.ledger.live(VIKTOR_ID)) == 1


def test_a_failure_at_monite_is_reported_in_plain_words(page: Page, app: str, monite: Emulator):
    monite.monite.faults.add(Fault(kind="status", status=404, path="/auth/token", times=1))
    page.get_by_role("button", name=VIKTOR.name).click()
    expect(page.get_by_role("main")).to_contain_text(
        "Your account is not allowed to use invoices and payments."
    )
