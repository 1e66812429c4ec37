"""What every store must do: each operation, each outcome. A new kind of store is one more line in KINDS."""

from typing import Any

import pytest

from monite_auth import AccessToken, EntityUser, MemoryStore, Principal, Secret
from monite_auth.runtime import run
from monite_auth.stores.base import (
    PARTNER_SLOT,
    Busy,
    Claimed,
    Ended,
    Hit,
    Lease,
    Operations,
    Rest,
    Resting,
    Slot,
)

KINDS = {"memory": MemoryStore}

PERSON = EntityUser("a11ce000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001")
ALICE = Principal("alice", session_id="alice-1")
AGAIN = Principal("alice", session_id="alice-2")
HOME = Slot("alice", None, None)
ABROAD = Slot("alice", "abroad", None)
BOB = Principal("bob", session_id="bob-1")
BOBS = Slot("bob", None, None)


class Driver:
    """One store, its clock, and the steps that the tests share."""

    def __init__(self, kind: type[MemoryStore], **options: Any) -> None:
        self.now = 1_800_000_000.0
        self.store = kind(clock=lambda: self.now, requests_per_second=30, **options)
        self.ops: Operations = self.store.operations(blocking=True)

    def peek(self, slot=HOME, principal=ALICE):
        found = run(self.ops.peek(slot, principal))
        return found.value.reveal() if found is not None else None

    def claim(self, slot=HOME, principal=ALICE, owner="me", seconds=5.0, min_life=0.0):
        return run(self.ops.claim(slot, principal, owner=owner, seconds=seconds, min_life=min_life))

    def lease(self, **kwargs) -> Lease:
        claim = self.claim(**kwargs)
        assert isinstance(claim, Claimed), claim
        return claim.lease

    def token(self, value: str, life: float = 1800.0) -> AccessToken:
        return AccessToken(
            Secret(value), self.now + life, self.now, self.now + life * 0.8, PERSON, lambda: self.now
        )

    def commit(self, lease: Lease, value: str, life: float = 1800.0) -> bool:
        return run(self.ops.commit(lease, self.token(value, life)))

    def put(self, value: str, slot=HOME, principal=ALICE, life: float = 1800.0) -> None:
        lease = self.lease(slot=slot, principal=principal, min_life=1e9)
        assert self.commit(lease, value, life)

    def pending(self) -> list[str]:
        """Take all that is due."""
        return sorted(each.token.reveal() for each in run(self.ops.due(1000, seconds=60)).batch)


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def driver(request) -> Driver:
    return Driver(request.param)


# -- peek, claim, commit


def test_a_cold_slot_has_nothing_and_is_there_to_claim(driver):
    assert driver.peek() is None
    assert isinstance(driver.claim(), Claimed)


def test_what_is_committed_is_there_with_all_its_facts(driver):
    token = driver.token("t")
    assert run(driver.ops.commit(driver.lease(), token)) is True
    found = run(driver.ops.peek(HOME, ALICE))
    assert found == token
    assert found.entity_user == PERSON
    assert found.expires_in == 1800


def test_a_hit_is_a_token_with_enough_life_left(driver):
    driver.put("t", life=100)
    claim = driver.claim(min_life=100)
    assert isinstance(claim, Hit)
    assert claim.token.value == Secret("t")
    assert isinstance(driver.claim(min_life=100.1), Claimed)


def test_an_expired_token_is_neither_peeked_at_nor_a_hit(driver):
    driver.put("t", life=100)
    driver.now += 100
    assert driver.peek() is None
    assert isinstance(driver.claim(), Claimed)


def test_a_session_gets_tokens_after_its_first_claim(driver):
    driver.put("t")
    assert driver.peek(principal=AGAIN) is None
    assert isinstance(driver.claim(principal=AGAIN), Hit)
    assert driver.peek(principal=AGAIN) == "t"


def test_another_owner_is_busy_until_the_lease_has_run_out(driver):
    driver.lease(owner="me", seconds=5)
    driver.now += 3
    claim = driver.claim(owner="you")
    assert isinstance(claim, Busy)
    assert claim.retry_in == pytest.approx(2)
    driver.now += 2
    assert isinstance(driver.claim(owner="you"), Claimed)


def test_a_claim_of_the_same_owner_renews_the_lease_and_voids_the_one_before(driver):
    first = driver.lease(seconds=5)
    driver.now += 4
    second = driver.lease(seconds=5)
    driver.now += 4
    assert isinstance(driver.claim(owner="you"), Busy)
    assert driver.commit(first, "void") is False
    assert driver.commit(second, "good") is True
    assert driver.peek() == "good"
    assert driver.pending() == ["void"]


def test_a_lease_that_ran_out_but_was_not_taken_still_counts(driver):
    lease = driver.lease(seconds=5)
    driver.now += 50
    assert driver.commit(lease, "late") is True
    assert driver.peek() == "late"


def test_a_lease_serves_once(driver):
    lease = driver.lease()
    assert driver.commit(lease, "one") is True
    assert driver.commit(lease, "two") is False
    assert driver.peek() == "one"
    assert driver.pending() == ["two"]


def test_slots_do_not_mix(driver):
    driver.put("home")
    driver.put("abroad", slot=ABROAD)
    driver.put("bobs", slot=BOBS, principal=BOB)
    driver.put("partner", slot=PARTNER_SLOT, principal=None)
    assert driver.peek() == "home"
    assert driver.peek(ABROAD) == "abroad"
    assert driver.peek(BOBS, BOB) == "bobs"
    assert driver.peek(PARTNER_SLOT, None) == "partner"


# -- abandon


def test_an_abandoned_claim_is_free_at_once(driver):
    run(driver.ops.abandon(driver.lease(owner="me")))
    assert isinstance(driver.claim(owner="you"), Claimed)


def test_a_void_lease_abandons_nothing(driver):
    first = driver.lease()
    driver.lease()
    run(driver.ops.abandon(first, Rest(30, "monite_unavailable", "x")))
    assert isinstance(driver.claim(owner="you"), Busy)


def test_a_rest_keeps_the_slot_alone_and_says_why(driver):
    why = Rest(30, "entity_user_rejected", "no such user", "req-1", 404, "Not found")
    run(driver.ops.abandon(driver.lease(), why))
    driver.now += 10
    claim = driver.claim()
    assert isinstance(claim, Resting)
    assert claim.retry_in == pytest.approx(20)
    assert claim.why == why
    assert isinstance(driver.claim(slot=ABROAD), Claimed)
    driver.now += 20
    assert isinstance(driver.claim(), Claimed)


def test_a_rest_of_everyone_keeps_all_slots(driver):
    run(driver.ops.abandon(driver.lease(), Rest(30, "credentials_rejected", "x", everyone=True)))
    assert isinstance(driver.claim(slot=BOBS, principal=BOB), Resting)
    assert isinstance(driver.claim(slot=PARTNER_SLOT, principal=None), Resting)
    driver.now += 30
    assert isinstance(driver.claim(slot=BOBS, principal=BOB), Claimed)


def test_a_rest_does_not_hide_a_valid_token(driver):
    driver.put("t")
    run(driver.ops.abandon(driver.lease(min_life=1e9), Rest(30, "monite_unavailable", "x")))
    assert driver.peek() == "t"
    assert isinstance(driver.claim(), Hit)


# -- discard


def test_a_discarded_token_is_gone_and_a_newer_one_is_not(driver):
    old = driver.token("old").fingerprint
    driver.put("old")
    run(driver.ops.discard(HOME, old))
    assert driver.peek() is None
    driver.put("new")
    run(driver.ops.discard(HOME, old))
    assert driver.peek() == "new"
    run(driver.ops.discard(BOBS, old))


# -- endings


def test_ending_a_session_makes_all_its_tokens_pending(driver):
    driver.put("first")
    driver.put("second")  # the first is superseded and still valid
    driver.put("abroad", slot=ABROAD)
    driver.put("discarded", slot=Slot("alice", "third", None))
    run(driver.ops.discard(Slot("alice", "third", None), driver.token("discarded").fingerprint))
    driver.put("bobs", slot=BOBS, principal=BOB)
    assert run(driver.ops.end_session(ALICE)) == 4
    assert driver.pending() == ["abroad", "discarded", "first", "second"]
    assert driver.peek() is None
    assert isinstance(driver.claim(), Ended)
    assert driver.peek(BOBS, BOB) == "bobs"


def test_a_superseded_token_that_has_expired_is_not_revoked(driver):
    driver.put("short", life=10)
    driver.put("long", life=1800)
    driver.now += 20
    assert run(driver.ops.end_session(ALICE)) == 1
    assert driver.pending() == ["long"]


def test_ending_a_session_fences_the_mint_in_flight_and_keeps_its_lease(driver):
    lease = driver.lease(owner="me")
    run(driver.ops.end_session(ALICE))
    assert isinstance(driver.claim(owner="you", principal=AGAIN), Busy)
    assert driver.commit(lease, "fenced") is False
    assert driver.pending() == ["fenced"]
    assert isinstance(driver.claim(owner="you", principal=AGAIN), Claimed)


def test_ending_one_session_leaves_the_users_others_their_right(driver):
    driver.put("t")
    driver.claim(principal=AGAIN)
    run(driver.ops.end_session(ALICE))
    assert isinstance(driver.claim(principal=ALICE), Ended)
    assert isinstance(driver.claim(principal=AGAIN), Claimed)


def test_ending_a_session_leaves_slots_of_other_sessions_alone(driver):
    mine, other = Slot("alice", None, "alice-1"), Slot("alice", None, "alice-2")
    driver.put("mine", slot=mine)
    driver.put("other", slot=other, principal=AGAIN)
    run(driver.ops.end_session(ALICE))
    assert driver.pending() == ["mine"]
    assert driver.peek(other, AGAIN) == "other"


def test_a_session_that_never_had_a_token_can_be_ended_too(driver):
    assert run(driver.ops.end_session(ALICE)) == 0
    assert isinstance(driver.claim(), Ended)


def test_without_a_session_id_everything_that_logged_in_before_is_ended(driver):
    old = Principal("alice", authenticated_at=driver.now - 10)
    driver.put("t", principal=old)
    run(driver.ops.end_session(old))
    assert driver.pending() == ["t"]
    assert isinstance(driver.claim(principal=old), Ended)
    new = Principal("alice", authenticated_at=driver.now)
    driver.put("u", principal=new)
    assert driver.peek(principal=new) == "u"
    assert driver.peek(principal=old) is None


def test_end_user_ends_known_sessions_and_those_that_logged_in_before(driver):
    driver.put("t")
    driver.claim(principal=AGAIN)
    assert run(driver.ops.end_user("alice")) == 1
    for ended in (ALICE, AGAIN, Principal("alice", session_id="unseen", authenticated_at=driver.now - 1)):
        assert isinstance(driver.claim(principal=ended), Ended)
        assert driver.peek(principal=ended) is None
    fresh = Principal("alice", session_id="fresh", authenticated_at=driver.now)
    assert isinstance(driver.claim(principal=fresh), Claimed)


def test_relink_takes_tokens_and_fences_but_ends_nothing(driver):
    driver.put("t")
    lease = driver.lease(min_life=1e9)
    assert run(driver.ops.relink("alice")) == 1
    assert driver.commit(lease, "fenced") is False
    assert driver.pending() == ["fenced", "t"]
    assert isinstance(driver.claim(), Claimed)
    assert run(driver.ops.relink("nobody")) == 0


# -- pending revocations


def end(driver, *values, life=1800.0):
    for value in values:
        driver.put(value, life=life)
    run(driver.ops.relink("alice"))


def test_a_revocation_is_given_to_one_drainer_at_a_time(driver):
    end(driver, "t")
    due = run(driver.ops.due(10, seconds=30))
    assert [each.token for each in due.batch] == [Secret("t")]
    assert due.next_in == pytest.approx(30)
    assert run(driver.ops.due(10, seconds=30)).batch == []
    driver.now += 30
    assert driver.pending() == ["t"]


def test_a_settled_revocation_is_done(driver):
    end(driver, "t")
    run(driver.ops.settle(run(driver.ops.due(1, seconds=30)).batch[0]))
    driver.now += 60
    due = run(driver.ops.due(10, seconds=30))
    assert (due.batch, due.next_in, due.expired) == ([], None, 0)


def test_a_postponed_revocation_comes_back_when_it_is_time_and_knows_its_tries(driver):
    end(driver, "t")
    run(driver.ops.postpone(run(driver.ops.due(1, seconds=600)).batch[0], 7))
    driver.now += 6.9
    assert run(driver.ops.due(10, seconds=30)).batch == []
    driver.now += 0.2
    assert [each.attempts for each in run(driver.ops.due(10, seconds=30)).batch] == [1]


def test_a_revocation_whose_token_has_expired_is_dropped_and_counted(driver):
    end(driver, "t", life=100)
    driver.now += 104
    assert len(run(driver.ops.due(10, seconds=0)).batch) == 1
    driver.now += 2
    due = run(driver.ops.due(10, seconds=30))
    assert (due.batch, due.expired, due.next_in) == ([], 1, None)


def test_no_more_than_asked_for_is_given(driver):
    end(driver, "a", "b", "c")
    due = run(driver.ops.due(2, seconds=30))
    assert len(due.batch) == 2
    assert due.next_in == 0
    assert len(driver.pending()) == 1


# -- bounds


def test_a_user_that_falls_out_of_memory_is_revoked_not_forgotten():
    driver = Driver(MemoryStore, max_users=3)
    for number in range(5):
        driver.put(f"token-{number}", Slot(f"user-{number}", None, None), Principal(f"user-{number}"))
    assert driver.pending() == ["token-0", "token-1"]
    assert driver.peek(Slot("user-0", None, None), Principal("user-0")) is None
    assert driver.peek(Slot("user-4", None, None), Principal("user-4")) == "token-4"


def test_memory_does_not_grow_with_users_who_are_gone():
    driver = Driver(MemoryStore, session_memory=100)
    for number in range(500):
        principal = Principal(f"user-{number}", session_id="s")
        driver.put("t", Slot(principal.user_id, None, None), principal, life=50)
        run(driver.ops.end_session(principal))
        driver.now += 10
    run(driver.ops.due(1000, seconds=0))
    assert len(driver.store._reading) == len(driver.store._users) < 20
    assert len(driver.store._ended) <= 11
    assert len(driver.store._pending) <= 6
