"""Repeating what a store has missed: once, in order, and whatever stops in the middle of it."""

import asyncio
from contextlib import contextmanager, suppress

import pytest

from monite_auth import errors
from monite_auth.engine.runtime import run
from monite_auth.stores.fallback.outage import LEFT_ALONE
from monite_auth.stores.fallback.owed import MOST_REFUSALS
from tests.at_once import in_threads
from tests.forking import FORKS, child_of, needs_fork
from tests.scripted import ALICE, BOB, numbered
from tests.stores.fallback.outage import (
    AGAIN,
    ENDINGS,
    Outage,
    after_an_outage,
    after_missing,
    after_missing_many,
)


@pytest.mark.parametrize("trouble", ["cancelled", "down"])
def test_a_caller_that_stops_in_the_middle_of_repeating_loses_nothing(trouble):
    world = Outage(numbered())
    world.value()
    world.value(BOB)
    world.shared.is_down = True
    run(world.store.end_session(ALICE))
    run(world.store.end_user("bob"))
    world.back()
    if trouble == "cancelled":
        world.shared.cancelled_at = "end_user"
        with pytest.raises(asyncio.CancelledError):
            world.peek(BOB)
    else:
        world.shared.fails_at = "end_user"
        with pytest.raises(errors.StoreUnavailable):
            world.peek(BOB)
    world.shared.cancelled_at = world.shared.fails_at = None
    world.now += 2
    for principal in (ALICE, BOB):
        with pytest.raises(errors.SessionEnded):
            world.token(principal)
    assert [name for name, *_ in world.shared.done].count("end_session") == 1


def test_while_one_caller_repeats_the_others_get_nothing_out_of_the_store():
    world = after_missing("end_session")
    found = []
    world.shared.during = lambda: found.append(world.peek(ALICE))
    run(world.store.backlog())
    assert found == [None]
    assert [name for name, *_ in world.shared.done].count("end_session") == 1


def test_an_ending_that_comes_while_another_is_repeated_waits_its_turn():
    world = Outage(numbered())
    world.shared.is_down = True
    run(world.store.end_user("alice"))
    world.back()
    world.shared.during = lambda: run(world.store.begin_session(AGAIN))
    world.shared.done.clear()
    run(world.store.backlog())
    assert [name for name, *_ in world.shared.done] == ["end_user", "begin_session", "backlog"]


def test_a_turn_whose_event_loop_stopped_is_free_again_after_a_while():
    world = after_missing("end_session")
    world.shared.stuck_at = "end_session"
    abandoned = world.store.backlog()
    abandoned.send(None)  # and never again
    world.shared.stuck_at = None
    world.peek(ALICE)
    assert ("end_session", ALICE) not in world.shared.done
    world.now += 31
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert ("end_session", ALICE) in world.shared.done
    abandoned.close()


def test_a_turn_whose_event_loop_stopped_is_free_again_when_the_store_is_next_asked():
    world = after_missing("end_session")
    world.shared.stuck_at = "end_session"
    with stopped_in_the_middle_of(world.store.backlog()):
        world.shared.stuck_at = None
        world.shared.done.clear()
        world.now += LEFT_ALONE
        with pytest.raises(errors.SessionEnded):
            world.token()
        assert world.shared.done[0] == ("end_session", ALICE)


def test_tokens_whose_handing_over_stopped_with_its_event_loop_are_handed_over_by_the_next_caller():
    world = after_an_outage(ALICE)
    world.shared.stuck_at = "commit"
    with stopped_in_the_middle_of(world.store.backlog()):
        world.shared.stuck_at = None
        run(world.store.backlog())
        assert [name for name, *_ in world.shared.done].count("commit") == 1


@contextmanager
def stopped_in_the_middle_of(work):
    """Begin some work on an event loop that stops then."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)
    loop.call_soon(loop.stop)
    loop.run_forever()
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_nobody_repeats_for_ever():
    world = after_missing_many(10)

    async def slowly(user, **_late):
        world.now += 0.3
        return 0

    world.inner.end_user = slowly
    for expected in (4, 8, 10):
        world.peek(ALICE)
        assert [name for name, *_ in world.shared.done].count("end_user") == expected


def test_an_ending_that_comes_while_those_of_others_are_repeated_is_told_at_once():
    """One caller at a time repeats: where more people log out than it can tell of, what is owed would never be done."""
    world = after_missing_many(10)

    async def slowly(user, **_late):
        world.now += 0.3
        if user == "user-5":  # the store has answered before, so it is back
            await world.store.end_user("carol")
        return 0

    world.inner.end_user = slowly
    for _ in range(3):
        world.peek(ALICE)
    told = [operation[1] for operation in world.shared.done if operation[0] == "end_user"]
    assert told == [
        *(f"user-{number}" for number in range(5)),
        "carol",
        *(f"user-{number}" for number in range(5, 10)),
    ]


def test_what_the_store_refuses_is_given_up_and_keeps_nobody(caplog):
    world = Outage(numbered())
    world.shared.is_down = True
    run(world.store.end_user("alice"))
    run(world.store.end_user("bob"))
    world.back()

    async def refuses(user, **_late):
        if user == "alice":
            raise ValueError(user)
        return 0

    world.inner.end_user = refuses
    for _ in range(MOST_REFUSALS - 1):
        with pytest.raises(
            errors.StoreUnavailable, match="has not taken end_user, which it missed: ValueError"
        ):
            run(world.store.backlog())
        world.now += 2
    assert "given up" not in caplog.text
    assert run(world.store.backlog()) == 0
    assert ("end_user", "bob") in world.shared.done
    assert "refuses end_user, which is given up: ValueError." in caplog.text
    assert "alice" not in caplog.text


@pytest.mark.parametrize("ending", ENDINGS)
def test_one_odd_error_while_an_ending_is_repeated_gives_nobody_a_token(ending):
    world = after_missing(ending)

    async def breaks(*_args, **_late):
        delattr(world.inner, ending)
        raise RuntimeError("Event loop is closed")

    setattr(world.inner, ending, breaks)
    with pytest.raises((errors.SessionEnded, errors.StoreUnavailable)):
        world.token()
    world.now += 2
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert ending in [name for name, *_ in world.shared.done]


@needs_fork
@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
def test_a_child_that_is_forked_while_its_parent_repeats_does_not_wait_for_that(fork):
    world = after_missing("end_session")
    found = []
    world.shared.during = lambda: found.append(child_of(fork, lambda: run(world.store.backlog()) == 1))
    run(world.store.backlog())
    assert found == [True]


def test_threads_that_come_together_after_an_outage_repeat_it_once_and_none_fails():
    world = after_missing_many(50)
    world.shared.done.clear()

    def come(_number: int) -> None:
        for _ in range(50):
            world.peek(ALICE)

    in_threads(8, come)
    ended = [user for name, user, *_ in world.shared.done if name == "end_user"]
    assert ended == [f"user-{number}" for number in range(50)]
