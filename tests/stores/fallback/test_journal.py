"""The journal: what is owed to a store that is down survives the process that owes it."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from monite_auth import PARTNER, Principal, errors
from monite_auth.engine.runtime import run
from monite_auth.stores.fallback.journal import open_journal
from monite_auth.stores.fallback.owed_operation import OwedOperation
from tests.forking import FORKS, child_of, ended_well, needs_fork
from tests.scripted import ALICE, BOB
from tests.stores.fallback.outage import AGAIN

pytestmark = [needs_fork, pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")]


def test_promise_7_what_a_dead_process_owed_is_repeated_before_anything_else(world):
    world.value()
    world.value(BOB)
    world.dies_owing(ALICE, BOB)
    for principal in (ALICE, BOB):
        with pytest.raises(errors.SessionEnded):
            world.token(principal)
    assert world.journals == []
    world.drain()
    assert sorted(world.revoked) == ["token-1", "token-2"]


def test_promise_5_what_a_dead_process_owed_holds_in_the_next_one_while_the_store_is_down(world):
    world.value()
    world.dies_owing(ALICE)
    world.shared.is_down = True
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert len(world.journals) == 1
    world.back()
    with pytest.raises(errors.SessionEnded):
        world.token()
    assert world.journals == []


@pytest.mark.parametrize("answered", [1, 3, 20])
def test_promise_7_every_logout_that_was_answered_survives_whenever_the_process_is_killed(world, answered):
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        world.shared.is_down = True
        for number in range(10_000):
            world.logout(Principal(f"user-{number}", session_id="s"))
            os.write(tell, b".")
        os._exit(0)
    for _ in range(answered):
        os.read(told, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.set_blocking(told, False)
    with suppress(BlockingIOError):
        while os.read(told, 1):
            answered += 1
    while world.journals:
        world.asks()
    ended = world.ended
    assert ended[:answered] == [f"user-{number}" for number in range(answered)]
    assert len(ended) <= answered + 1  # the last one may have been written and not answered


def test_processes_that_come_together_adopt_each_file_once(world):
    for number in range(6):
        world.dies_owing(Principal(f"user-{number}", session_id="s"))
    (start, go), (told, tell) = os.pipe(), os.pipe()
    children = []
    for _ in range(4):
        if (child := os.fork()) == 0:
            os.close(go)
            os.read(start, 1)  # until the other end is closed
            run(world.store.backlog())
            for user in world.ended:
                os.write(tell, f"{user}\n".encode())
            os._exit(0)
        children.append(child)
    os.close(go)
    os.close(start)
    for child in children:
        assert ended_well(child)
    os.close(tell)
    with os.fdopen(told) as lines:
        assert sorted(lines) == [f"user-{number}\n" for number in range(6)]
    assert world.journals == []


def test_threads_that_owe_while_others_adopt_lose_nothing(world):
    for number in range(5):
        world.dies_owing(Principal(f"dead-{number}", session_id="s"))
    world.shared.is_down = True
    together = threading.Barrier(8)

    def owe(number: int) -> None:
        together.wait()
        for each in range(20):
            world.logout(Principal(f"user-{number}-{each}", session_id="s"))

    def adopt() -> None:
        together.wait()
        for _ in range(50):
            world.asks()

    with ThreadPoolExecutor(8) as threads:
        for each in [threads.submit(owe, number) for number in range(6)] + [
            threads.submit(adopt) for _ in range(2)
        ]:
            each.result()
    world.back()
    while world.journals:
        world.asks()
    expected = [f"dead-{number}" for number in range(5)]
    expected += [f"user-{number}-{each}" for number in range(6) for each in range(20)]
    assert sorted(world.ended) == sorted(expected)


def test_emergencies_logins_and_doubtful_tokens_are_kept_too(world):
    leaked = world.token()
    world.value(PARTNER)

    def owe_and_die() -> bool:
        world.shared.is_down = True
        for operation in (
            world.store.revoke(leaked),
            world.store.relink(PARTNER),
            world.store.end_user("alice"),
            world.store.begin_session(Principal("alice", session_id="alice-2")),
            world.store.discard(world.engine.tokens.slot(BOB), "0123"),
            world.store.end_everything(),
        ):
            run(operation)
        return True

    world.leaves(owe_and_die)
    world.shared.done.clear()
    run(world.store.backlog())
    names = ["revoke", "relink", "end_user", "begin_session", "discard", "end_everything", "backlog"]
    assert [name for name, *_ in world.shared.done] == names
    world.drain()
    assert sorted(world.revoked) == ["token-1", "token-2"]


def test_promise_6_what_a_dead_process_minted_for_itself_is_revoked(world):
    def mint_and_die() -> bool:
        world.shared.is_down = True
        return [world.value(), world.value(BOB), world.value(PARTNER)] == ["token-1", "token-2", "token-3"]

    world.leaves(mint_and_die)
    world.drain()
    assert sorted(world.revoked) == ["token-1", "token-2", "token-3"]
    assert world.journals == []


def test_what_was_handed_over_is_not_left_to_others(world):
    world.shared.is_down = True
    world.value()
    assert len(world.journals) == 1
    world.back()
    world.value()
    assert world.journals == []


def owing(world, go_on: Callable[[int], object]) -> tuple[int, int]:
    """Fork a process that owes a logout, and hands the end of a pipe to `go_on`; return the process, and the other end."""
    world.value()
    told, tell = os.pipe()
    process = os.fork()
    if process == 0:
        world.shared.is_down = True
        world.logout()
        go_on(tell)
        os._exit(0)
    return process, told


def test_the_file_of_a_living_process_is_left_alone(world):
    def live(tell: int) -> None:
        os.write(tell, b".")
        signal.pause()

    child, told = owing(world, live)
    os.read(told, 1)
    assert world.value() == "token-1"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    world.now += 1
    with pytest.raises(errors.SessionEnded):
        world.token()


@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
def test_a_child_does_not_hold_its_parents_file(world, fork):
    def leave_a_child(tell: int) -> None:
        if (child := fork()) == 0:
            signal.pause()
        os.write(tell, child.to_bytes(4))

    parent, told = owing(world, leave_a_child)
    child = int.from_bytes(os.read(told, 4))
    try:
        assert ended_well(parent)
        world.now += 1
        with pytest.raises(errors.SessionEnded):
            world.token()
        assert world.journals == []
    finally:
        os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
def test_promise_5_a_child_gives_no_token_to_a_session_whose_end_its_parent_owes(world, fork):
    """Its parent may not have told the store yet, and the child knows that the logout has returned."""
    world.value()
    world.shared.is_down = True
    world.logout()

    def is_refused() -> bool:
        world.back()
        with pytest.raises(errors.SessionEnded):
            world.token()
        return list(world.ended) == ["alice"]

    assert child_of(fork, is_refused)


@pytest.mark.parametrize("fork", FORKS.values(), ids=FORKS)
def test_a_child_has_a_file_of_its_own(world, fork):
    world.shared.is_down = True
    world.logout()

    def end_another() -> bool:
        world.now += 1
        world.logout(BOB)
        return len(world.journals) == 2

    assert child_of(fork, end_another)
    world.back()
    run(world.store.backlog())
    assert [(name, *rest) for name, *rest in world.shared.done if name == "end_session"] == [
        ("end_session", ALICE),
        ("end_session", BOB),
    ]
    assert world.journals == []


def test_what_was_repeated_before_the_death_is_not_repeated_again(world):
    def repeat_one_and_die() -> bool:
        world.shared.is_down = True
        world.logout(ALICE)
        run(world.store.end_user("bob"))
        world.back()
        world.shared.fails_at = "end_user"
        run(world.store.peek(world.engine.tokens.slot(ALICE), ALICE))
        return True

    world.leaves(repeat_one_and_die)
    run(world.store.backlog())
    assert [name for name, *_ in world.shared.done] == ["end_user", "backlog"]


def test_endings_of_several_processes_are_repeated_in_the_order_in_which_they_happened(world):
    world.shared.is_down = True
    run(world.store.relink("alice"))
    world.dies_owing(ALICE)
    run(world.store.relink("bob"))
    world.back()
    run(world.store.backlog())
    assert [name for name, *_ in world.shared.done] == ["relink", "end_session", "relink", "backlog"]


@pytest.mark.parametrize("ending", ["end_user", "end_everything"])
def test_what_is_repeated_late_spares_sessions_that_began_since(world, ending):
    def end_and_die() -> bool:
        world.now += 1
        world.shared.is_down = True
        with suppress(errors.StoreUnavailable):  # of everything
            run(getattr(world.store, ending)(*(["alice"] if ending == "end_user" else [])))
        return True

    world.leaves(end_and_die)
    other = world.new_process().operations(blocking=True)  # which has not looked for journals
    run(other.begin_session(AGAIN))
    world.now += 1
    for ended in (ALICE, Principal("alice", authenticated_at=world.now - 20)):
        with pytest.raises(errors.SessionEnded):
            world.token(ended)
    assert world.value(AGAIN)


def test_what_was_owed_before_the_host_was_booted_comes_first_and_counts_as_of_now(world):
    def owe_and_die() -> bool:
        journal = open_journal(world.settings, world.clock)
        journal.append(OwedOperation("end_user", ("alice",), world.now + 1e9, "an earlier boot"))
        world.shared.is_down = True
        run(world.store.relink("alice"))
        return True

    world.leaves(owe_and_die)
    run(world.inner.begin_session(AGAIN))
    world.now += 1
    run(world.store.backlog())
    assert [name for name, *_ in world.shared.done] == ["end_user", "relink", "backlog"]
    with pytest.raises(errors.SessionEnded):
        world.token(AGAIN)
