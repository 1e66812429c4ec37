"""The contract of pages without a token: Monite, the store or a token is in trouble, and pages and the log are told."""

import json
import logging

import pytest

from monite_auth.emulator import ANNA_ID, Emulator
from monite_auth.emulator.traffic.ledger import Ledger
from monite_auth.settings import Settings
from monite_auth.testing.adapters.fixtures import StoreThatFails, revoked, trouble
from monite_auth.testing.adapters.page_fixtures import UPLOAD, PageFixtures, said
from monite_auth.testing.adapters.site import Answer, Browser
from monite_auth.testing.waiting import until

__all__ = ["PageTroubles"]

TOO_LONG_TO_KEEP = json.dumps({"document_id": "X" * 1_100_000}).encode()
"""A body that is not kept, so that it cannot be sent again."""


def told_when_to_come_back(answer: Answer, status: int, code: str) -> bool:
    return said(answer) == (status, code) and int(answer.headers["retry-after"]) > 0


class PageTroubles(PageFixtures):
    """Outages as pages see them."""

    # -- a token turns out to be dead, and other troubles of Monite's

    def test_a_call_whose_token_is_dead_is_sent_again_with_its_body(
        self, emulator: Emulator, page: Browser, ledger: Ledger
    ) -> None:
        with trouble(emulator, kind="dead_token", path="/payables", times=1) as order:
            created = page.call("POST", "payables", b'{"document_id": "X-1"}', headers=UPLOAD)
            assert (created.status // 100, created.json["document_id"]) == (2, "X-1")
            assert order.hits == 1
        assert len(ledger.mints(ANNA_ID)) == 2

    def test_a_long_body_is_not_sent_again_and_the_next_try_works_at_once(
        self, emulator: Emulator, page: Browser
    ) -> None:
        with trouble(emulator, kind="dead_token", path="/payables", times=1) as order:
            answer = page.call("POST", "payables", TOO_LONG_TO_KEEP, headers=UPLOAD)
            assert said(answer) == (503, "body_spent")
            assert answer.headers["retry-after"] == "0"
            assert order.hits == 1
        assert page.call("POST", "payables", TOO_LONG_TO_KEEP, headers=UPLOAD).status // 100 == 2

    @pytest.mark.parametrize("deadline", [0.5], ids=["impatient"])
    def test_a_monite_that_is_down_or_hangs_up_is_a_503(self, emulator: Emulator, page: Browser) -> None:
        until(lambda: page.call("GET", "payables").status == 200)  # has a token now, which may take longer
        with trouble(emulator, kind="cut_before", path="/payables") as order:
            answer = page.call("GET", "payables")
            assert said(answer) == (503, "monite_unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert order.hits == 1
        assert page.call("GET", "payables").status == 200
        page.login("viktor")
        with trouble(emulator, kind="status", status=503, path="/auth/token"):
            assert said(page.call("GET", "payables")) == (503, "monite_unavailable")
        until(lambda: page.call("GET", "payables").status == 200)

    def test_a_page_that_has_to_wait_gets_a_429_that_says_how_long_and_monite_is_not_asked(
        self, emulator: Emulator, page: Browser, ledger: Ledger
    ) -> None:
        with trouble(emulator, kind="throttle", path="/auth/token", retry_after=60) as order:
            for _ in range(2):
                assert told_when_to_come_back(page.call("GET", "payables"), 429, "rate_limited")
            assert order.hits == 1
        assert ledger.tokens == []

    def test_a_429_of_monites_goes_on_to_the_page_and_holds_up_the_next_call(
        self, emulator: Emulator, page: Browser
    ) -> None:
        with trouble(emulator, kind="throttle", path="/payables", retry_after=60) as order:
            answer = page.call("GET", "payables")
            assert (answer.status, answer.headers["retry-after"]) == (429, "60")
            assert told_when_to_come_back(page.call("GET", "payables"), 429, "rate_limited")
            assert order.hits == 1

    def test_refused_credentials_are_a_502_and_the_log_says_what_to_check(
        self, emulator: Emulator, page: Browser, caplog: pytest.LogCaptureFixture
    ) -> None:
        with trouble(emulator, kind="status", status=401, path="/auth/token"):
            answer = page.call("GET", "payables")
        assert said(answer) == (502, "credentials_rejected")
        assert "MONITE" not in answer.text
        assert "MONITE_CLIENT_ID" in caplog.text
        assert {each.levelname for each in caplog.records if each.name == "monite_auth"} == {"ERROR"}

    # -- the store is down

    def test_promise_11_in_an_outage_a_page_of_somebody_seen_alive_goes_on_and_after_the_logout_none_does(
        self, settings: Settings, ledger: Ledger
    ) -> None:
        store = StoreThatFails()
        with self.page_site(settings, store=store) as site:
            page = Browser(site)
            page.login("anna")
            assert page.call("GET", "payables").status == 200
            store.is_down = True
            try:
                assert (
                    page.call("POST", "payables", b'{"document_id": "X-1"}', headers=UPLOAD).status // 100
                    == 2
                )
                old = page.client.cookie
                page.logout()
                page.client.cookie = old
                assert said(page.call("GET", "payables")) == (401, site.old_cookie)
            finally:
                store.is_down = False
            until(lambda: site.broker.health().waiting == 0)
            revoked(ledger)
        assert sum(token.uses for token in ledger.tokens) == 2

    @pytest.mark.parametrize("outage_trust", [0])
    def test_promise_11_in_an_outage_the_page_of_anybody_else_is_told_when_to_come_back(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = StoreThatFails()
        with self.page_site(settings, store=store) as site:
            page = Browser(site)
            page.login("anna")
            assert page.call("GET", "payables").status == 200
            store.is_down = True
            try:
                assert told_when_to_come_back(page.call("GET", "payables"), 503, "store_unavailable")
            finally:
                store.is_down = False
            assert "The token store is down" in caplog.text
            until(lambda: page.call("GET", "payables").status == 200)

    # -- the log

    def test_promise_9_no_log_has_what_a_page_sends_and_gets(
        self, emulator: Emulator, page: Browser, ledger: Ledger, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        sent = json.dumps({"document_id": "nobodys-business"}).encode()
        assert page.call("POST", "payables", sent, headers=UPLOAD).json["document_id"] == "nobodys-business"
        assert page.call("POST", "payables", b"nobodys-business", headers=UPLOAD).status == 422
        with trouble(emulator, kind="cut_before", path="/payables"):
            assert page.call("POST", "payables", sent, headers=UPLOAD).status == 503
        assert caplog.records
        assert "nobodys-business" not in caplog.text
        assert not any(token.value in caplog.text for token in ledger.tokens)
