"""Endings that a store has missed hold at once, and are repeated before anything else is asked of it."""

import asyncio

import pytest

from monite_auth import PARTNER, Principal, errors
from monite_auth.engine.runtime import run
from tests.scripted import ALICE, BOB, numbered
from tests.stores.fallback.outage import AGAIN, ENDINGS, Outage, after_missing, while_missing


@pytest.mark.parametrize("ending", ENDINGS)
def test_promise_7_the_first_caller_after_an_outage_finds_the_ending_carried_out(ending):
    world = after_missing(ending)
    with pytest.raises(errors.SessionEnded):
        world.token()
    world.drain()
    assert world.revoked == ["token-1"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_promise_5_during_an_outage_no_session_that_was_ended_is_served(ending):
    world = while_missing(ending)
    for _ in range(3):
        with pytest.raises((errors.SessionEnded, errors.StoreUnavailable)):
            world.token()
        world.now += 2
    assert len(world.mints) == 1


def test_a_session_that_began_after_the_ending_is_served_during_the_outage_and_afterwards():
    world = Outage(numbered())
    world.value()
    world.shared.is_down = True
    run(world.store.end_user("alice"))
    run(world.store.begin_session(AGAIN))
    assert world.value(AGAIN) == "token-2"
    world.back()
    assert world.value(AGAIN) == "token-3"
    with pytest.raises(errors.SessionEnded):
        world.token(ALICE)


def test_what_is_owed_is_repeated_in_its_order_and_once():
    world = Outage(numbered())
    world.shared.is_down = True
    run(world.store.end_user("alice"))
    run(world.store.begin_session(AGAIN))
    run(world.store.end_session(BOB))
    run(world.store.relink(PARTNER))
    world.back()
    world.shared.done.clear()
    for _ in range(2):
        run(world.store.backlog())
    assert world.shared.done == [
        ("end_user", "alice"),
        ("begin_session", AGAIN),
        ("end_session", BOB),
        ("relink", PARTNER),
        ("backlog",),
        ("backlog",),
    ]


def test_a_relink_and_the_partners_end_are_kept_too():
    world = Outage(numbered())
    world.value()
    world.value(PARTNER)
    world.shared.is_down = True
    run(world.store.relink("alice"))
    run(world.store.relink(PARTNER))
    world.back()
    assert [world.value(), world.value(PARTNER)] == ["token-3", "token-4"]
    world.drain()
    assert sorted(world.revoked) == ["token-1", "token-2"]


def test_an_ending_whose_caller_is_cancelled_is_not_lost():
    world = Outage(numbered())
    world.value()
    world.shared.cancelled_at = "end_session"
    with pytest.raises(asyncio.CancelledError):
        run(world.store.end_session(ALICE))
    world.shared.cancelled_at = None
    with pytest.raises(errors.SessionEnded):
        world.token()


def test_a_drainer_repeats_what_is_owed_although_nobody_else_comes():
    world = Outage(numbered())
    world.value()
    world.shared.is_down = True
    world.logout()
    assert world.drain().next_in == 1.0
    world.back()
    assert world.drain().settled == 1
    assert world.revoked == ["token-1"]


def test_a_logout_in_an_outage_wakes_a_drainer():
    world = Outage(numbered())
    world.shared.is_down = True
    world.logout()
    assert len(world.background) == 1


def test_a_login_in_an_outage_is_known_afterwards_whatever_its_date_says():
    world = Outage(numbered())
    run(world.store.end_user("alice"))
    late = Principal("alice", session_id="late", authenticated_at=world.now - 60)
    world.shared.is_down = True
    run(world.store.begin_session(late))
    world.back()
    assert world.value(late) == "token-1"


def test_a_store_that_is_closed_before_it_has_heard_of_all_says_so(caplog):
    world = Outage(numbered())
    world.shared.close = lambda: None
    world.fallback.close()
    assert not caplog.records
    world.shared.is_down = True
    world.logout()
    world.fallback.close()
    assert "has not heard of 1 logouts" in caplog.text


@pytest.mark.parametrize("ending_first", [True, False], ids=["ending first", "login first"])
def test_promise_5_a_login_and_an_ending_that_two_processes_owe_count_when_they_happened(ending_first):
    world = Outage(numbered())
    here, elsewhere = world.store, world.new_process().operations(blocking=True)
    world.shared.is_down = True
    run(elsewhere.begin_session(AGAIN))
    world.now += 1
    run(here.end_user("alice"))
    world.back()
    for process in (here, elsewhere) if ending_first else (elsewhere, here):
        run(process.backlog())
    with pytest.raises(errors.SessionEnded):
        world.token(AGAIN)
