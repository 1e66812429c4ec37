"""One story in all three example apps: one person works for three organizations, and another one only views."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from examples.shared.people import ORGANIZATIONS, TEA
from monite_auth.emulator import TILDA_ID
from tests.e2e.stage import (
    ANNA,
    VIKTOR,
    Demo,
    create_invoice,
    forge,
    log_in,
    log_out,
    work_for,
)
from tests.waiting import until

INVOICE = {"description": "Sugar", "document_id": "FORGED", "amount": "12.50", "due_date": "2031-03-01"}


@pytest.fixture(scope="module", params=["fastapi", "django", "flask"])
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    with Demo(request.param) as running:
        yield running


def row(page: Page, text: str):
    return page.get_by_role("row").filter(has_text=text)


def delete_buttons(page: Page):
    return page.get_by_role("button", name="Delete")


def test_an_accountant_serves_three_organizations_in_one_session(page: Page, demo: Demo):
    log_in(page, demo, ANNA)
    expect(page.get_by_label("Organization")).to_have_value("bakery")
    for organization, role, invoice, may_create, may_delete in (
        ("books", "Viewer", "Gannet Press", False, 0),
        ("tea", "Clerk", "Porzellan Huber", True, 1),
        ("bakery", "Accountant", "Mühlenhof Mehle KG", True, 6),
        ("books", "Viewer", "Gannet Press", False, 0),
    ):
        work_for(page, organization)
        expect(page.get_by_label("Organization")).to_have_value(organization)
        expect(page.get_by_role("banner")).to_contain_text(role)
        expect(row(page, invoice)).to_be_visible()
        expect(page.get_by_role("button", name="Create invoice")).to_have_count(int(may_create))
        expect(delete_buttons(page)).to_have_count(may_delete)
        (token,) = demo.tokens(ANNA, at=organization)  # the same token each time she returns
        card = page.get_by_role("region", name="Your Monite token")
        expect(card).to_contain_text(ORGANIZATIONS[organization].name)
        expect(card).to_contain_text(token["token"].removeprefix("…"))

    log_out(page)
    until(demo.nothing_is_live)
    page.go_back()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_user_who_may_delete_own_invoices_has_buttons_for_these_and_cannot_delete_others(
    page: Page, demo: Demo
):
    log_in(page, demo, ANNA)
    work_for(page, "tea")
    create_invoice(page, "TEA-1")
    expect(page.get_by_role("status").first).to_have_text("Invoice TEA-1 was created.")
    expect(row(page, "TEA-1")).to_contain_text("CHF 1,234.50")
    row(page, "TEA-1").get_by_role("button").click()
    expect(page.get_by_role("status").first).to_have_text("The invoice was deleted.")
    expect(row(page, "TEA-1")).to_have_count(0)

    payables = demo.payables(TILDA_ID, TEA.entity_id)
    other = next(each["id"] for each in payables if each["was_created_by_user_id"] == TILDA_ID)
    refusal = forge(page, f"/invoices/{other}/delete")
    assert refusal.status == 403
    assert "Your role does not allow you to do this." in refusal.text()
    assert demo.payables(TILDA_ID, TEA.entity_id) == payables
    log_out(page)
    until(demo.nothing_is_live)


def test_a_form_that_the_role_does_not_allow_is_refused_with_a_page(page: Page, demo: Demo):
    log_in(page, demo, ANNA)
    work_for(page, "books")
    for path, fields in (
        ("/invoices", INVOICE),
        ("/invoices/9a1ab1e0-0000-4000-8000-000000000001/delete", {}),
    ):
        refusal = forge(page, path, **fields)
        assert refusal.status == 403
        assert "You are not allowed to do this." in refusal.text()
    page.reload()
    expect(row(page, "FORGED")).to_have_count(0)
    log_out(page)


def test_a_viewer_has_no_buttons_and_no_other_organization(page: Page, demo: Demo):
    log_in(page, demo, VIKTOR)
    expect(page.get_by_role("banner")).to_contain_text("Viewer")
    expect(row(page, "Mühlenhof Mehle KG")).to_be_visible()
    expect(page.get_by_role("button", name="Create invoice")).to_have_count(0)
    expect(delete_buttons(page)).to_have_count(0)
    expect(page.get_by_label("Organization")).to_have_count(0)

    refusal = forge(page, "/invoices", **INVOICE)
    assert refusal.status == 403
    assert "You are not allowed to do this." in refusal.text()
    for organization in ("books", "nowhere", ""):
        refusal = forge(page, "/organization", organization=organization)
        assert refusal.status in (403, 422), organization
    page.reload()
    expect(page.get_by_text("What Brightside Bakery GmbH has to pay")).to_be_visible()
    expect(row(page, "FORGED")).to_have_count(0)
    log_out(page)


@pytest.mark.parametrize("width", [1280, 660, 400])
def test_pages_fit_their_window(page: Page, demo: Demo, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    log_in(page, demo, ANNA)
    for organization in ("tea", "books", "bakery"):
        work_for(page, organization)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    log_out(page)
