"""The contract: who is logged in, and whose session is over."""

import pytest

from monite_auth.emulator import ANNA_ID, VIKTOR_ID, Emulator
from monite_auth.emulator.traffic.ledger import Ledger
from monite_auth.testing.adapters.fixtures import AdapterFixtures, revoked, trouble
from monite_auth.testing.adapters.site import STRANGER, Browser, Site
from monite_auth.testing.waiting import until

__all__ = ["Logins"]


class Logins(AdapterFixtures):
    """Anonymous and unlinked visitors, logins, logouts, and sessions that expire."""

    # -- anonymous, linked, unlinked

    def test_an_anonymous_visitor_gets_a_401_and_costs_monite_nothing(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        refusal = browser.me()
        assert refusal.status == 401
        assert refusal.json == {"error": {"code": "not_logged_in", "message": "Please log in."}}
        assert refusal.headers["cache-control"] == "private, no-store"
        assert "set-cookie" not in refusal.headers
        assert browser.token().refusal == (401, "not_logged_in")
        assert browser.logout().status == 200
        assert ledger.tokens == []

    def test_an_anonymous_visitor_who_wants_a_page_gets_one_sentence(self, browser: Browser) -> None:
        refusal = browser.me(accept="text/html,*/*")
        assert (refusal.status, refusal.text) == (401, "Please log in.")
        assert refusal.headers["content-type"] == "text/plain; charset=utf-8"

    def test_promise_1_linked_users_act_as_themselves(
        self, browser: Browser, other: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        other.login("viktor")
        for _ in range(2):
            assert browser.is_user(ANNA_ID)
            assert other.is_user(VIKTOR_ID)
        assert [token.uses for token in ledger.mints(ANNA_ID)] == [2]
        assert [token.uses for token in ledger.mints(VIKTOR_ID)] == [2]

    def test_an_unlinked_user_gets_a_403_and_costs_monite_nothing(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login(STRANGER)
        assert browser.me().refusal == (403, "not_linked")
        assert browser.token().refusal == (403, "not_linked")
        refusal = browser.me(accept="text/html,*/*")
        assert refusal.status == 403
        assert refusal.text == "Your account is not set up for invoices and payments yet."
        assert ledger.tokens == []

    # -- first use, second use

    def test_a_login_mints_nothing_the_first_use_mints_and_the_second_does_not(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        assert ledger.tokens == []
        assert browser.is_user(ANNA_ID)
        (token,) = ledger.tokens
        assert (token.entity_user_id, token.uses) == (ANNA_ID, 1)
        assert browser.is_user(ANNA_ID)
        assert ledger.tokens == [token]
        assert token.uses == 2

    def test_a_token_that_monite_no_longer_accepts_is_replaced_without_the_visitor_noticing(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        browser.me()
        (first,) = ledger.tokens
        ledger.revoke(first)
        assert browser.is_user(ANNA_ID)
        assert [token.uses for token in ledger.mints(ANNA_ID)] == [1, 1]

    # -- logout

    def test_promise_5_a_logout_revokes_the_token_and_mints_none(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        browser.me()
        assert browser.logout().text == "out"
        revoked(ledger)
        assert browser.me().refusal == (401, "not_logged_in")
        assert browser.token().refusal == (401, "not_logged_in")
        assert len(ledger.tokens) == 1

    def test_promise_5_a_cookie_that_comes_back_after_the_logout_is_worth_nothing(
        self, site: Site, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        browser.me()
        old = browser.client.cookie
        browser.logout()
        browser.client.cookie = old
        assert browser.me().refusal == (401, site.old_cookie)
        assert browser.token().refusal == (401, site.old_cookie)
        revoked(ledger)
        assert len(ledger.tokens) == 1

    def test_a_logout_without_a_use_of_monite_asks_monite_for_nothing(
        self, site: Site, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        assert browser.logout().status == 200
        assert site.broker.drain().next_in is None
        assert ledger.tokens == []

    def test_who_logs_in_again_after_a_logout_gets_a_new_token(
        self, browser: Browser, ledger: Ledger
    ) -> None:
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
        self, emulator: Emulator, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        browser.me()
        with trouble(emulator, kind="hang", path="/auth/revoke") as order:
            assert browser.logout().text == "out"
            assert browser.me().refusal == (401, "not_logged_in")
            until(lambda: order.hits)
            assert len(ledger.live(ANNA_ID)) == 1
        revoked(ledger)

    # -- logout elsewhere

    def test_a_logout_in_one_browser_leaves_the_other_logged_in_with_a_new_token(
        self, browser: Browser, other: Browser, ledger: Ledger
    ) -> None:
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

    def test_the_end_of_a_user_ends_every_session_until_the_next_login(
        self, site: Site, browser: Browser, other: Browser, ledger: Ledger
    ) -> None:
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
    def test_another_user_in_the_same_session_logs_the_first_one_out(
        self, browser: Browser, ledger: Ledger, page: str
    ) -> None:
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

    def test_a_user_who_comes_back_to_the_session_of_another_begins_a_new_one(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        for user, entity_user_id in (("anna", ANNA_ID), ("viktor", VIKTOR_ID), ("anna", ANNA_ID)):
            browser.switch(user)
            assert browser.is_user(entity_user_id)
        revoked(ledger, VIKTOR_ID)
        until(lambda: len(ledger.live(ANNA_ID)) == 1)
        assert len(ledger.mints(ANNA_ID)) == 2

    # -- session expiry

    def test_a_session_that_expires_is_anonymous_and_its_token_expires_by_itself(
        self, site: Site, browser: Browser, emulator: Emulator, ledger: Ledger
    ) -> None:
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

    def test_a_session_whose_cookie_is_lost_is_over_and_the_next_login_shares_the_live_token(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        browser.me()
        browser.client.cookie = None
        assert browser.me().refusal == (401, "not_logged_in")
        (token,) = ledger.live(ANNA_ID)
        browser.login("anna")
        assert browser.is_user(ANNA_ID)
        assert ledger.tokens == [token]
        assert token.uses == 2
