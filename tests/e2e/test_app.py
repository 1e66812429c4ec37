"""The FastAPI example in a real browser, against the local Monite."""

import hashlib
import re

import pytest
from playwright.sync_api import Page, expect

from examples.shared.people import Person
from tests.e2e.stage import ANNA, VIKTOR, Demo, create_invoice, fingerprints, log_in, log_out
from tests.waiting import until

everybody = pytest.mark.parametrize("person", [ANNA, VIKTOR], ids=lambda person: person.job)


def test_an_anonymous_visitor_is_sent_to_the_login_page(page: Page, demo: Demo):
    page.goto(f"{demo.app}/invoices")
    expect(page).to_have_url(f"{demo.app}/login")
    for person in (ANNA, VIKTOR):
        expect(page.get_by_role("button", name=person.name)).to_contain_text(person.job)
    assert page.request.get(f"{demo.app}/monite/token").status == 401


@everybody
def test_a_person_sees_the_invoices_with_a_token_of_their_own(page: Page, demo: Demo, person: Person):
    log_in(page, demo, person)
    row = page.get_by_role("row").filter(has_text="Mühlenhof Mehle KG")
    expect(row).to_contain_text("MM-10873")
    expect(row).to_contain_text("To be paid")
    expect(row).to_contain_text("€1,824.00")
    (token,) = demo.tokens(person, "live")
    assert token["uses"] == 2  # one for the list and one for the person's role


def test_an_accountant_creates_an_invoice(page: Page, demo: Demo):
    log_in(page, demo, ANNA)
    create_invoice(page, "E2E-CREATED")
    expect(page.get_by_role("status").first).to_have_text("Invoice E2E-CREATED was created.")
    row = page.get_by_role("row").filter(has_text="E2E-CREATED")
    expect(row).to_contain_text("Rye flour, 25 kg")
    expect(row).to_contain_text("1 Mar 2031")
    expect(row).to_contain_text("Draft")
    expect(row).to_contain_text("€1,234.50")
    page.reload()
    expect(row).to_be_visible()
    expect(page.get_by_text("was created")).to_be_hidden()


@everybody
def test_the_token_card_shows_the_time_left_and_the_browser_has_no_token(
    page: Page, demo: Demo, person: Person
):
    log_in(page, demo, person)
    card = page.get_by_role("region", name="Your Monite token")
    (token,) = demo.tokens(person, "live")
    expect(card).to_contain_text(person.name)
    expect(card).to_contain_text(token["token"].removeprefix("…"))
    expect(card).to_contain_text(re.compile(r"29 min \d\d s left\s*renews at \d\d:\d\d"))
    before = card.get_by_role("progressbar").evaluate("bar => bar.value")
    expect(card.get_by_text("left")).not_to_have_text(card.get_by_text("left").inner_text())
    assert card.get_by_role("progressbar").evaluate("bar => bar.value") < before

    with page.expect_response("**/monite/token") as answer:
        card.get_by_role("button", name="Ask for it").click()
    expect(card.get_by_role("status")).to_contain_text("this-is-no-token")
    example = "x" * 43  # as long as a token: so the next lines would find one
    assert hashlib.sha256(example.encode()).hexdigest()[:12] in fingerprints(
        f'{{"access_token":"{example}"}}'
    )
    assert token["fingerprint"] not in fingerprints(answer.value.text())
    assert token["fingerprint"] not in fingerprints(page.content())
    assert token["fingerprint"] not in fingerprints(page.request.get(f"{demo.app}/invoices").text())


@everybody
def test_a_logout_has_the_token_revoked(page: Page, demo: Demo, person: Person):
    log_in(page, demo, person)
    (token,) = demo.tokens(person, "live")
    log_out(page)
    until(lambda: demo.tokens(person, "live") == [])
    assert token["id"] in [each["id"] for each in demo.tokens(person, "revoked")]
    page.go_back()
    expect(page).to_have_url(f"{demo.app}/login")
    page.goto(f"{demo.app}/invoices")
    expect(page).to_have_url(f"{demo.app}/login")


def test_a_cookie_from_before_the_logout_gets_no_token(page: Page, demo: Demo):
    log_in(page, demo, ANNA)
    (stolen,) = [cookie for cookie in page.context.cookies() if cookie["name"] == "session"]
    log_out(page)
    until(lambda: demo.tokens(ANNA, "live") == [])
    minted = len(demo.tokens(ANNA))

    headers = {"Cookie": f"session={stolen['value']}", "Origin": demo.app, "x-monite-version": "2024-05-25"}
    answer = page.request.get(f"{demo.app}/monite/api/entity_users/me", headers=headers)
    assert (answer.status, answer.json()["error"]["code"]) == (401, "session_ended")
    page.context.add_cookies([{"name": "session", "value": stolen["value"], "url": demo.app}])
    page.goto(f"{demo.app}/invoices")
    expect(page).to_have_url(f"{demo.app}/login")
    assert len(demo.tokens(ANNA)) == minted


def test_a_person_who_logs_in_again_gets_a_new_token(page: Page, demo: Demo):
    log_in(page, demo, ANNA)
    (first,) = demo.tokens(ANNA, "live")
    log_out(page)
    log_in(page, demo, ANNA)
    until(lambda: len(demo.tokens(ANNA, "live")) == 1)
    assert demo.tokens(ANNA, "live")[0]["id"] > first["id"]


def test_a_login_as_somebody_else_is_a_logout(page: Page, demo: Demo):
    log_in(page, demo, ANNA)
    page.request.post(f"{demo.app}/login", form={"user_id": "viktor"})
    page.reload()
    expect(page.get_by_role("banner")).to_contain_text(VIKTOR.name)
    until(lambda: demo.tokens(ANNA, "live") == [])
    assert len(demo.tokens(VIKTOR, "live")) == 1


def test_a_token_that_monite_no_longer_accepts_is_replaced_unnoticed(page: Page, demo: Demo):
    log_in(page, demo, ANNA)
    minted = len(demo.tokens(ANNA))
    demo.trouble("dead_token", "/payables")
    page.reload()
    expect(page.get_by_role("row").filter(has_text="Mühlenhof Mehle KG")).to_be_visible()
    assert len(demo.tokens(ANNA)) == minted + 1


def test_a_failure_at_monite_is_reported_in_plain_words(page: Page, demo: Demo, complaints: list[str]):
    log_in(page, demo, VIKTOR)
    demo.trouble("status", "/payables", status=503)
    answer = page.reload()
    assert answer is not None
    assert answer.status == 502
    expect(page.get_by_role("main")).to_contain_text("Monite did not answer as it should. Please try again.")
    page.get_by_role("link", name="Back to the invoices").click()
    expect(page.get_by_role("heading", name="Invoices")).to_be_visible()
    assert [re.findall(r"status of (\d+)", text) for text in complaints] == [["502"]]
    complaints.clear()


def test_refused_credentials_are_explained_to_the_developer_and_not_to_users(
    page: Page, complaints: list[str]
):
    with Demo() as demo:  # a demo of its own, since the app caches the refusal for a while
        demo.trouble("status", "/auth/token", status=401)
        page.goto(demo.app)
        with page.expect_response(f"{demo.app}/invoices") as answer:
            page.get_by_role("button", name=ANNA.name).click()
        assert answer.value.status == 502
        expect(page.get_by_role("main")).to_contain_text("Invoices and payments are not available right now.")
        assert "Check MONITE_CLIENT_ID and MONITE_CLIENT_SECRET" in demo.errors
    complaints.clear()


def test_monites_page_shows_the_token_as_it_lives_and_ends(page: Page, demo: Demo):
    log_in(page, demo, VIKTOR)
    (token,) = demo.tokens(VIKTOR, "live")
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Open the local Monite").click()
    row = popup.value.get_by_role("row").filter(has_text=token["token"])
    expect(row).to_contain_text(VIKTOR.name)
    expect(row).to_contain_text(VIKTOR.job)
    expect(row).to_contain_text(re.compile(r"29:\d\d"))
    log_out(page)
    expect(row).to_contain_text("revoked")


@pytest.mark.parametrize("width", [1280, 400])
def test_pages_fit_their_window(page: Page, demo: Demo, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/login", "/invoices"):
        page.goto(demo.app + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if path == "/login":
            log_in(page, demo, ANNA)
