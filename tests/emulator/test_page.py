"""The live page in a real browser."""

import itertools
import json
import re
import shlex
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import get_args

import httpx
import pytest
from playwright.sync_api import expect

from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Fault, serve
from monite_auth.emulator.faults.kinds import FaultKind

COLOURS = """() => {
  const solid = (colour) => !/^rgba\\(.*, 0\\)$/.test(colour);
  const paper = (element) => {
    const colour = getComputedStyle(element).backgroundColor;
    return solid(colour) || !element.parentElement ? colour : paper(element.parentElement);
  };
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.checkVisibility() && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((each) => [each.textContent.trim().slice(0, 40), getComputedStyle(each).color, paper(each)]);
}"""
"""Each text that is seen, with its colour and the one behind it."""


@pytest.fixture
def page(served, browser_page):
    browser_page.goto(served.url)
    return browser_page


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
    page.get_by_role("combobox", name="What").select_option("429, come back in 5 seconds")
    page.get_by_role("combobox", name="Whose").select_option(ANNA_ID)
    page.get_by_role("combobox", name="How often").select_option("5 times")
    page.get_by_role("button", name="Order").click()
    ordered = page.get_by_text(
        re.compile("429, come back in 5 seconds, /auth/token, Anna Becker's, Brightside")
    )
    expect(ordered).to_be_visible()
    (order,) = served.monite.faults.orders
    assert order.fault == Fault(
        kind="throttle", path="/auth/token", times=5, retry_after=5, entity_user_id=ANNA_ID
    )
    page.get_by_role("button", name="Delete: 429, come back").click()
    expect(ordered).to_have_count(0)
    assert served.monite.faults.orders == []


def test_faults_that_others_have_ordered_are_told_as_they_are(served, page):
    somebody = "99999999-9999-4999-8999-999999999999"
    for fault, told in (
        (
            Fault(kind="throttle", retry_after=2, method="POST"),
            "429, come back in 2 seconds, POST every call",
        ),
        (
            Fault(kind="status", status=502, client_id=somebody),
            f"answer 502, nothing done, every call, client {somebody}",
        ),
        (
            Fault(kind="latency", seconds=9, entity_user_id=somebody),
            f"answer 9 seconds late, every call, {somebody}",
        ),
        (Fault(kind="hang", entity_user_id=ANNA_ID), "never answer, every call, Anna Becker's, Brightside"),
        (Fault(kind="clock_skew", seconds=-90), "a clock that is 1:30 behind, every call"),
        (Fault(kind="hang", probability=0.25, times=3), "25 % of them, 0 hit, 3 to come"),
    ):
        served.monite.faults.add(fault)
        page.reload()
        expect(page.locator("#faults li").filter(has_text=told)).to_be_visible()


def test_names_of_any_length_and_people_of_any_number_leave_the_controls_at_hand(served, page):
    monite = served.monite
    anna, bakery = monite.directory.users.get(ANNA_ID), monite.directory.entities.get(BAKERY_ID)
    monite.directory.users.change(anna, {"first_name": "A" * 120, "last_name": "B" * 120})
    named = {**bakery.fields["organization"], "legal_name": "C" * 200}
    monite.directory.entities.change(bakery, {"organization": named})
    for number in range(300):
        monite.directory.users.add(
            monite.new_id(), {**anna.fields, "login": f"user {number}"}, entity_id=BAKERY_ID
        )
    token = monite.mint(anna, DEMO_CLIENT_ID)
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        expect(page.locator(".people li")).to_have_count(len(monite.directory.users.all()))
        expect(page.locator("#token-rows")).to_contain_text(token.masked)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.documentElement.scrollHeight") < 8000


def test_an_open_page_notices_that_the_emulator_is_another_one(troubled_page):
    page = troubled_page
    requests, feed = page.locator("#request-rows li"), page.get_by_role("log")
    with serve() as first:
        port = int(first.url.rsplit(":")[-1])
        page.goto(first.url)
        for _ in range(3):
            httpx.get(f"{first.api_url}/entities")
        first.monite.mint(None, DEMO_CLIENT_ID)
        expect(requests).to_have_count(3)
        expect(feed).to_contain_text("minted for the partner")
    expect(page.get_by_text("The emulator does not answer")).to_be_visible()
    with serve(port=port) as second:
        httpx.get(f"{second.api_url}/roles")
        expect(requests).to_have_count(1)
        expect(requests).to_contain_text("GET /roles")
        expect(feed).not_to_contain_text("minted")
        second.monite.reset()
        expect(requests).to_have_count(0)


def test_a_request_that_somebody_reads_stays(served, client, page):
    client.get("/entities")
    row = page.locator("#request-rows li").filter(has_text="GET /entities")
    row.locator("summary").click()
    for _ in range(205):
        client.get("/roles")
    expect(page.locator("#request-rows li")).to_have_count(201)
    expect(row.get_by_text("Request", exact=True)).to_be_visible()


def test_ids_can_be_copied_from_a_page_without_tls(served, page):
    """Browsers give it no clipboard unless its host is this machine."""
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.reload()
    anna = page.locator(".people li").filter(has_text="Accountant of Brightside Bakery")
    button = anna.get_by_role("button", name="user id")
    button.click()
    expect(page.get_by_role("button", name="copied")).to_be_visible()
    page.get_by_role("searchbox", name="Find").focus()
    page.keyboard.press("Control+v")
    expect(page.get_by_role("searchbox", name="Find")).to_have_value(ANNA_ID)


def test_the_keyboard_keeps_its_place(served, client, page):
    served.monite.faults.add(Fault(kind="status", status=503))
    page.get_by_role("button", name="Delete: answer 503").focus()
    client.get("/entities")
    expect(page.locator("#faults")).to_contain_text("1 hit")
    assert page.evaluate("document.activeElement.textContent") == "delete"
    token = served.monite.mint(None, DEMO_CLIENT_ID)
    page.get_by_role("button", name=f"Revoke {token.masked}").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#token-rows tr")).to_have_class(re.compile("revoked"))
    expect(page.locator("#tokens")).to_be_focused()


def test_the_page_tells_the_date_of_a_clock_that_stands_elsewhere(served, page):
    served.monite.clock.freeze(datetime(2031, 5, 6, 12, tzinfo=UTC))
    expect(page.locator("header .clock")).to_contain_text("2031-05-06")
    expect(page.locator("header .clock")).to_contain_text(
        re.compile(r"frozen, \d+ days ahead of the real time")
    )


def test_what_the_emulator_does_not_like_is_said_where_one_looks(served, troubled_page):
    page = troubled_page
    page.goto(served.url)
    page.set_viewport_size({"width": 1280, "height": 700})
    page.locator("[name=moment]").fill("2150-01-01T00:00:00")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_role("alert")).to_be_in_viewport()
    expect(page.get_by_role("alert")).to_contain_text("goes from 1970 to the end of 2099")


def test_every_fault_can_be_ordered_by_a_human_name(served, page):
    select = page.get_by_role("combobox", name="What")
    kinds = select.locator("option").evaluate_all("options => options.map(option => option.value)")
    assert {*kinds} == {*get_args(FaultKind)}
    for kind in kinds:
        select.select_option(kind)
        page.get_by_role("button", name="Order").click()
    expect(page.locator("#faults li")).to_have_count(len(kinds))
    page.get_by_role("button", name="Clear faults").click()
    expect(page.locator("#faults li")).to_have_count(0)


def test_the_page_shows_requests_the_newest_first_and_finds_them(served, client, page):
    token = served.monite.mint(served.monite.directory.users.get(ANNA_ID), DEMO_CLIENT_ID)
    headers = {"authorization": f"Bearer {token.value}", "x-monite-entity-id": BAKERY_ID}
    client.get("/payables", headers=headers)
    served.monite.clock.set(served.monite.clock.now() - 3600)  # whatever the clock does
    refused = client.post("/payables", headers=headers, json={"currency": "XXX"})
    rows = page.locator("#request-rows li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("POST /payables")
    rows.first.locator("summary").click()
    expect(rows.first).to_contain_text(refused.headers["x-request-id"])
    expect(rows.first).to_contain_text('"currency": "XXX"')
    assert token.value not in page.content()
    page.get_by_role("combobox", name="Answered by").select_option("200")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("GET /payables")
    page.get_by_role("searchbox", name="Find").fill("nothing like it")
    expect(page.get_by_text("No request fits.")).to_be_visible()


def test_a_token_is_revoked_only_by_who_confirms_it(served, page):
    token = served.monite.mint(served.monite.directory.users.get(ANNA_ID), DEMO_CLIENT_ID)
    for answer, state in (("Keep it", "live"), ("Revoke", "revoked")):
        page.get_by_role("button", name=f"Revoke {token.masked} of Anna Becker").click()
        page.get_by_role("dialog").get_by_role("button", name=answer).click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.locator("#token-rows tr")).to_have_class(re.compile(state))
        assert token.state(served.monite.clock.now()) == state


def test_ids_credentials_and_a_command_that_mints_can_be_copied(served, page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def copied(row, name):
        row.get_by_role("button", name=name).click()
        expect(row.get_by_role("button", name=name)).to_have_count(0)
        text = page.evaluate("navigator.clipboard.readText()")
        expect(row.get_by_role("button", name=name)).to_be_visible()
        return text

    anna = page.locator(".people li").filter(has_text="Accountant of Brightside Bakery")
    assert copied(anna, "user id") == ANNA_ID
    assert copied(anna, "entity id") == BAKERY_ID
    settings = copied(page.locator(".credentials"), "settings")
    assert f"export MONITE_CLIENT_SECRET={DEMO_CLIENT_SECRET}" in settings.splitlines()
    command = shlex.split(copied(anna, "mint with curl"))
    options = [value for option, value in itertools.pairwise(command) if option == "-H"]
    headers = dict(option.split(": ", 1) for option in options)
    answer = httpx.post(command[3], headers=headers, content=command[-1])
    assert answer.status_code == 200
    assert served.monite.ledger.live(ANNA_ID)


def test_a_secret_is_copied_as_a_shell_reads_it(served, page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    secret = "it's a $ecret for tests"
    served.monite.partner.credentials[DEMO_CLIENT_ID] = [secret]
    settings = page.locator(".credentials").get_by_role("button", name="settings")
    expect(settings).to_have_attribute("title", re.compile("for tests"))
    for name, told in (("settings", f"MONITE_CLIENT_SECRET={secret}"), ("mint with curl", secret)):
        page.get_by_role("button", name=name).first.click()
        copied = shlex.split(page.evaluate("navigator.clipboard.readText()"))
        assert told in (copied if name == "settings" else json.loads(copied[-1]).values())


def test_the_gauge_shows_how_much_of_the_limit_is_used(served, client, page):
    gauge, used = page.locator("#rate-bar"), page.locator("#requests-now")
    is_enough = threading.Event()

    def ask_and_ask():
        while not is_enough.is_set():
            client.get("/entities", headers={"authorization": "Bearer nobody's"})

    served.monite.requests_per_second = 2
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask_and_ask)
        try:
            expect(page.locator("#limit")).to_have_text("2")
            expect(used).to_have_text(re.compile(r"[1-9]"))
            expect(gauge).to_have_attribute("style", "transform: scaleX(1);")
            expect(gauge).to_have_class("late")
        finally:
            is_enough.set()
        asking.result()
    expect(used).to_have_text("0")
    expect(gauge).to_have_attribute("style", "transform: scaleX(0);")
    expect(gauge).not_to_have_class("late")


def luminance(colour):
    """Return how bright a colour looks, as WCAG counts it: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(("scheme", "is_dark"), [("light", False), ("dark", True)])
def test_the_page_is_readable_by_day_and_by_night(served, page, scheme, is_dark):
    served.monite.mint(served.monite.directory.users.get(ANNA_ID), DEMO_CLIENT_ID)
    page.emulate_media(color_scheme=scheme)
    expect(page.locator("#token-rows tr")).to_have_count(1)
    assert (luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) < 0.1) is is_dark
    pairs = page.evaluate(COLOURS)
    assert len(pairs) > 50
    for text, ink, paper in pairs:
        lighter, darker = sorted((luminance(ink), luminance(paper)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, text


def test_the_clock_is_frozen_set_and_brought_back(served, page):
    clock = served.monite.clock
    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("#ahead")).to_contain_text("frozen")
    page.get_by_label("Set it to").fill("2031-05-06T07:08:09")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_role("log")).to_contain_text("clock moved forward")
    assert datetime.fromtimestamp(clock.now()).isoformat() == "2031-05-06T07:08:09"  # noqa: DTZ006 - the browser's zone
    assert clock.is_frozen
    page.get_by_role("button", name="Right time").click()
    expect(page.locator("#ahead")).to_have_text("")
    assert (clock.ahead, clock.is_frozen) == (0, False)


def test_a_snapshot_is_saved_and_restored_and_a_reset_asks_first(served, page, tmp_path):
    monite, path = served.monite, tmp_path / "world.json"
    token = monite.mint(monite.directory.users.get(ANNA_ID), DEMO_CLIENT_ID)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save a snapshot").click()
    download.value.save_as(path)
    for answer, tokens in (("Keep it", 1), ("Reset", 0)):
        page.get_by_role("button", name="Reset everything").click()
        page.get_by_role("dialog").get_by_role("button", name=answer).click()
        expect(page.locator("#token-rows tr")).to_have_count(tokens)
    page.get_by_label("Restore one").set_input_files(path)
    page.get_by_role("dialog").get_by_role("button", name="Replace").click()
    expect(page.locator("#token-rows tr")).to_have_count(1)
    assert monite.ledger.find(token.value)
    page.get_by_label("Restore one").set_input_files(
        {"name": "x.json", "mimeType": "text/plain", "buffer": b"{"}
    )
    expect(page.get_by_role("alert")).to_have_text("x.json is no JSON.")


def test_a_dialog_is_left_by_keyboard_without_harm(served, page):
    served.monite.mint(None, DEMO_CLIENT_ID)
    reset = page.get_by_role("button", name="Reset everything")
    for key in ("Escape", "Enter"):  # the answer that destroys nothing has the focus
        reset.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert len(served.monite.ledger.tokens) == 1


def test_a_phone_shows_everything_within_its_width_and_the_way_to_the_controls(served, page):
    served.monite.mint(served.monite.directory.users.get(ANNA_ID), DEMO_CLIENT_ID)
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator("#token-rows tr")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("navigation").get_by_role("link", name="Clock").click()
    expect(page.get_by_role("button", name="+5 min")).to_be_in_viewport()


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
