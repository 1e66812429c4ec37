"""One contract for all adapters: the same scenarios in each framework, in `def` and in `async def` views.

What an adapter does beyond it is tested beside it: test_starlette.py, test_flask.py, tests/django.
"""

from contextlib import contextmanager
from dataclasses import replace

import pytest

from monite_auth.emulator import ANNA_ID, VIKTOR_ID, Fault
from tests.integrations.contract_django import django_database, django_site
from tests.integrations.contract_flask import flask_site
from tests.integrations.contract_site import PARTNER_ORIGIN, STRANGER, Browser
from tests.integrations.contract_starlette import starlette_site
from tests.waiting import until

SITES = {"starlette": starlette_site, "django": django_site, "flask": flask_site}

impatient = pytest.mark.parametrize("deadline", [0.5], ids=["impatient"])
"""For tests in which somebody waits in vain."""


@pytest.fixture(scope="module")
def database():
    """Django's; gone at the end of this file, so that the tests of `tests/django` can make their own."""
    with django_database():
        yield


@pytest.fixture
def deadline():
    return 10


@pytest.fixture(params=[f"{name}-{form}" for name in SITES for form in ("sync", "async")])
def site(request, emulated, deadline):
    name, form = request.param.split("-")
    if name == "django":
        request.getfixturevalue("database")
    with SITES[name](replace(emulated, deadline=deadline), form) as running:
        yield running


@pytest.fixture
def browser(site):
    return Browser(site)


@pytest.fixture
def other(site):
    """A second browser, with cookies of its own."""
    return Browser(site)


@pytest.fixture
def ledger(emulator):
    return emulator.monite.ledger


@contextmanager
def trouble(emulator, **fault):
    """Let Monite be in trouble for a while."""
    order = emulator.monite.faults.add(Fault(**fault))
    yield order
    emulator.monite.faults.remove(order.id)


def revoked(ledger, entity_user_id=ANNA_ID):
    """Wait until no token of a user is live, and see that each was revoked and none merely expired."""
    until(lambda: not ledger.live(entity_user_id))
    assert all(token.revoked_at is not None for token in ledger.mints(entity_user_id))


# -- anonymous, linked, unlinked


def test_an_anonymous_visitor_gets_a_401_and_costs_monite_nothing(browser, ledger):
    refusal = browser.me()
    assert refusal.status == 401
    assert refusal.json == {"error": {"code": "not_logged_in", "message": "Please log in."}}
    assert refusal.headers["cache-control"] == "no-store"
    assert "set-cookie" not in refusal.headers
    assert browser.token().refusal == (401, "not_logged_in")
    assert browser.logout().status == 200
    assert ledger.tokens == []


def test_an_anonymous_visitor_who_wants_a_page_gets_one_sentence(browser):
    refusal = browser.me(accept="text/html,*/*")
    assert (refusal.status, refusal.text) == (401, "Please log in.")
    assert refusal.headers["content-type"] == "text/plain; charset=utf-8"


def test_promise_1_linked_users_act_as_themselves(browser, other, ledger):
    browser.login("anna")
    other.login("viktor")
    for _ in range(2):
        assert browser.is_user(ANNA_ID)
        assert other.is_user(VIKTOR_ID)
    assert [token.uses for token in ledger.mints(ANNA_ID)] == [2]
    assert [token.uses for token in ledger.mints(VIKTOR_ID)] == [2]


def test_an_unlinked_user_gets_a_403_and_costs_monite_nothing(browser, ledger):
    browser.login(STRANGER)
    assert browser.me().refusal == (403, "not_linked")
    assert browser.token().refusal == (403, "not_linked")
    refusal = browser.me(accept="text/html,*/*")
    assert refusal.status == 403
    assert refusal.text == "Your account is not set up for invoices and payments yet."
    assert ledger.tokens == []


# -- first use, second use


def test_a_login_mints_nothing_the_first_use_mints_and_the_second_does_not(browser, ledger):
    browser.login("anna")
    assert ledger.tokens == []
    assert browser.is_user(ANNA_ID)
    (token,) = ledger.tokens
    assert (token.entity_user_id, token.uses) == (ANNA_ID, 1)
    assert browser.is_user(ANNA_ID)
    assert ledger.tokens == [token]
    assert token.uses == 2


def test_a_token_that_monite_no_longer_accepts_is_replaced_without_the_visitor_noticing(browser, ledger):
    browser.login("anna")
    browser.me()
    (first,) = ledger.tokens
    ledger.revoke(first)
    assert browser.is_user(ANNA_ID)
    assert [token.uses for token in ledger.mints(ANNA_ID)] == [1, 1]


# -- logout


def test_promise_5_a_logout_revokes_the_token_and_mints_none(browser, ledger):
    browser.login("anna")
    browser.me()
    assert browser.logout().text == "out"
    revoked(ledger)
    assert browser.me().refusal == (401, "not_logged_in")
    assert browser.token().refusal == (401, "not_logged_in")
    assert len(ledger.tokens) == 1


def test_promise_5_a_cookie_that_comes_back_after_the_logout_is_worth_nothing(site, browser, ledger):
    browser.login("anna")
    browser.me()
    old = browser.client.cookie
    browser.logout()
    browser.client.cookie = old
    assert browser.me().refusal == (401, site.old_cookie)
    assert browser.token().refusal == (401, site.old_cookie)
    revoked(ledger)
    assert len(ledger.tokens) == 1


def test_a_logout_without_a_use_of_monite_asks_monite_for_nothing(site, browser, ledger):
    browser.login("anna")
    assert browser.logout().status == 200
    assert site.broker.drain().next_in is None
    assert ledger.tokens == []


def test_who_logs_in_again_after_a_logout_gets_a_new_token(browser, ledger):
    browser.login("anna")
    browser.me()
    browser.logout()
    revoked(ledger)
    browser.login("anna")
    assert browser.is_user(ANNA_ID)
    first, second = ledger.mints(ANNA_ID)
    assert ledger.live(ANNA_ID) == [second]
    assert (first.uses, second.uses) == (1, 1)


def test_promise_7_a_logout_does_not_wait_for_a_monite_that_hangs_and_promise_6_is_not_lost(
    emulator, browser, ledger
):
    browser.login("anna")
    browser.me()
    with trouble(emulator, kind="hang", path="/auth/revoke") as order:
        assert browser.logout().text == "out"
        assert browser.me().refusal == (401, "not_logged_in")
        until(lambda: order.hits)
        assert len(ledger.live(ANNA_ID)) == 1
    revoked(ledger)


# -- logout elsewhere


def test_a_logout_in_one_browser_leaves_the_other_logged_in_with_a_new_token(browser, other, ledger):
    for each in (browser, other):
        each.login("anna")
        assert each.is_user(ANNA_ID)
    (first,) = ledger.tokens
    browser.logout()
    until(lambda: first.revoked_at is not None)
    assert browser.me().refusal == (401, "not_logged_in")
    assert other.is_user(ANNA_ID)
    (second,) = ledger.live(ANNA_ID)
    assert second is not first
    other.logout()
    revoked(ledger)
    assert len(ledger.tokens) == 2


def test_the_end_of_a_user_ends_every_session_until_the_next_login(site, browser, other, ledger):
    for each in (browser, other):
        each.login("anna")
        each.me()
    site.broker.end_user(site.user_id("anna"))
    revoked(ledger)
    for each in (browser, other):
        assert each.me().refusal == (401, "session_ended")
        assert each.token().refusal == (401, "session_ended")
    assert len(ledger.tokens) == 1
    browser.login("anna")
    assert browser.is_user(ANNA_ID)
    assert other.me().refusal == (401, "session_ended")


# -- other user in the same session


@pytest.mark.parametrize("page", ["login", "switch"])
def test_another_user_in_the_same_session_logs_the_first_one_out(browser, ledger, page):
    browser.login("anna")
    browser.me()
    old = browser.client.cookie
    browser.login("viktor", page=page)
    revoked(ledger, ANNA_ID)
    assert browser.is_user(VIKTOR_ID)
    assert len(ledger.live(VIKTOR_ID)) == 1
    browser.client.cookie = old
    assert browser.me().status == 401
    assert len(ledger.mints(ANNA_ID)) == 1


def test_a_user_who_comes_back_to_the_session_of_another_begins_a_new_one(browser, ledger):
    for user, entity_user_id in (("anna", ANNA_ID), ("viktor", VIKTOR_ID), ("anna", ANNA_ID)):
        browser.switch(user)
        assert browser.is_user(entity_user_id)
    revoked(ledger, VIKTOR_ID)
    until(lambda: len(ledger.live(ANNA_ID)) == 1)
    assert len(ledger.mints(ANNA_ID)) == 2


# -- session expiry


def test_a_session_that_expires_is_anonymous_and_its_token_expires_by_itself(site, browser, emulator, ledger):
    browser.login("anna")
    browser.me()
    with site.sessions_expired():
        assert browser.me().refusal == (401, "not_logged_in")
        assert browser.token().refusal == (401, "not_logged_in")
    (token,) = ledger.live(ANNA_ID)
    emulator.monite.clock.advance(emulator.monite.token_life)
    assert site.broker.drain().next_in is None
    assert ledger.live() == []
    assert ledger.tokens == [token]
    assert token.revoked_at is None


def test_a_session_whose_cookie_is_lost_is_over_and_the_next_login_shares_the_live_token(browser, ledger):
    browser.login("anna")
    browser.me()
    browser.client.cookie = None
    assert browser.me().refusal == (401, "not_logged_in")
    (token,) = ledger.live(ANNA_ID)
    browser.login("anna")
    assert browser.is_user(ANNA_ID)
    assert ledger.tokens == [token]
    assert token.uses == 2


# -- Monite down, rate limited, credentials refused


@impatient
def test_a_monite_that_is_down_is_a_503_until_it_is_back(emulator, browser, ledger):
    browser.login("anna")
    with trouble(emulator, kind="status", status=503, path="/auth/token"):
        answer = browser.me()
        assert answer.refusal == (503, "monite_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert browser.token().refusal == (503, "monite_unavailable")
        assert ledger.tokens == []
    until(lambda: browser.is_user(ANNA_ID))
    assert len(ledger.tokens) == 1


def test_promise_4_a_live_token_serves_while_no_other_can_be_had(emulator, browser, other, ledger):
    browser.login("anna")
    browser.me()
    with trouble(emulator, kind="status", status=503, path="/auth/token") as order:
        other.login("anna")
        assert browser.is_user(ANNA_ID)
        assert other.is_user(ANNA_ID)
        assert order.hits == 0
    assert [token.uses for token in ledger.tokens] == [3]


def test_a_request_limit_is_a_503_at_once_that_says_when_to_come_back(emulator, browser, ledger):
    browser.login("anna")
    with trouble(emulator, kind="throttle", path="/auth/token", retry_after=60) as order:
        for ask in (browser.me, browser.token):
            answer = ask()
            assert answer.refusal == (503, "rate_limited")
            assert 0 < int(answer.headers["retry-after"]) <= 61
        assert order.hits == 1
    assert ledger.tokens == []


def test_refused_credentials_are_a_502_that_tells_users_no_details_and_is_asked_for_once(
    emulator, browser, ledger, caplog
):
    browser.login("anna")
    with trouble(emulator, kind="status", status=401, path="/auth/token") as order:
        for ask in (browser.me, browser.token):
            answer = ask()
            assert answer.refusal == (502, "credentials_rejected")
            assert int(answer.headers["retry-after"]) > 0
            assert "MONITE" not in answer.text
        assert order.hits == 1
    assert ledger.tokens == []
    assert [each.levelname for each in caplog.records if each.name == "monite_auth"] == ["ERROR"]


# -- the token endpoint


def test_the_token_endpoint_hands_out_the_users_own_token_never_to_be_cached(browser, ledger):
    browser.login("anna")
    browser.me()
    (token,) = ledger.tokens
    for method in ("GET", "POST"):
        answer = browser.token(method=method)
        assert answer.status == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "application/json"
        assert answer.json.keys() == {"access_token", "token_type", "expires_in"}
        assert answer.json["token_type"] == "Bearer"
        assert answer.json["expires_in"] >= 600
        assert ledger.find(answer.json["access_token"]) is token
    assert ledger.tokens == [token]


def test_promise_3_a_token_too_short_for_a_browser_is_not_handed_out(emulator, browser):
    emulator.monite.token_life = 500  # below the 600 s that a browser is to have left
    browser.login("anna")
    assert browser.token().refusal == (502, "token_too_short")
    assert browser.is_user(ANNA_ID)


def test_promise_5_a_token_that_a_browser_has_is_revoked_at_logout(browser, ledger):
    browser.login("anna")
    given = ledger.find(browser.token().json["access_token"])
    browser.logout()
    until(lambda: given.revoked_at is not None)


def test_the_token_endpoint_speaks_json_even_to_who_wants_a_page(browser):
    assert browser.token({"accept": "text/html"}).refusal == (401, "not_logged_in")


def test_the_token_endpoint_knows_get_and_post_alone(browser, ledger):
    browser.login("anna")
    for method in ("PUT", "PATCH", "DELETE", "HEAD"):
        answer = browser.token(method=method)
        assert answer.status == 405, method
        assert {"GET", "POST"} <= set(answer.headers["allow"].split(", ")), method
    assert ledger.tokens == []


# -- cross-site token request


def test_a_request_of_another_sites_page_gets_no_token(browser, ledger):
    browser.login("anna")
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site", "origin": PARTNER_ORIGIN + ".evil.example"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ):
        for method in ("GET", "POST"):
            assert browser.token(headers, method=method).refusal == (403, "cross_site"), headers
    assert ledger.tokens == []


def test_a_request_of_an_own_page_or_of_a_named_origin_gets_a_token(site, browser, ledger):
    browser.login("anna")
    for headers in (
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "cross-site", "origin": PARTNER_ORIGIN},
        {"origin": PARTNER_ORIGIN},
        {"origin": site.origin},
    ):
        assert browser.token(headers).status == 200, headers
    assert len(ledger.tokens) == 1
