"""An idle process sees to what a process that was killed has left undone."""

import asyncio
import gc
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from monite_auth import TokenBroker
from monite_auth.emulator import Fault
from monite_auth.engine import drain
from monite_auth.engine.surroundings import SWEEP_INTERVAL
from monite_auth.engine.sweeps import Sweeps
from tests.people import ANNA, PEOPLE, VIKTOR
from tests.waiting import until

LOGS_OUT = """
import signal, sys
from monite_auth import Settings, TokenBroker
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.people import ANNA, PEOPLE

settings = Settings(client_id=DEMO_CLIENT_ID, client_secret=DEMO_CLIENT_SECRET, base_url=sys.argv[1], store_url=sys.argv[2])
broker = TokenBroker(settings, PEOPLE)
broker.token(ANNA)
broker.logout(ANNA)
print("done", flush=True)
signal.pause()
"""


class Counted:
    """Counts its sweeps."""

    def __init__(self):
        self.count = 0

    def sweep(self):
        self.count += 1


def sweeping():
    return {each for each in threading.enumerate() if each.name == "monite_auth sweeps"}


def test_sweeps_go_on_until_they_are_ended_and_can_begin_again():
    others, counted = sweeping(), Counted()
    sweeps = Sweeps(counted.sweep, 0.001)
    for wanted in (3, 6):
        sweeps.begin()
        sweeps.begin()
        assert len(sweeping() - others) == 1
        until(lambda wanted=wanted: counted.count >= wanted)
        sweeps.end()
        until(lambda: not sweeping() - others)


def test_sweeps_end_with_the_object_that_they_are_for():
    others, counted = sweeping(), [Counted()]
    Sweeps(counted[0].sweep, 0.001).begin()
    until(lambda: counted[0].count)
    counted.clear()
    until(lambda: gc.collect() >= 0 and not sweeping() - others)


@pytest.mark.parametrize("form", ["threads", "tasks"])
def test_a_broker_sweeps_while_it_is_open_where_others_may_leave_something(emulated, tmp_path, form):
    async def use(broker):
        async with broker:
            await broker.atoken(ANNA)
            assert broker.running._sweeps._end

    alone, shared = (
        TokenBroker(replace(emulated, store_url=url), PEOPLE)
        for url in ("memory://", f"sqlite:///{tmp_path}/store.db")
    )
    with alone:
        alone.token(ANNA)
        assert not alone.running._sweeps._end
    if form == "tasks":
        asyncio.run(use(shared))
    else:
        with shared:
            shared.token(ANNA)
            assert shared.running._sweeps._end
    assert not shared.running._sweeps._end


def test_a_broker_that_is_not_used_yet_has_no_thread(emulated, tmp_path):
    """So a server that forks its workers after it has built one forks a process of one thread, as Python 3.12 wants it."""
    before = threading.enumerate()
    with TokenBroker(replace(emulated, store_url=f"sqlite:///{tmp_path}/store.db"), PEOPLE):
        assert set(threading.enumerate()) <= set(before)


def test_promise_6_what_a_killed_process_was_at_is_done_by_one_that_is_idle(emulated, emulator, tmp_path):
    shared = replace(emulated, store_url=f"sqlite:///{tmp_path}/store.db")
    order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))
    with TokenBroker(shared, PEOPLE) as broker:
        viktors = broker.token(VIKTOR)
        command = [sys.executable, "-c", LOGS_OUT, emulator.api_url, shared.store_url]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
            assert other.stdout.readline() == b"done\n"
            until(lambda: order.hits)
            other.send_signal(signal.SIGKILL)
        emulator.monite.faults.clear()
        until(lambda: [each.value for each in emulator.monite.ledger.live()] == [viktors.value.reveal()])


def test_that_takes_a_quarter_of_a_minute():
    assert drain.LEASE + SWEEP_INTERVAL < 15
