"""The contract: the token endpoint, and requests from other sites."""

from monite_auth.emulator import ANNA_ID, Emulator
from monite_auth.emulator.traffic.ledger import Ledger
from monite_auth.testing.adapters.fixtures import AdapterFixtures
from monite_auth.testing.adapters.site import PARTNER_ORIGIN, Browser, Site
from monite_auth.testing.waiting import until

__all__ = ["TokenEndpoint"]


class TokenEndpoint(AdapterFixtures):
    """Tokens for browsers."""

    # -- the token endpoint

    def test_the_token_endpoint_hands_out_the_users_own_token_never_to_be_cached(
        self, browser: Browser, ledger: Ledger
    ) -> None:
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

    def test_an_answer_that_a_token_has_helped_to_make_is_kept_by_no_cache(self, browser: Browser) -> None:
        browser.login("anna")
        for answer in (browser.me(), browser.work(), browser.create()):
            assert answer.status == 200
            assert answer.headers["cache-control"] == "private, no-store"
            assert "cookie" in answer.headers["vary"].lower()

    def test_promise_3_a_token_too_short_for_a_browser_is_not_handed_out(
        self, emulator: Emulator, browser: Browser
    ) -> None:
        emulator.monite.token_life = 500  # below the 600 s that a browser is to have left
        browser.login("anna")
        assert browser.token().refusal == (502, "token_too_short")
        assert browser.is_user(ANNA_ID)

    def test_promise_5_a_token_that_a_browser_has_is_revoked_at_logout(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        given = ledger.find(browser.token().json["access_token"])
        browser.logout()
        assert given is not None
        until(lambda: given.revoked_at is not None)

    def test_the_token_endpoint_speaks_json_even_to_who_wants_a_page(self, browser: Browser) -> None:
        assert browser.token({"accept": "text/html"}).refusal == (401, "not_logged_in")

    def test_the_token_endpoint_knows_get_and_post_alone(self, browser: Browser, ledger: Ledger) -> None:
        browser.login("anna")
        for method in ("PUT", "PATCH", "DELETE", "HEAD"):
            answer = browser.token(method=method)
            assert answer.status == 405, method
            assert {"GET", "POST"} <= set(answer.headers["allow"].split(", ")), method
        assert ledger.tokens == []

    # -- cross-site token request

    def test_a_request_of_another_sites_page_gets_no_token(self, browser: Browser, ledger: Ledger) -> None:
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

    def test_a_request_of_an_own_page_or_of_a_named_origin_gets_a_token(
        self, site: Site, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        for headers in (
            {},
            {"sec-fetch-site": "same-origin"},
            {"sec-fetch-site": "none"},
            {"sec-fetch-site": "same-site", "origin": PARTNER_ORIGIN},
            {"sec-fetch-site": "cross-site", "origin": PARTNER_ORIGIN},
            {"origin": PARTNER_ORIGIN},
            {"origin": site.origin},
        ):
            assert browser.token(headers).status == 200, headers
        assert len(ledger.tokens) == 1
