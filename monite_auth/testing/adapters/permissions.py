"""The contract: what a person may do, where Monite decides and where the application does."""

import pytest

from monite_auth.emulator import ANNA_ID, Emulator
from monite_auth.emulator.traffic.ledger import Ledger
from monite_auth.identity import Principal
from monite_auth.settings import SecurityModel
from monite_auth.testing.adapters.fixtures import AdapterFixtures
from monite_auth.testing.adapters.site import STRANGER, Browser, Site

__all__ = ["Permissions"]

where_the_app_decides = pytest.mark.parametrize(
    "security_model", [SecurityModel.PARTNER_MANAGED, SecurityModel.MIXED]
)


class Rules:
    """The application's word, where Monite does not decide: who creates payables; and what it was asked."""

    def __init__(self) -> None:
        self.creators: set[str] = set()
        self.asked: list[tuple[str, str, str]] = []

    def __call__(self, principal: Principal, object_type: str, action: str) -> bool:
        """Return whether the principal may do this."""
        self.asked.append((principal.user_id, object_type, action))
        return principal.user_id in self.creators


by_rules = pytest.mark.parametrize("authorize", [Rules], indirect=True)


def payables_asked(emulator: Emulator) -> bool:
    """Return whether anybody has asked Monite anything about payables."""
    return any(path.startswith("/payables") for path, _status in emulator.monite.statistics.requests)


class Permissions(AdapterFixtures):
    """Guards, and the two security models in which the application decides."""

    @pytest.fixture
    def authorize(self, request: pytest.FixtureRequest) -> Rules | None:
        """The application's rules, where a test wants some."""
        return request.param() if hasattr(request, "param") else None

    def test_who_is_allowed_to_gets_in(self, browser: Browser, ledger: Ledger) -> None:
        browser.login("anna")
        assert browser.create().json["was_created_by_user_id"] == ANNA_ID
        assert [token.entity_user_id for token in ledger.tokens] == [ANNA_ID]

    def test_a_wrong_word_fails_when_the_module_is_imported(self) -> None:
        for wrong in (("payables", "create"), ("payable", "invent"), ("counterpart", "pay")):
            with pytest.raises(ValueError, match=wrong[0]):
                self.guard(*wrong)

    def test_who_is_not_allowed_to_gets_a_403_and_monite_is_not_called(
        self, emulator: Emulator, browser: Browser
    ) -> None:
        browser.login("viktor")
        assert browser.create().refusal == (403, "not_permitted")
        assert not payables_asked(emulator)

    def test_who_is_not_logged_in_or_not_linked_is_not_let_in(
        self, emulator: Emulator, browser: Browser
    ) -> None:
        assert browser.create().refusal == (401, "not_logged_in")
        browser.login(STRANGER)
        assert browser.create().refusal == (403, "not_linked")
        assert not payables_asked(emulator)

    def test_a_view_that_requires_monite_lets_in_who_is_logged_in_and_linked(
        self, browser: Browser, ledger: Ledger
    ) -> None:
        assert browser.required().refusal == (401, "not_logged_in")
        browser.login(STRANGER)
        assert browser.required().refusal == (403, "not_linked")
        assert ledger.tokens == []
        browser.login("anna")
        assert browser.required().status == 200

    @by_rules
    @where_the_app_decides
    def test_where_the_app_decides_its_word_lets_in_and_keeps_out(
        self, authorize: Rules, site: Site, emulator: Emulator, browser: Browser, other: Browser
    ) -> None:
        authorize.creators.add(site.user_id("anna"))
        browser.login("anna")
        assert browser.create().status == 200
        assert set(authorize.asked) == {(site.user_id("anna"), "payable", "create")}
        created = dict(emulator.monite.statistics.requests)
        other.login("viktor")
        assert other.create().refusal == (403, "not_permitted")
        assert dict(emulator.monite.statistics.requests) == created
        assert {token.entity_user_id for token in emulator.monite.ledger.tokens} == {None}

    @by_rules
    @where_the_app_decides
    def test_where_the_app_decides_no_browser_gets_a_token(
        self, authorize: Rules, site: Site, browser: Browser, ledger: Ledger
    ) -> None:
        authorize.creators.add(site.user_id("anna"))
        browser.login("anna")
        for method in ("GET", "POST"):
            assert browser.token(method=method).refusal == (403, "no_token_to_give")
        assert browser.work().refusal == (403, "no_token_to_give")
        assert ledger.tokens == []

    @where_the_app_decides
    def test_where_the_app_decides_and_does_not_nobody_may_do_anything(
        self, emulator: Emulator, browser: Browser
    ) -> None:
        browser.login("anna")
        assert browser.create().refusal == (403, "not_permitted")
        assert emulator.monite.ledger.tokens == []
