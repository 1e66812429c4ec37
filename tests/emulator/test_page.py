"""The live page in a real browser."""

import pytest
from playwright.sync_api import expect

from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_ID, Fault
from tests.e2e.stage import CHROMIUM, MILLISECONDS, chromium


@pytest.fixture
def page(served):
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(MILLISECONDS)
        complaints = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(served.url)
        yield page
    assert complaints == []


def test_the_page_follows_a_token_from_its_mint_to_its_end(served, page):
    monite = served.monite
    expect(page.get_by_text("No tokens yet")).to_be_visible()
    token = monite.mint(monite.directory.users.get(ANNA_ID), DEMO_CLIENT_ID)
    row = page.get_by_role("row").filter(has_text="anna.becker")
    expect(row).to_contain_text("Brightside Bakery GmbH")
    expect(row).to_contain_text(token.masked)
    monite.ledger.revoke(token)
    expect(row).to_contain_text("revoked")
    expect(page.get_by_role("log")).to_contain_text(f"{token.masked} of Anna Becker revoked")
    assert token.value not in page.content()


def test_the_page_moves_the_clock_and_notices_what_expires(served, page):
    token = served.monite.mint(None, DEMO_CLIENT_ID)
    expect(page.get_by_role("row").filter(has_text="Partner")).to_contain_text(token.masked)
    page.get_by_role("button", name="+30 min").click()
    expect(page.get_by_role("log")).to_contain_text(f"{token.masked} of the partner expired")
    assert served.monite.clock.now() > token.expires_at


def test_the_page_orders_and_clears_faults(served, page):
    page.get_by_role("combobox", name="What").select_option("throttle")
    page.get_by_role("combobox", name="How often").select_option("5 times")
    page.get_by_role("button", name="Order").click()
    expect(page.get_by_text("throttle on /auth/token")).to_be_visible()
    (order,) = served.monite.faults.orders
    assert order.fault == Fault(kind="throttle", path="/auth/token", times=5, retry_after=5)
    page.get_by_role("button", name="Clear faults").click()
    expect(page.get_by_text("throttle on /auth/token")).to_have_count(0)
    assert served.monite.faults.orders == []


def test_a_name_is_shown_as_text_whatever_it_contains(served, page):
    monite = served.monite
    user = monite.directory.users.get(ANNA_ID)
    monite.directory.users.change(user, {"first_name": "<img src=x onerror=alert(1)>"})
    monite.mint(user, DEMO_CLIENT_ID)
    expect(page.get_by_role("row").filter(has_text="<img src=x")).to_be_visible()
    assert page.locator("img").count() == 0


def test_no_page_of_another_site_can_use_the_control_side(served, page):
    monite = served.monite
    token = monite.mint(None, DEMO_CLIENT_ID)
    monite.faults.add(Fault(kind="status", path="/roles"))
    stranger = page.context.browser.new_page()
    stranger.goto("about:blank")
    for method, path in (("POST", "reset"), ("DELETE", "faults"), ("POST", "faults"), ("GET", "ledger")):
        for options in ({"mode": "no-cors"}, {"headers": {"x-monite-emulator": "1"}}):
            answer = stranger.evaluate(
                "([url, options]) => fetch(url, options).then(answer => answer.text()).catch(() => '')",
                [f"{served.url}/_emulator/{path}", {"method": method, **options}],
            )
            assert answer == ""
    assert monite.ledger.tokens == [token]
    assert len(monite.faults.orders) == 1
