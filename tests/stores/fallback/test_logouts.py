"""A logout waits for nothing, and asks no store that is down."""

import asyncio
import sys
import threading
from types import SimpleNamespace

import pytest

from monite_auth import errors
from monite_auth.engine.runtime import run
from monite_auth.stores import Slot
from monite_auth.stores.fallback import FallbackStore
from monite_auth.stores.fallback.journal import open_journal
from monite_auth.stores.memory import MemoryStore
from monite_auth.telemetry import Silence
from tests.scripted import ALICE, BOB
from tests.stores.fallback.journalled import Journalled

HOME_OF_BOB = Slot("bob", None, None)


def test_promise_7_a_logout_in_an_outage_does_not_ask_the_store(world):
    world.value()
    world.shared.is_down = True
    world.logout()
    world.now += 60
    asked = world.shared.asked
    world.logout(BOB)
    run(world.store.end_user("alice"))
    run(world.store.relink("alice"))
    run(world.store.begin_session(ALICE))
    assert world.shared.asked == asked


def test_promise_7_a_logout_that_comes_while_others_are_owed_does_not_repeat_them(world):
    world.shared.is_down = True
    world.logout()
    world.back()
    asked = world.shared.asked
    world.logout(BOB)
    assert world.shared.asked == asked


@pytest.mark.parametrize("error", [errors.ConfigurationError("The password is wrong."), ValueError("alice")])
def test_promise_7_a_logout_that_the_store_refuses_is_owed(world, caplog, error):
    world.value()

    async def refuses(*_, **_late):
        raise error

    world.inner.end_session, end_session = refuses, world.inner.end_session
    world.logout()
    assert (
        "The password is wrong." if isinstance(error, errors.ConfigurationError) else "ValueError"
    ) in caplog.text
    assert "alice" not in caplog.text
    with pytest.raises((errors.ConfigurationError, errors.StoreUnavailable)):
        run(world.store.backlog())
    world.inner.end_session = end_session
    world.back()
    run(world.store.backlog())
    assert world.ended == ["alice"]


@pytest.mark.parametrize("form", ["thread", "task"])
def test_promise_7_a_logout_does_not_wait_for_a_store_that_hangs(directory, form):
    world = Journalled(directory)
    fallback = FallbackStore(
        world.shared, MemoryStore(), clock=world.clock, telemetry=Silence(), outage_trust=60, ends_within=0.01
    )
    fallback.keep(lambda: open_journal(world.settings, world.clock))

    left = threading.Event()
    logouts = []

    class Hanging:
        async def peek(self, slot, principal):
            return None

        async def end_session(self, principal, **_):
            logouts.append(principal)
            if form == "thread":
                left.wait()
            else:
                await asyncio.Event().wait()

    world.shared.inner = Hanging()
    if form == "thread":
        run(fallback.operations(blocking=True).end_session(ALICE))
        left.set()
    else:
        asyncio.run(fallback.operations(blocking=False).end_session(ALICE))
    assert run(fallback.operations(blocking=True).peek(HOME_OF_BOB, BOB)) is None
    assert (
        len(logouts) <= 1
    )  # another user does not wait for it either; its thread may have come too late to begin
    assert len(world.journals) == 1
    assert not fallback.outage.is_on  # it may have waited in this process's own queue


def test_promise_7_where_a_server_has_no_threads_a_logout_does_not_drain_in_an_outage(world, monkeypatch):
    server = SimpleNamespace(worker_id=lambda: 1, mule_id=lambda: 0, opt={"http": b"1"})
    monkeypatch.setitem(sys.modules, "uwsgi", server)
    world.shared.is_down = True
    world.logout()
    assert world.background == []  # it would run within the request, and ask the store
    world.back()
    assert world.peek(BOB) is None
    assert world.ended == ["alice"]
