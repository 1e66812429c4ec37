"""Endings: what they take away, what they fence, and whom they leave alone."""

from monite_auth.identity import PARTNER, Principal
from monite_auth.stores.values import PARTNER_SLOT, Busy, Claimed, Ended, Everything, Hit, SessionState, Slot
from monite_auth.testing.stores.driver import (
    ABROAD,
    AGAIN,
    ALICE,
    BOB,
    BOBS,
    HOME,
    Drive,
    StoreDriver,
    StoreGround,
)


class SessionContract:
    """`end_session`, `end_user`, `relink` and `end_everything`."""

    def test_ending_a_session_makes_all_its_tokens_pending(self, driver: StoreDriver) -> None:
        driver.put("first")
        driver.put("second")  # the first is superseded and still valid
        driver.put("abroad", slot=ABROAD)
        driver.put("discarded", slot=Slot("alice", "third", None))
        driver.run(driver.ops.discard(Slot("alice", "third", None), driver.token("discarded").fingerprint))
        driver.put("bobs", slot=BOBS, principal=BOB)
        assert driver.run(driver.ops.end_session(ALICE)) == 4
        assert driver.pending() == ["abroad", "discarded", "first", "second"]
        assert driver.peek() is None
        assert isinstance(driver.claim(), Ended)
        assert driver.peek(BOBS, BOB) == "bobs"

    def test_a_superseded_token_that_has_expired_is_not_revoked(self, driver: StoreDriver) -> None:
        driver.put("short", life=10)
        driver.put("long", life=1800)
        driver.advance(20)
        assert driver.run(driver.ops.end_session(ALICE)) == 1
        assert driver.pending() == ["long"]

    def test_ending_a_session_fences_the_mint_in_flight_and_keeps_its_lease(
        self, driver: StoreDriver
    ) -> None:
        lease = driver.lease(owner="me")
        driver.run(driver.ops.end_session(ALICE))
        assert isinstance(driver.claim(owner="you", principal=AGAIN), Busy)
        assert driver.commit(lease, "fenced") is False
        assert driver.pending() == ["fenced"]
        assert isinstance(driver.claim(owner="you", principal=AGAIN), Claimed)

    def test_ending_one_session_leaves_the_users_others_their_right(self, driver: StoreDriver) -> None:
        driver.put("t")
        driver.claim(principal=AGAIN)
        driver.run(driver.ops.end_session(ALICE))
        assert isinstance(driver.claim(principal=ALICE), Ended)
        assert isinstance(driver.claim(principal=AGAIN), Claimed)

    def test_ending_a_session_leaves_slots_of_other_sessions_alone(self, driver: StoreDriver) -> None:
        mine, other = Slot("alice", None, "alice-1"), Slot("alice", None, "alice-2")
        driver.put("mine", slot=mine)
        driver.put("other", slot=other, principal=AGAIN)
        driver.run(driver.ops.end_session(ALICE))
        assert driver.pending() == ["mine"]
        assert driver.peek(other, AGAIN) == "other"

    def test_a_session_that_never_had_a_token_can_be_ended_too(self, driver: StoreDriver) -> None:
        assert driver.run(driver.ops.end_session(ALICE)) == 0
        assert isinstance(driver.claim(), Ended)

    def test_without_a_session_id_everything_that_logged_in_before_is_ended(
        self, driver: StoreDriver
    ) -> None:
        old = Principal("alice", authenticated_at=driver.now - 10)
        driver.put("t", principal=old)
        driver.run(driver.ops.end_session(old))
        assert driver.pending() == ["t"]
        assert isinstance(driver.claim(principal=old), Ended)
        new = Principal("alice", authenticated_at=driver.now)
        driver.put("u", principal=new)
        assert driver.peek(principal=new) == "u"
        assert driver.peek(principal=old) is None

    def test_end_user_ends_known_sessions_and_those_that_logged_in_before(self, driver: StoreDriver) -> None:
        driver.put("t")
        driver.claim(principal=AGAIN)
        assert driver.run(driver.ops.end_user("alice")) == 1
        for ended in (ALICE, AGAIN, Principal("alice", session_id="unseen", authenticated_at=driver.now - 1)):
            assert isinstance(driver.claim(principal=ended), Ended)
            assert driver.peek(principal=ended) is None
        fresh = Principal("alice", session_id="fresh", authenticated_at=driver.now)
        assert isinstance(driver.claim(principal=fresh), Claimed)

    def test_a_store_tells_by_reading_how_a_session_stands(self, driver: StoreDriver) -> None:
        def state(principal: Principal) -> SessionState:
            return driver.run(driver.ops.session_state(principal))

        early, late, ancient = (
            Principal("alice", session_id=name, authenticated_at=driver.now - ago)
            for name, ago in (("early", 20), ("late", 5), ("ancient", 366 * 24 * 3600))
        )
        assert state(ALICE) is SessionState.UNKNOWN
        assert state(Principal("alice")) is state(early) is SessionState.ALIVE
        driver.run(driver.ops.begin_session(ALICE))
        driver.run(driver.ops.begin_session(ancient))
        assert state(ALICE) is state(ancient) is SessionState.ALIVE
        driver.run(driver.ops.end_session(ALICE))
        assert state(ALICE) is SessionState.ENDED
        assert state(AGAIN) is SessionState.UNKNOWN  # asking has written nothing down
        driver.run(driver.ops.end_user("alice"))
        assert state(early) is state(late) is state(ancient) is SessionState.ENDED
        assert state(BOB) is SessionState.UNKNOWN
        stranger = Principal("bob", authenticated_at=ancient.authenticated_at)
        assert state(stranger) is SessionState.TOO_OLD

    def test_relink_takes_tokens_and_fences_but_ends_nothing(self, driver: StoreDriver) -> None:
        driver.put("t")
        lease = driver.lease(min_life=1e9)
        assert driver.run(driver.ops.relink("alice")) == 1
        assert driver.commit(lease, "fenced") is False
        assert driver.pending() == ["fenced", "t"]
        assert isinstance(driver.claim(), Claimed)
        assert driver.run(driver.ops.relink("nobody")) == 0

    def test_a_principal_without_session_or_login_time_loses_its_tokens_and_may_come_back(
        self, driver: StoreDriver
    ) -> None:
        bare = Principal("alice")
        driver.put("t", principal=bare)
        assert driver.run(driver.ops.end_session(bare)) == 1
        assert driver.pending() == ["t"]
        assert isinstance(driver.claim(principal=bare), Claimed)

    def test_promise_5_an_ended_session_stays_ended_when_nothing_else_is_left_of_its_user(
        self, driver: StoreDriver
    ) -> None:
        driver.put("t", life=100)
        driver.run(driver.ops.end_session(ALICE))
        driver.advance(3600)
        driver.pending()
        for number in range(40):  # whatever sweeps, sweeps
            driver.put("t", slot=Slot(f"user-{number}", None, None), principal=Principal(f"user-{number}"))
        assert driver.has_ended(ALICE)

    def test_a_fenced_token_that_has_expired_is_not_revoked(self, driver: StoreDriver) -> None:
        lease = driver.lease()
        driver.run(driver.ops.relink("alice"))
        assert driver.commit(lease, "expired", life=-10) is False
        assert driver.pending() == []

    def test_ending_twice_makes_tokens_pending_once(self, driver: StoreDriver) -> None:
        driver.put("t")
        assert driver.run(driver.ops.end_session(ALICE)) == 1
        assert driver.run(driver.ops.end_session(ALICE)) == 0
        assert driver.run(driver.ops.end_user("alice")) == 0
        assert driver.pending() == ["t"]

    def test_claim_and_peek_agree_long_after_an_ending_whether_it_is_remembered(
        self, ground: StoreGround, form: str, drive: Drive
    ) -> None:
        driver = drive(ground, form, session_memory=100)
        old = Principal("alice", authenticated_at=driver.now - 10)
        driver.run(driver.ops.end_user("alice"))
        assert isinstance(driver.claim(principal=old), Ended)
        driver.advance(101)
        driver.put("t", principal=Principal("alice", authenticated_at=driver.now), life=1e4)
        claim = driver.claim(principal=old)
        assert isinstance(claim, Hit | Ended)
        assert driver.peek(principal=old) == ("t" if isinstance(claim, Hit) else None)

    def test_end_everything_reports_how_much_there_was(self, driver: StoreDriver) -> None:
        driver.put("a")
        driver.put("b", slot=BOBS, principal=BOB)
        driver.put("root", slot=PARTNER_SLOT, principal=PARTNER)
        assert driver.run(driver.ops.end_everything()) == Everything(sessions=2, tokens=3)
        assert driver.pending() == ["a", "b", "root"]
        assert driver.peek(PARTNER_SLOT, PARTNER) is None
        assert driver.has_ended(ALICE)
        assert driver.has_ended(BOB, BOBS)

    def test_end_everything_fences_the_mints_in_flight(self, driver: StoreDriver) -> None:
        lease = driver.lease()
        root = driver.lease(slot=PARTNER_SLOT, principal=PARTNER)
        driver.run(driver.ops.end_everything())
        assert driver.commit(lease, "late") is False
        assert driver.commit(root, "late root") is False
        assert driver.pending() == ["late", "late root"]
        driver.put("new root", slot=PARTNER_SLOT, principal=PARTNER)
        assert driver.peek(PARTNER_SLOT, PARTNER) == "new root"

    def test_the_partners_token_can_be_taken_away(self, driver: StoreDriver) -> None:
        driver.put("root", slot=PARTNER_SLOT, principal=PARTNER)
        driver.put("home")
        assert driver.run(driver.ops.relink(PARTNER)) == 1
        assert driver.peek(PARTNER_SLOT, PARTNER) is None
        assert driver.peek(HOME) == "home"
        assert driver.pending() == ["root"]
