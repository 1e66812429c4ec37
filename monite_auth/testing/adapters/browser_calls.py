"""The contract: Monite's API for pages that have no token, with a Monite that knows people and tokens."""

from dataclasses import replace
from typing import Any

import pytest

from monite_auth.emulator import ANNA_ID
from monite_auth.emulator.traffic.ledger import Ledger
from monite_auth.settings import SecurityModel, Settings
from monite_auth.testing.adapters.fixtures import revoked
from monite_auth.testing.adapters.page_fixtures import UPLOAD, PageFixtures, said
from monite_auth.testing.adapters.site import CALL, STRANGER, Browser

__all__ = ["BrowserCalls"]


class BrowserCalls(PageFixtures):
    """Pages that call Monite with their session's cookie alone."""

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

    def test_a_page_may_do_what_the_person_may_do_and_gets_monites_own_refusal(
        self, page_browser: Browser
    ) -> None:
        page_browser.login("viktor")  # who may read
        refused = page_browser.call("POST", "payables", b'{"document_id": "X-1"}', headers=UPLOAD)
        assert refused.status == 403
        assert refused.json["error"]["message"]

    @pytest.mark.parametrize("model", [SecurityModel.PARTNER_MANAGED, SecurityModel.MIXED])
    def test_where_the_application_decides_it_is_asked_about_each_call(
        self, settings: Settings, ledger: Ledger, model: SecurityModel
    ) -> None:

        def authorize(principal: Any, object_type: str, action: str) -> bool:  # noqa: ARG001 - whoever it is
            return (object_type, action) == ("payable", "read")

        with self.page_site(replace(settings, security_model=model), authorize=authorize) as site:
            page = Browser(site)
            page.login("anna")
            assert page.call("GET", "payables").status == 200
            assert said(page.call("GET", "counterparts")) == (403, "not_permitted")
            assert said(page.call("POST", "payables", b"{}", headers=UPLOAD)) == (403, "not_permitted")
            # It is for a person's own token.
            assert said(page.call("GET", "entity_users/me")) == (404, "unknown_call")
            page.logout()
            assert said(page.call("GET", "payables")) == (401, "not_logged_in")
        assert [token.uses for token in ledger.tokens] == [1]

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
