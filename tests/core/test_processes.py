"""A broker that is older than the process that uses it: parent and child both go on, and have nothing in common.

`tests/servers/test_forks.py` has the same with real servers, which fork in C too. Here Python forks, where there are other
threads, such as the emulator's: it sees to it that the child does not wait for the interpreter that one of them had.
"""

import asyncio
import os
from dataclasses import replace

import pytest

from monite_auth import Principal, TokenBroker
from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from tests.forking import FORKS, child_of, end_with, ended_well, needs_fork
from tests.scripted import settings

pytestmark = [needs_fork, pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")]

ANNA, VIKTOR = (Principal(name, session_id=f"session of {name}") for name in ("anna", "viktor"))


def test_a_forked_child_starts_afresh_and_the_parent_goes_on(broker):
    before = broker.token(ANNA).fingerprint
    ours = broker._engine.owner, broker._blocking().random()

    def child():
        # What a prefork worker does: use the broker that was built, and used, before the fork.
        assert broker.token(ANNA).fingerprint == before
        assert broker._engine.owner != ours[0]
        assert broker._blocking().random() != ours[1]
        assert broker.client(ANNA).get("/entity_users/me").status_code == 200
        broker.logout(ANNA)
        return broker.drain().settled <= 1

    assert child_of(os.fork, child)
    assert broker.token(ANNA).fingerprint == before


@pytest.mark.parametrize("how", FORKS)
def test_children_do_not_draw_the_same_lots(how, tmp_path):
    """What is spread by chance in one process, so that it is not all at once, must be among several too."""
    broker = TokenBroker(settings(), {})
    draws = lambda: broker._blocking().random()  # noqa: E731
    drawn = {draws()}
    for number in range(3):
        file = tmp_path / f"{number}"
        assert child_of(FORKS[how], lambda file=file: file.write_text(str(draws())))
        drawn.add(float(file.read_text()))
    assert len(drawn) == 4


def test_a_client_that_is_older_than_the_process_has_connections_of_its_own_there(broker):
    """Of one connection for both, each would read answers that are the other's."""
    as_anna, as_viktor = broker.client(ANNA), broker.client(VIKTOR)
    me = "/entity_users/me"
    assert [each.get(me).json()["id"] for each in (as_anna, as_viktor)] == [ANNA_ID, VIKTOR_ID]

    def child():
        def grandchild():
            return {as_anna.get(me).json()["id"] for _ in range(50)} == {ANNA_ID}

        return child_of(os.fork, grandchild) and {as_viktor.get(me).json()["id"] for _ in range(50)} == {
            VIKTOR_ID
        }

    running = os.fork()
    if running == 0:
        end_with(child)
    assert {as_anna.get(me).json()["id"] for _ in range(100)} == {ANNA_ID}
    assert ended_well(running)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_nothing_of_an_event_loop_is_used_in_a_child_that_was_forked_on_it(emulated, broker, kind, tmp_path):
    url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/tokens.db"}[kind]
    broker = TokenBroker(replace(emulated, store_url=url), broker._directory)

    async def me(principal):
        return (await broker.aclient(principal).get("/entity_users/me")).json()["id"]

    async def parent():
        assert await me(ANNA) == ANNA_ID
        child = os.fork()
        if child == 0:
            # The copy of the parent's loop neither runs here nor ends; asyncio allows another one.
            end_with(lambda: asyncio.run(me(VIKTOR)) == VIKTOR_ID and asyncio.run(me(ANNA)) == ANNA_ID)
        assert [await me(ANNA) for _ in range(20)] == [ANNA_ID] * 20
        assert await asyncio.to_thread(ended_well, child)
        assert await me(VIKTOR) == VIKTOR_ID
        await broker.aclose()

    asyncio.run(parent())
