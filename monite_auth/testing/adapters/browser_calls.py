"""The contract: Monite's API for pages that have no token, with a Monite that knows people and tokens."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from monite_auth.emulator import ANNA_ID, Emulator
from monite_auth.emulator.ledger import Ledger
from monite_auth.settings import SecurityModel, Settings
from monite_auth.testing.adapters.fixtures import AdapterFixtures, revoked, trouble
from monite_auth.testing.adapters.site import CALL, STRANGER, Answer, Browser, Site
from monite_auth.testing.waiting import until

__all__ = ["BrowserCalls"]

UPLOAD = {**CALL, "content-type": "application/json"}
"""The headers of a call that has JSON with it."""

TOO_LONG_TO_KEEP = json.dumps({"document_id": "X" * 1_100_000}).encode()
"""A body that is not kept, so that it cannot be sent again."""


def said(answer: Answer) -> tuple[int, str]:
    """Return a refusal's status and code, and see that Monite's SDK can show it."""
    assert answer.json["error"]["message"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "private, no-store"
    return answer.refusal


class BrowserCalls(AdapterFixtures):
    """Pages that call Monite with their session's cookie alone."""

    @contextmanager
    def page_site(self, settings: Settings, **options: Any) -> Iterator[Site]:
        """Open a site of pages without tokens."""
        chosen = {"tenants": False, "authorize": None, "store": None, **options}
        with self.open_site(settings, **chosen, api=True) as site:
            yield site

    @pytest.fixture
    def page_browser(self, settings: Settings) -> Iterator[Browser]:
        """A browser with a page that has no token; nobody is logged in."""
        with self.page_site(settings) as site:
            yield Browser(site)

    @pytest.fixture
    def page(self, page_browser: Browser) -> Browser:
        """The page, of Anna."""
        page_browser.login("anna")
        return page_browser

    # -- as the person, without a token

    def test_a_page_reads_and_creates_as_the_person_who_is_logged_in(
        self, page: Browser, ledger: Ledger
    ) -> None:
        read = page.call("GET", "payables?limit=2")
        assert (read.status, len(read.json["data"])) == (200, 2)
        assert page.call("GET", "v1/entity_users/me").json["id"] == ANNA_ID
        created = page.call("POST", "payables", b'{"document_id": "X-1"}', headers=UPLOAD)
        assert (created.status // 100, created.json["document_id"]) == (2, "X-1")
        (token,) = ledger.tokens
        assert (token.entity_user_id, token.uses) == (ANNA_ID, 3)

    def test_promise_9_no_answer_has_a_token_and_the_token_endpoint_has_a_placeholder(
        self, page: Browser, ledger: Ledger
    ) -> None:
        answers = [
            page.call("GET", "payables"),
            page.call("GET", "payables/0f7e1a52-6c1d-4b0e-9a53-d0c0ffee0001"),
            page.call("POST", "payables", b"no JSON", headers=UPLOAD),
            *(page.token(method=method) for method in ("GET", "POST")),
        ]
        assert [answer.status for answer in answers] == [200, 404, 422, 200, 200]
        placeholder = answers[-1].json
        assert placeholder.keys() == {"access_token", "token_type", "expires_in"}
        assert placeholder["expires_in"] >= 600
        assert ledger.find(placeholder["access_token"]) is None
        assert len(ledger.tokens) == 1
        for answer in answers:
            assert not any(token.value in f"{answer.headers}{answer.text}" for token in ledger.tokens)
            assert answer.headers["cache-control"] == "private, no-store"
            assert "set-cookie" not in answer.headers

    def test_a_page_may_do_what_the_person_may_do_and_gets_monites_own_refusal(
        self, page_browser: Browser
    ) -> None:
        page_browser.login("viktor")  # who may read
        refused = page_browser.call("POST", "payables", b'{"document_id": "X-1"}', headers=UPLOAD)
        assert refused.status == 403
        assert refused.json["error"]["message"]

    def test_where_the_application_decides_it_is_asked_about_each_call(self, settings: Settings) -> None:
        partner_managed = replace(settings, security_model=SecurityModel.PARTNER_MANAGED)

        def authorize(principal: Any, object_type: str, action: str) -> bool:  # noqa: ARG001 - whoever it is
            return (object_type, action) == ("payable", "read")

        with self.page_site(partner_managed, authorize=authorize) as site:
            page = Browser(site)
            page.login("anna")
            assert page.call("GET", "payables").status == 200
            assert said(page.call("GET", "counterparts")) == (403, "not_permitted")
            assert said(page.call("POST", "payables", b"{}", headers=UPLOAD)) == (403, "not_permitted")

    def test_a_site_narrows_what_its_pages_may_do(self, settings: Settings, ledger: Ledger) -> None:
        with self.page_site(replace(settings, api_allow="payable.read")) as site:
            page = Browser(site)
            page.login("anna")
            assert said(page.call("GET", "counterparts")) == (403, "not_permitted")
            assert said(page.call("POST", "payables", b"{}", headers=UPLOAD)) == (403, "not_permitted")
            assert ledger.tokens == []
            assert page.call("GET", "payables").status == 200

    # -- nobody, and logout

    def test_nobody_and_a_stranger_are_refused_and_cost_monite_nothing(
        self, page_browser: Browser, ledger: Ledger
    ) -> None:
        assert said(page_browser.call("GET", "payables")) == (401, "not_logged_in")
        assert page_browser.token().refusal == (401, "not_logged_in")
        page_browser.login(STRANGER)
        assert said(page_browser.call("GET", "payables")) == (403, "not_linked")
        assert ledger.tokens == []

    def test_promise_5_after_a_logout_no_call_goes_out_and_an_old_cookie_is_worth_nothing(
        self, page: Browser, ledger: Ledger
    ) -> None:
        assert page.call("GET", "payables").status == 200
        old = page.client.cookie
        page.logout()
        assert said(page.call("GET", "payables")) == (401, "not_logged_in")
        page.client.cookie = old
        assert said(page.call("GET", "payables")) == (401, page.site.old_cookie)
        revoked(ledger)
        assert [token.uses for token in ledger.tokens] == [1]

    # -- what is refused before anybody is asked

    def test_a_request_that_no_page_of_the_site_has_made_is_refused(
        self, page: Browser, ledger: Ledger
    ) -> None:
        version = {name: value for name, value in CALL.items() if name.startswith("x-monite")}
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"sec-fetch-site": "none"},
            {"origin": "https://evil.example"},
            {"origin": "null"},
        ):
            for method in ("GET", "POST", "DELETE"):
                answer = page.call(method, "payables", headers={**version, **headers})
                assert said(answer) == (403, "cross_site"), headers
        assert said(page.call("GET", "payables", headers={})) == (403, "header_missing")
        assert ledger.tokens == []
        for own in ({}, {"origin": page.site.origin}):
            assert page.call("GET", "payables", headers={**version, **own}).status == 200

    def test_a_form_is_refused_like_any_other_request_without_the_header(self, page: Browser) -> None:
        form = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
        answer = page.call("POST", "payables", b"document_id=X-1", headers=form)
        assert said(answer) == (403, "header_missing")

    @pytest.mark.parametrize("version", ["latest", "2024-13-01", "20240525", ""])
    def test_a_version_is_a_date(self, page: Browser, version: str) -> None:
        answer = page.call("GET", "payables", headers={**CALL, "x-monite-version": version})
        assert answer.status in (400, 403)

    def test_a_method_that_monite_has_none_of_is_refused(self, page: Browser, ledger: Ledger) -> None:
        assert page.call("OPTIONS", "payables").status in (200, 405)  # frameworks answer it themselves
        assert not [name for name in page.call("OPTIONS", "payables").headers if "access-control" in name]
        assert ledger.tokens == []

    def test_a_body_that_is_too_long_is_refused(self, settings: Settings, ledger: Ledger) -> None:
        with self.page_site(replace(settings, api_longest_body=20)) as site:
            page = Browser(site)
            page.login("anna")
            answer = page.call("POST", "payables", b'{"document_id": "X-1"}', headers=UPLOAD)
            assert said(answer) == (413, "body_too_long")
            assert ledger.tokens == []

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
