"""Promise 1, isolation, between accounts: a store that two share keeps apart what belongs to each."""

import pytest

from monite_auth.identity import PARTNER
from monite_auth.stores.budget import Priority
from monite_auth.stores.values import PARTNER_SLOT, Claimed, Cooldown, CoolingDown
from monite_auth.testing.stores.driver import ALICE, BOB, BOBS, Drive, StoreDriver, StoreGround

SANDBOX, LIVE = "https://sandbox.example 1", "https://live.example 1"


class AccountContract:
    """Two accounts in one store object, which share its connections."""

    @pytest.fixture
    def accounts(self, ground: StoreGround, form: str, drive: Drive) -> tuple[StoreDriver, StoreDriver]:
        """Return what each of two accounts sees of one store."""
        one = drive(ground, form, account=SANDBOX)
        return one, drive(ground, form, account=LIVE, store=one.store)

    def test_promise_1_no_account_is_handed_another_ones_token(
        self, accounts: tuple[StoreDriver, StoreDriver]
    ) -> None:
        one, other = accounts
        one.put("sandbox")
        one.put("root", slot=PARTNER_SLOT, principal=PARTNER)
        assert other.peek() is None
        assert other.peek(PARTNER_SLOT, PARTNER) is None
        assert isinstance(other.claim(), Claimed)
        other.put("live")
        assert (one.peek(), other.peek()) == ("sandbox", "live")

    def test_an_account_drains_only_its_own_revocations(
        self, accounts: tuple[StoreDriver, StoreDriver]
    ) -> None:
        one, other = accounts
        one.end("mine")
        assert other.pending() == []
        assert other.run(other.ops.backlog()) == 0
        assert one.run(one.ops.backlog()) == 1
        assert one.pending() == ["mine"]

    def test_endings_of_one_account_end_nothing_of_another(
        self, accounts: tuple[StoreDriver, StoreDriver]
    ) -> None:
        one, other = accounts
        one.put("sandbox")
        other.put("live")
        one.run(one.ops.end_session(ALICE))
        assert one.has_ended(ALICE)
        one.run(one.ops.end_user("alice"))
        one.run(one.ops.relink("alice"))
        one.run(one.ops.end_everything())
        assert other.peek() == "live"
        assert other.pending() == []

    def test_leases_and_cooldowns_of_one_account_concern_no_other(
        self, accounts: tuple[StoreDriver, StoreDriver]
    ) -> None:
        one, other = accounts
        one.lease(owner="me")
        assert isinstance(other.claim(owner="you"), Claimed)
        one.run(
            one.ops.abandon(one.lease(owner="me"), Cooldown(30, "credentials_rejected", "x", everyone=True))
        )
        assert isinstance(one.claim(slot=BOBS, principal=BOB), CoolingDown)
        assert isinstance(other.claim(slot=BOBS, principal=BOB), Claimed)

    def test_each_account_has_its_own_notes_and_budget(
        self, accounts: tuple[StoreDriver, StoreDriver]
    ) -> None:
        one, other = accounts
        one.run(one.ops.put_note("alice", "link", "sandbox", seconds=60))
        assert other.run(other.ops.get_note("alice", "link")) is None
        one.run(one.ops.hold(30))
        assert other.run(other.ops.admit(Priority.USER, None, patience=1)).wait == 0
        assert one.run(one.ops.admit(Priority.USER, None, patience=60)).wait > 1

    def test_the_same_value_in_two_accounts_is_two_tokens(
        self, accounts: tuple[StoreDriver, StoreDriver]
    ) -> None:
        one, other = accounts
        one.put("same")
        other.put("same")
        one.run(one.ops.relink("alice"))
        (pending,) = one.run(one.ops.due(1, seconds=60)).batch
        assert one.run(one.ops.condemn(pending)) is True
        assert other.peek() == "same"
