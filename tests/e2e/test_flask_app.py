"""The Flask example in a real browser, against the local Monite: the same story as test_app.py."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.stage import ANNA, VIKTOR, Demo, create_invoice, log_in, log_out
from tests.waiting import until


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with Demo("flask") as running:
        yield running


def test_an_anonymous_visitor_is_sent_to_the_login_page(page: Page, demo: Demo):
    page.goto(f"{demo.app}/invoices")
    expect(page).to_have_url(f"{demo.app}/login")
    assert page.request.get(f"{demo.app}/monite/token").status == 401


def test_an_accountant_creates_an_invoice_with_a_token_of_their_own(page: Page, demo: Demo):
    log_in(page, demo, ANNA)
    (token,) = demo.tokens(ANNA, "live")
    card = page.get_by_role("region", name="Your Monite token")
    expect(card).to_contain_text(token["token"].removeprefix("…"))
    page.wait_for_load_state()  # the button does nothing before its script is there
    with page.expect_response("**/monite/token"):
        card.get_by_role("button", name="Ask for it").click()
    expect(card.get_by_role("status")).to_contain_text("this-is-no-token")
    create_invoice(page, "FLASK-CREATED")
    expect(page.get_by_role("status").first).to_have_text("Invoice FLASK-CREATED was created.")
    row = page.get_by_role("row").filter(has_text="FLASK-CREATED")
    expect(row).to_contain_text("€1,234.50")
    page.reload()
    expect(row).to_be_visible()
    expect(page.get_by_text("was created")).to_be_hidden()
    assert len(demo.tokens(ANNA, "live")) == 1


def test_a_logout_has_the_token_revoked_and_an_old_cookie_gets_none(page: Page, demo: Demo):
    log_in(page, demo, ANNA)
    (stolen,) = [cookie for cookie in page.context.cookies() if cookie["name"] == "session"]
    log_out(page)
    until(lambda: demo.tokens(ANNA, "live") == [])
    page.go_back()
    expect(page).to_have_url(f"{demo.app}/login")
    headers = {"Cookie": f"session={stolen['value']}", "Origin": demo.app, "x-monite-version": "2024-05-25"}
    answer = page.request.get(f"{demo.app}/monite/api/entity_users/me", headers=headers)
    assert (answer.status, answer.json()["error"]["code"]) == (401, "session_ended")


def test_a_login_as_somebody_else_is_a_logout(page: Page, demo: Demo):
    log_in(page, demo, ANNA)
    page.request.post(f"{demo.app}/login", form={"user_id": "viktor"})
    page.reload()
    expect(page.get_by_role("banner")).to_contain_text(VIKTOR.name)
    until(lambda: demo.tokens(ANNA, "live") == [])


def test_a_failure_at_monite_is_reported_in_plain_words(page: Page, demo: Demo, complaints: list[str]):
    log_in(page, demo, VIKTOR)
    demo.trouble("status", "/payables", status=503)
    answer = page.reload()
    assert answer is not None
    assert answer.status == 502
    expect(page.get_by_role("main")).to_contain_text("Monite did not answer as it should. Please try again.")
    complaints.clear()


@pytest.mark.skipif(sys.platform != "linux", reason="children are found in /proc")
def test_a_signal_ends_the_demo_and_all_of_its_processes():
    with Demo("flask") as demo:
        children = demo.children
        assert len(children) == 2
        assert demo.end(signal.SIGTERM) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in children)
        assert demo.errors == ""
