"""The contract: Monite is down, refuses, or is asked too much; and the store is down."""

import pytest

from monite_auth.emulator import ANNA_ID, Emulator
from monite_auth.emulator.traffic.ledger import Ledger
from monite_auth.testing.adapters.fixtures import (
    AdapterFixtures,
    StoreThatFails,
    StoreWithoutLogouts,
    revoked,
    trouble,
)
from monite_auth.testing.adapters.site import Browser, Site
from monite_auth.testing.waiting import until

__all__ = ["Troubles"]

impatient = pytest.mark.parametrize("deadline", [0.5], ids=["impatient"])
"""For tests in which somebody waits in vain; seconds."""


class Troubles(AdapterFixtures):
    """Outages, and which answers they become."""

    # -- Monite down, rate limited, credentials refused

    @impatient
    def test_a_monite_that_is_down_is_a_503_until_it_is_back(
        self, emulator: Emulator, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        with trouble(emulator, kind="status", status=503, path="/auth/token"):
            answer = browser.me()
            assert answer.refusal == (503, "monite_unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert browser.token().refusal == (503, "monite_unavailable")
            assert ledger.tokens == []
        until(lambda: browser.is_user(ANNA_ID))
        assert len(ledger.tokens) == 1

    def test_promise_4_a_live_token_serves_while_no_other_can_be_had(
        self, emulator: Emulator, browser: Browser, other: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        browser.me()
        with trouble(emulator, kind="status", status=503, path="/auth/token") as order:
            other.login("anna")
            assert browser.is_user(ANNA_ID)
            assert other.is_user(ANNA_ID)
            assert order.hits == 0
        assert [token.uses for token in ledger.tokens] == [3]

    def test_a_request_limit_is_a_503_at_once_that_says_when_to_come_back(
        self, emulator: Emulator, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        with trouble(emulator, kind="throttle", path="/auth/token", retry_after=60) as order:
            for ask in (browser.me, browser.token):
                answer = ask()
                assert answer.refusal == (503, "rate_limited")
                assert 0 < int(answer.headers["retry-after"]) <= 61
            assert order.hits == 1
        assert ledger.tokens == []

    def test_refused_credentials_are_a_502_that_tells_users_no_details_and_is_asked_for_once(
        self, emulator: Emulator, browser: Browser, ledger: Ledger, caplog: pytest.LogCaptureFixture
    ) -> None:
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

    # -- the store is down

    @pytest.mark.parametrize("store", [StoreWithoutLogouts()], ids=["store-without-logouts"])
    def test_promise_7_a_logout_that_the_store_cannot_record_leaves_the_apps_answer_alone(
        self, browser: Browser
    ) -> None:
        browser.login("anna")
        assert browser.me().status == 200
        answer = browser.logout()
        assert (answer.status, answer.text) == (200, "out")
        assert browser.me().refusal == (401, "not_logged_in")

    @pytest.mark.parametrize("store", [StoreWithoutLogouts()], ids=["store-without-logouts"])
    def test_promise_7_a_switch_of_users_that_the_store_cannot_record_leaves_the_apps_answer_alone(
        self, browser: Browser
    ) -> None:
        browser.login("anna")
        assert browser.me().status == 200
        browser.switch("viktor")

    @pytest.mark.parametrize(("store", "outage_trust"), [(StoreThatFails(), 0)], ids=["store-that-fails"])
    def test_promise_11_in_an_outage_who_was_not_seen_alive_a_moment_ago_is_told_when_to_come_back(
        self, store: StoreThatFails, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        assert browser.is_user(ANNA_ID)
        store.is_down = True
        try:
            for ask in (browser.me, browser.token):
                answer = ask()
                assert answer.refusal == (503, "store_unavailable")
                assert int(answer.headers["retry-after"]) > 0
        finally:
            store.is_down = False
        until(lambda: browser.is_user(ANNA_ID))
        assert len(ledger.tokens) == 1

    @pytest.mark.parametrize("store", [StoreThatFails()], ids=["store-that-fails"])
    def test_promise_7_a_logout_in_an_outage_asks_the_store_nothing_and_is_told_afterwards(
        self, site: Site, store: StoreThatFails, browser: Browser, other: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        assert browser.is_user(ANNA_ID)
        other.client.cookie = browser.client.cookie
        store.asked.clear()
        store.is_down = True
        try:
            assert browser.is_user(ANNA_ID)  # it was seen alive; this call finds out that the store is down
            answer = browser.logout()
            assert (answer.status, answer.text) == (200, "out")
            assert store.asked["end_session"] == 0
            assert other.me().refusal == (401, site.old_cookie)
            health = site.broker.health()
            assert (health.store, health.waiting > 0) == ("degraded", True)
        finally:
            store.is_down = False
        until(lambda: site.broker.health().waiting == 0)
        assert other.me().refusal == (401, site.old_cookie)
        revoked(ledger)
