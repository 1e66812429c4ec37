"""One contract for all adapters: the same scenarios in each framework, in `def` and in `async def` views.

What an adapter does beyond it is tested beside it: test_starlette.py, test_flask.py, tests/django.
"""

import pkgutil
from contextlib import contextmanager
from dataclasses import replace

import pytest

from monite_auth import SecurityModel
from monite_auth.emulator import ANNA_ID, VIKTOR_ID, Fault
from tests.integrations.contract_django import django_database, django_site
from tests.integrations.contract_flask import flask_site
from tests.integrations.contract_site import ORGANIZATIONS, PARTNER_ORIGIN, STRANGER, Browser, SiteOf
from tests.integrations.contract_starlette import starlette_site
from tests.waiting import until

SITES: dict[str, SiteOf] = {"starlette": starlette_site, "django": django_site, "flask": flask_site}

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


@pytest.fixture
def security_model():
    return SecurityModel.MONITE_MANAGED


@pytest.fixture
def more():
    """What the site has beyond the simplest: see SiteOf."""
    return {}


@pytest.fixture(params=[f"{name}-{form}" for name in SITES for form in ("sync", "async")])
def site(request, emulated, deadline, security_model, more):
    name, form = request.param.split("-")
    if name == "django":
        request.getfixturevalue("database")
    settings = replace(emulated, deadline=deadline, security_model=security_model)
    with SITES[name](settings, form, **more) as running:
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
    assert refusal.headers["cache-control"] == "private, no-store"
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
    assert {each.levelname for each in caplog.records if each.name == "monite_auth"} == {"ERROR"}


# -- the token endpoint


def test_the_token_endpoint_hands_out_the_users_own_token_never_to_be_cached(browser, ledger):
    browser.login("anna")
    browser.me()
    (token,) = ledger.tokens
    for method in ("GET", "POST"):
        answer = browser.token(method=method)
        assert answer.status == 200
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["content-type"] == "application/json"
        assert answer.json.keys() == {"access_token", "token_type", "expires_in"}
        assert answer.json["token_type"] == "Bearer"
        assert answer.json["expires_in"] >= 600
        assert ledger.find(answer.json["access_token"]) is token
    assert ledger.tokens == [token]


def test_an_answer_that_a_token_has_helped_to_make_is_kept_by_no_cache(browser):
    browser.login("anna")
    for answer in (browser.me(), browser.work(), browser.create()):
        assert answer.status == 200
        assert answer.headers["cache-control"] == "private, no-store"
        assert "cookie" in answer.headers["vary"].lower()


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
        {"origin": "http://["},
        {"origin": "capacitor://localhost"},
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


# -- several organizations

with_tenants = pytest.mark.parametrize("more", [{"tenants": True}], ids=["tenants"])

WORK = {  # at her three organizations Anna has three roles: what she may do to an invoice
    "bakery": ("Accountant", {"create": True, "delete": True, "delete own": True}),
    "books": ("Viewer", {"create": False, "delete": False, "delete own": False}),
    "tea": ("Clerk", {"create": True, "delete": False, "delete own": True}),
}


def at_work(browser, organization):
    """Go to work for an organization; see that everything is as it has to be there; return the token's header."""
    browser.work_for(organization)
    answer = browser.work()
    assert answer.status == 200, answer.text
    assert (answer.json["role"], answer.json["may"]) == WORK[organization]
    assert answer.json["headers"]["x-monite-entity-id"] == ORGANIZATIONS[organization].entity_id
    assert browser.is_user(ORGANIZATIONS[organization].entity_user_id)
    assert browser.create().status == (200 if WORK[organization][1]["create"] else 403)
    return answer.json["headers"]["Authorization"]


@with_tenants
def test_tokens_headers_and_roles_follow_the_organization_within_one_session(browser, ledger):
    browser.login("anna")
    first = {organization: at_work(browser, organization) for organization in WORK}
    assert len(set(first.values())) == 3
    assert {organization: at_work(browser, organization) for organization in reversed(WORK)} == first
    # No switch was a logout, and none minted what was there.
    assert len(ledger.tokens) == len(ledger.live()) == 3


@with_tenants
def test_the_token_endpoint_hands_out_the_token_of_the_active_organization(browser, ledger):
    browser.login("anna")
    for organization, entity_user in ORGANIZATIONS.items():
        browser.work_for(organization)
        given = ledger.find(browser.token().json["access_token"])
        assert given.entity_user_id == entity_user.entity_user_id


@with_tenants
@pytest.mark.parametrize("active", WORK)
def test_promise_5_a_logout_ends_the_tokens_of_all_organizations(site, browser, ledger, active):
    browser.login("anna")
    for organization in (*WORK, active):
        at_work(browser, organization)
    old = browser.client.cookie
    assert browser.logout().status == 200
    until(lambda: not ledger.live())
    assert [token.revoked_at is not None for token in ledger.tokens] == [True] * 3
    browser.client.cookie = old
    assert browser.work().refusal == (401, site.old_cookie)
    assert len(ledger.tokens) == 3


@with_tenants
def test_another_user_in_the_same_session_ends_the_first_ones_tokens_of_all_organizations(browser, ledger):
    browser.login("anna")
    for organization in WORK:
        at_work(browser, organization)
    browser.login("viktor")
    until(lambda: not ledger.live())
    assert browser.is_user(VIKTOR_ID)


@with_tenants
def test_promise_1_an_organization_that_the_user_does_not_work_for_gets_nothing(browser, other, ledger):
    browser.login("anna")
    at_work(browser, "books")
    minted = len(ledger.tokens)
    other.login("viktor")
    for who, organization in ((browser, "nowhere"), (browser, "books "), (other, "books"), (other, "tea")):
        who.work_for(organization)
        for ask in (who.me, who.work, who.token, who.create):
            assert ask().refusal == (403, "not_linked"), organization
    assert len(ledger.tokens) == minted
    browser.work_for("books")
    assert browser.is_user(ORGANIZATIONS["books"].entity_user_id)
    assert len(ledger.tokens) == minted


@with_tenants
def test_an_empty_organization_is_none(browser):
    browser.login("viktor")
    browser.work_for("")
    assert browser.is_user(VIKTOR_ID)


# -- what a person may do


def payables_asked(emulator):
    """Say whether anybody has asked Monite anything about payables."""
    return any(path.startswith("/payables") for path, _status in emulator.monite.statistics.requests)


def test_who_is_allowed_to_gets_in(browser, ledger):
    browser.login("anna")
    assert browser.create().json["was_created_by_user_id"] == ANNA_ID
    assert [token.entity_user_id for token in ledger.tokens] == [ANNA_ID]


@pytest.mark.parametrize(
    "guard",
    [
        "monite_auth_starlette.fastapi.allowed",
        "monite_auth_django.decorators.monite_allowed",
        "monite_auth_flask.monite_allowed",
    ],
)
def test_a_wrong_word_fails_when_the_module_is_imported(guard):
    guard = pkgutil.resolve_name(guard)
    for wrong in (("payables", "create"), ("payable", "invent"), ("counterpart", "pay")):
        with pytest.raises(ValueError, match=wrong[0]):
            guard(*wrong)


def test_who_is_not_allowed_to_gets_a_403_and_monite_is_not_called(emulator, browser):
    browser.login("viktor")
    assert browser.create().refusal == (403, "not_permitted")
    assert not payables_asked(emulator)


def test_who_is_not_logged_in_or_not_linked_is_not_let_in(emulator, browser):
    assert browser.create().refusal == (401, "not_logged_in")
    browser.login(STRANGER)
    assert browser.create().refusal == (403, "not_linked")
    assert not payables_asked(emulator)


def test_a_view_that_requires_monite_lets_in_who_is_logged_in_and_linked(browser, ledger):
    assert browser.required().refusal == (401, "not_logged_in")
    browser.login(STRANGER)
    assert browser.required().refusal == (403, "not_linked")
    assert ledger.tokens == []
    browser.login("anna")
    assert browser.required().status == 200


class Rules:
    """The application's word, where Monite does not decide: who creates payables; and what it was asked."""

    def __init__(self):
        self.creators = set()
        self.asked = []

    def __call__(self, principal, object_type, action):
        self.asked.append((principal.user_id, object_type, action))
        return principal.user_id in self.creators


@pytest.fixture
def rules(more):
    more["authorize"] = Rules()
    return more["authorize"]


where_the_app_decides = pytest.mark.parametrize(
    "security_model", [SecurityModel.PARTNER_MANAGED, SecurityModel.MIXED]
)


@where_the_app_decides
def test_where_the_app_decides_its_word_lets_in_and_keeps_out(rules, site, emulator, browser, other):
    rules.creators.add(site.user_id("anna"))
    browser.login("anna")
    assert browser.create().status == 200
    assert set(rules.asked) == {(site.user_id("anna"), "payable", "create")}
    created = dict(emulator.monite.statistics.requests)
    other.login("viktor")
    assert other.create().refusal == (403, "not_permitted")
    assert dict(emulator.monite.statistics.requests) == created
    assert {token.entity_user_id for token in emulator.monite.ledger.tokens} == {None}


@where_the_app_decides
def test_where_the_app_decides_no_browser_gets_a_token(rules, site, browser, ledger):
    rules.creators.add(site.user_id("anna"))
    browser.login("anna")
    for method in ("GET", "POST"):
        assert browser.token(method=method).refusal == (403, "no_token_to_give")
    assert browser.work().refusal == (403, "no_token_to_give")
    assert ledger.tokens == []


@where_the_app_decides
def test_where_the_app_decides_and_does_not_nobody_may_do_anything(site, emulator, browser):
    browser.login("anna")
    assert browser.create().refusal == (403, "not_permitted")
    assert emulator.monite.ledger.tokens == []
