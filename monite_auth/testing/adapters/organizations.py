"""The contract: users who work for several organizations."""

import pytest

from monite_auth.emulator import VIKTOR_ID
from monite_auth.emulator.traffic.ledger import Ledger
from monite_auth.testing.adapters.fixtures import AdapterFixtures
from monite_auth.testing.adapters.site import ORGANIZATIONS, Browser, Site
from monite_auth.testing.waiting import until

__all__ = ["Organizations"]

with_tenants = pytest.mark.parametrize("tenants", [True], ids=["tenants"])

WORK = {
    "bakery": ("Accountant", {"create": True, "delete": True, "delete own": True}),
    "books": ("Viewer", {"create": False, "delete": False, "delete own": False}),
    "tea": ("Clerk", {"create": True, "delete": False, "delete own": True}),
}
"""At her three organizations Anna has three roles: each with what she may do to an invoice there."""


def at_work(browser: Browser, organization: str) -> str:
    """Go to work for an organization; see that everything is as it has to be there; return the token's header."""
    browser.work_for(organization)
    answer = browser.work()
    assert answer.status == 200, answer.text
    assert (answer.json["role"], answer.json["may"]) == WORK[organization]
    assert answer.json["headers"]["x-monite-entity-id"] == ORGANIZATIONS[organization].entity_id
    assert browser.is_user(str(ORGANIZATIONS[organization].entity_user_id))
    assert browser.create().status == (200 if WORK[organization][1]["create"] else 403)
    return str(answer.json["headers"]["Authorization"])


class Organizations(AdapterFixtures):
    """Tokens, headers and roles follow the organization that is active."""

    @with_tenants
    def test_tokens_headers_and_roles_follow_the_organization_within_one_session(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        first = {organization: at_work(browser, organization) for organization in WORK}
        assert len(set(first.values())) == 3
        assert {organization: at_work(browser, organization) for organization in reversed(WORK)} == first
        # No switch was a logout, and none minted what was there.
        assert len(ledger.tokens) == len(ledger.live()) == 3

    @with_tenants
    def test_the_token_endpoint_hands_out_the_token_of_the_active_organization(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        for organization, entity_user in ORGANIZATIONS.items():
            browser.work_for(organization)
            given = ledger.find(browser.token().json["access_token"])
            assert given is not None
            assert given.entity_user_id == entity_user.entity_user_id

    @with_tenants
    @pytest.mark.parametrize("active", WORK)
    def test_promise_5_a_logout_ends_the_tokens_of_all_organizations(
        self, site: Site, browser: Browser, ledger: Ledger, active: str
    ) -> None:
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
    def test_another_user_in_the_same_session_ends_the_first_ones_tokens_of_all_organizations(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        for organization in WORK:
            at_work(browser, organization)
        browser.login("viktor")
        until(lambda: not ledger.live())
        assert browser.is_user(VIKTOR_ID)

    @with_tenants
    def test_promise_1_an_organization_that_the_user_does_not_work_for_gets_nothing(
        self, browser: Browser, other: Browser, ledger: Ledger
    ) -> None:
        browser.login("anna")
        at_work(browser, "books")
        minted = len(ledger.tokens)
        other.login("viktor")
        for who, organization in (
            (browser, "nowhere"),
            (browser, "books "),
            (other, "books"),
            (other, "tea"),
        ):
            who.work_for(organization)
            for ask in (who.me, who.work, who.token, who.create):
                assert ask().refusal == (403, "not_linked"), organization
        assert len(ledger.tokens) == minted
        browser.work_for("books")
        assert browser.is_user(str(ORGANIZATIONS["books"].entity_user_id))
        assert len(ledger.tokens) == minted

    @with_tenants
    def test_an_empty_organization_is_none(self, browser: Browser) -> None:
        browser.login("viktor")
        browser.work_for("")
        assert browser.is_user(VIKTOR_ID)
