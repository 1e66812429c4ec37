"""What several processes that share one place find there of each other."""

import pytest

from monite_auth.identity import Principal
from monite_auth.stores.bounds import MOST_ENDINGS
from monite_auth.stores.budget import HEADROOM
from monite_auth.stores.values import Claimed, Cooldown, CoolingDown, Hit
from monite_auth.testing.stores.driver import AGAIN, ALICE, BOB, BOBS, Drive, StoreDriver, StoreGround

SANDBOX, LIVE = "https://sandbox.example 1", "https://live.example 1"


class SharingContract:
    """Two stores of one place, as in two processes."""

    @pytest.fixture
    def pair(self, ground: StoreGround, form: str, drive: Drive) -> tuple[StoreDriver, StoreDriver]:
        """Return two stores of one account that share one place."""
        return drive(ground, form), drive(ground, form)

    @pytest.fixture
    def brokers(self, ground: StoreGround, form: str, drive: Drive) -> tuple[StoreDriver, StoreDriver]:
        """Return two stores of two accounts that share one place."""
        return drive(ground, form, account=SANDBOX), drive(ground, form, account=LIVE)

    def test_a_token_that_one_process_stores_is_handed_out_by_the_other(
        self, pair: tuple[StoreDriver, StoreDriver]
    ) -> None:
        one, other = pair
        one.put("t")
        assert other.peek() == "t"
        assert isinstance(other.claim(principal=AGAIN), Hit)
        assert one.peek(principal=AGAIN) == "t"

    def test_promise_2_one_process_mints_and_the_other_waits(
        self, pair: tuple[StoreDriver, StoreDriver]
    ) -> None:
        one, other = pair
        lease = one.lease(owner="one")
        assert other.is_busy(owner="other")
        one.advance(5)
        late = other.lease(owner="other")
        assert one.commit(lease, "late") is False
        assert other.commit(late, "good") is True
        assert one.peek() == "good"

    def test_promise_5_a_logout_in_one_process_holds_in_the_other(
        self, pair: tuple[StoreDriver, StoreDriver]
    ) -> None:
        one, other = pair
        one.put("t")
        lease = one.lease(min_life=1e9)
        assert other.run(other.ops.end_session(ALICE)) == 1
        assert one.peek() is None
        assert one.has_ended(ALICE)
        assert one.commit(lease, "fenced") is False
        assert one.pending() == ["fenced", "t"]
        assert other.pending() == []

    def test_promise_5_a_process_that_remembers_for_a_shorter_time_ends_its_sessions_and_no_others(
        self, ground: StoreGround, form: str, drive: Drive
    ) -> None:
        one, other = drive(ground, form), drive(ground, form, session_memory=3600.0)
        for number in range(MOST_ENDINGS):
            one.run(one.ops.end_session(Principal("alice", session_id=f"s-{number}")))
        ended = other.dated(0, "ended")
        other.run(other.ops.end_session(ended))
        assert one.has_ended(ended)
        one.advance(1)
        assert isinstance(one.claim(principal=one.dated(0, "new")), Claimed)

    def test_promise_8_two_processes_have_one_budget(self, pair: tuple[StoreDriver, StoreDriver]) -> None:
        one, other = pair
        waits = [driver.admit().wait for driver in (one, other, one, other)]
        assert waits == [each.about(number / (30 * HEADROOM)) for number, each in enumerate([one, other] * 2)]
        one.run(one.ops.hold(10))
        assert other.admit().wait > 10

    def test_a_cooldown_in_one_process_is_known_to_the_other(
        self, pair: tuple[StoreDriver, StoreDriver]
    ) -> None:
        one, other = pair
        why = Cooldown(30, "credentials_rejected", "x", everyone=True)
        one.run(one.ops.abandon(one.lease(), why))
        claim = other.claim(slot=BOBS, principal=BOB)
        assert isinstance(claim, CoolingDown)
        assert claim.why == why

    def test_a_note_of_one_process_is_the_others_too(self, pair: tuple[StoreDriver, StoreDriver]) -> None:
        one, other = pair
        one.put_note("found by one")
        assert other.get_note() == "found by one"
        other.run(other.ops.delete_note("alice", "link"))
        assert one.get_note() is None

    def test_promise_1_no_process_hands_an_account_another_ones_token(
        self, brokers: tuple[StoreDriver, StoreDriver]
    ) -> None:
        one, other = brokers
        one.put("sandbox")
        assert other.peek() is None
        other.put("live")
        assert (one.peek(), other.peek()) == ("sandbox", "live")

    def test_a_store_of_the_same_account_goes_on_where_another_stopped(
        self, ground: StoreGround, form: str, drive: Drive
    ) -> None:
        drive(ground, form, account=SANDBOX).put("kept")
        again = drive(ground, form, account=SANDBOX)
        assert again.peek() == "kept"
