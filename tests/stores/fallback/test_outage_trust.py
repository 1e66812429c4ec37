"""Promise 11: during an outage a process serves those whom it has itself seen alive in the store a short while ago."""

import pytest

from monite_auth import PARTNER, Principal, errors
from monite_auth.engine.runtime import run
from monite_auth.stores.fallback.trust import Trust
from tests.scripted import ALICE, ALICE_IN_MONITE, BOB, numbered
from tests.stores.fallback.outage import AGAIN, Outage

NOBODY_KNOWS = Principal("alice")
EARLY, LATE = (Principal("alice", authenticated_at=1_700_000_000.0 - ago) for ago in (90.0, 30.0))
KINDS = {"an id": ALICE, "a date": EARLY, "neither": NOBODY_KNOWS}


def world_of(*seen, **changes) -> Outage:
    return Outage(numbered(), seen=seen, **changes)


def is_served(world: Outage, principal) -> bool:
    """Say whether a caller gets a token; whoever does not gets a 503, and is told when to try again."""
    try:
        world.token(principal)
    except errors.StoreUnavailable as error:
        assert (error.status_hint, error.retry_after) == (503, 1.0)
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_promise_11_only_those_are_served_whom_this_process_has_seen_alive_a_short_while_ago(kind):
    world = world_of(KINDS[kind])
    world.shared.is_down = True
    assert is_served(world, KINDS[kind])
    assert [is_served(world, each) for each in (AGAIN, LATE, BOB)] == [False] * 3
    assert len(world.mints) == 1
    world.now += 59
    assert is_served(world, KINDS[kind])
    world.now += 1
    assert not is_served(world, KINDS[kind])


def test_promise_11_a_logout_in_another_process_holds_here_when_trust_is_over():
    world = world_of(ALICE)
    world.value()
    run(world.new_process().operations(blocking=True).end_session(ALICE))
    world.shared.is_down = True
    world.now += 61
    assert not is_served(world, ALICE)
    world.back()
    with pytest.raises(errors.SessionEnded):
        world.token()


def test_promise_11_whom_another_process_has_seen_is_not_served_here():
    world = world_of(ALICE)
    other = world_of(shared=world.shared)
    world.shared.is_down = True
    assert [is_served(each, ALICE) for each in (world, other)] == [True, False]


def test_where_the_trust_is_0_nobody_is_served_but_the_partner():
    world = world_of(ALICE, outage_trust=0)
    world.shared.is_down = True
    assert not is_served(world, ALICE)
    assert is_served(world, PARTNER)
    world.now += 3600
    assert is_served(world, PARTNER)


SIGHTS = {
    "a token is read": lambda world, slot: world.store.peek(slot, ALICE),
    "a claim": lambda world, slot: world.store.claim(slot, ALICE, owner="me", seconds=5, min_life=0),
    "a login": lambda world, _slot: world.store.begin_session(ALICE),
}


@pytest.mark.parametrize("sight", SIGHTS)
def test_each_answer_about_a_session_that_is_alive_counts(sight):
    world = world_of()
    world.value()
    world.now += 60
    run(SIGHTS[sight](world, world.engine.tokens.slot(ALICE)))
    world.shared.is_down = True
    world.now += 59
    assert is_served(world, ALICE)


def test_that_there_is_no_token_says_nothing_about_a_session():
    world = world_of()
    assert run(world.store.peek(world.engine.tokens.slot(ALICE), ALICE)) is None
    world.shared.is_down = True
    assert not is_served(world, ALICE)


def test_a_login_during_an_outage_is_served():
    world = world_of()
    world.shared.is_down = True
    assert not is_served(world, ALICE)
    run(world.store.begin_session(ALICE))
    assert is_served(world, ALICE)


ENDINGS = {
    "end_session": lambda store: store.end_session(ALICE),
    "end_user": lambda store: store.end_user("alice"),
    "end_everything": lambda store: store.end_everything(),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_promise_5_an_ending_in_this_process_ends_the_trust(ending):
    world = world_of(ALICE)
    run(ENDINGS[ending](world.store))
    world.shared.is_down = True
    with pytest.raises((errors.StoreUnavailable, errors.SessionEnded)):
        world.token()
    assert world.mints == []


def test_promise_5_an_ending_that_the_store_tells_of_ends_the_trust():
    world = world_of(ALICE, AGAIN)
    run(world.new_process().operations(blocking=True).end_session(ALICE))
    with pytest.raises(errors.SessionEnded):
        world.token()
    world.shared.is_down = True
    assert [is_served(world, each) for each in (ALICE, AGAIN)] == [False, True]


def test_promise_5_the_end_of_sessions_without_an_id_leaves_those_with_one():
    world = world_of(ALICE, EARLY, LATE)
    run(world.store.end_session(LATE))
    world.shared.is_down = True
    for each in (EARLY, LATE):
        with pytest.raises((errors.StoreUnavailable, errors.SessionEnded)):
            world.token(each)
    assert is_served(world, ALICE)


@pytest.mark.parametrize("ending", ENDINGS)
def test_promise_5_an_answer_from_before_an_ending_brings_no_trust_back(ending):
    world = world_of()
    world.value()
    peek = world.inner.peek

    async def answered_late(slot, principal):
        found = await peek(slot, principal)
        await ENDINGS[ending](world.store)
        return found

    world.inner.peek = answered_late
    run(world.store.peek(world.engine.tokens.slot(ALICE), ALICE))
    world.shared.is_down = True
    with pytest.raises((errors.StoreUnavailable, errors.SessionEnded)):
        world.token()


def test_a_trusted_session_is_judged_by_its_name_and_not_by_its_date():
    old = Principal("alice", session_id="alice-1", authenticated_at=1_700_000_000.0 - 30 * 24 * 3600)
    world = world_of()
    run(world.store.begin_session(old))
    world = world_of(old, shared=world.shared)
    world.shared.is_down = True
    assert is_served(world, old)


def test_who_somebody_is_needs_no_store():
    world = world_of()
    world.shared.is_down = True
    assert run(world.engine.tokens.entity_user(world, ALICE)) == ALICE_IN_MONITE


def test_trust_is_bounded_and_drops_those_that_were_not_seen_for_longest():
    kept = Trust(60, lambda: 1.0, session_limit=100)
    for number in range(1000):
        for principal in (ALICE, Principal(f"user-{number}", session_id="1")):
            kept.note(principal, kept.endings)
    assert kept.includes(ALICE)
    known = [number for number in range(1000) if kept.includes(Principal(f"user-{number}", session_id="1"))]
    assert 90 <= len(known) <= 200
    assert known == list(range(known[0], 1000))
