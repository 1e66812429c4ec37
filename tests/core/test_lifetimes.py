"""What belongs to a process: a child has its own, and what its parent had stays as it was, however the child was made."""

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref

import pytest

from monite_auth.processes import lifetimes
from monite_auth.processes.lifetimes import PerLoop, PerProcess, ProcessLock
from tests.at_once import in_threads
from tests.forking import FORKS, child_of, needs_fork
from tests.waiting import auntil, until

pytestmark = needs_fork


@pytest.fixture(params=list(FORKS.values()), ids=list(FORKS))
def in_child(request):
    """Run something in a child that was forked, by Python or in C, and return what it says."""
    return lambda work: child_of(request.param, work)


def test_an_object_is_made_while_event_loops_of_other_threads_begin_to_keep_some(monkeypatch):
    loops: weakref.WeakKeyDictionary[Loop, int] = weakref.WeakKeyDictionary()
    monkeypatch.setattr(lifetimes, "_loops", loops)
    over = threading.Event()

    def begin_loops() -> None:
        alive: list[Loop] = []
        while not over.is_set():
            alive = [*alive[-1000:], Loop()]
            loops[alive[-1]] = os.getpid()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = threading.Thread(target=begin_loops)
    thread.start()
    try:
        for _ in range(500):
            PerProcess(object)()
    finally:
        over.set()
        thread.join()
        sys.setswitchinterval(interval)


class Loop:
    """Stands for an event loop: to make many takes no time."""


def test_an_object_is_made_at_its_first_use_and_once_in_a_process():
    made = []
    here = PerProcess(lambda: made.append("one") or object())
    assert (made, here.existing()) == ([], None)
    assert here() is here() is here.existing()
    assert made == ["one"]


def test_threads_that_come_first_together_get_the_same():
    here = PerProcess(object)
    assert len(set(in_threads(8, lambda _: here()))) == 1


def test_a_child_has_an_object_of_its_own_and_sees_what_its_parent_left(in_child):
    here: PerProcess[list[int]] = PerProcess(lambda: [os.getpid(), *(here.inherited() or [])])
    before = here()
    assert in_child(lambda: here() != before and here()[1:] == before)
    assert in_child(lambda: here.existing() is None)
    assert here() is before
    assert in_child(lambda: here() and in_child(lambda: here()[2:] == before))


def test_a_lock_is_free_in_a_child_while_a_thread_of_its_parent_holds_it(in_child):
    lock = ProcessLock()

    def take_it():
        with lock:
            return True

    with lock:
        assert in_child(take_it)
    assert in_child(take_it)


NEVER_CLOSED = """
    import gc, os, sys
    from monite_auth.processes.lifetimes import PerProcess
    from tests.forking import fork_in_c

    class Connection:
        def __init__(self):
            self.opened_in = os.getpid()

        def __del__(self, os=os):  # globals are gone by then
            os.write(1, b"closed at home\\n" if self.opened_in == os.getpid() else b"closed in a child\\n")

    used, dropped, unused = (PerProcess(Connection) for _ in range(3))
    used(), dropped(), unused()
    child = (os.fork if sys.argv[1] == "by Python" else fork_in_c)()
    if child == 0:
        used()
        del dropped
        gc.collect()
        sys.exit()  # as workers end: the interpreter is taken down
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize("how", FORKS)
def test_what_a_parent_has_open_is_never_closed_in_a_child_not_even_when_that_ends(how):
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(NEVER_CLOSED), how], capture_output=True, text=True, check=True
    )
    assert set(ended.stdout.splitlines()) == {"closed at home"}
    assert ended.stderr == ""


HELD = """
    import ctypes, os, sys, types

    server = types.ModuleType("app")  # as a server in C holds the module of an app, older than what that imports
    sys.modules["app"] = server
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(server))
    exec('''if True:
        import os
        from monite_auth.processes import lifetimes  # so that it is taken apart before the app is

        class Connection:
            def __init__(self, home=os.getpid()):
                self.home = home

            def __del__(self, os=os):
                if self.home != os.getpid():
                    os.write(1, b"closed in a child\\\\n")

        unused = lifetimes.PerProcess(Connection)
        unused()

        def application():
            return unused
    ''', vars(server))
    from tests.forking import fork_in_c

    child = (os.fork if sys.argv[1] == "by Python" else fork_in_c)()
    if child == 0:
        sys.exit()
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize("how", FORKS)
def test_nor_in_one_that_ends_without_having_used_it_while_its_server_holds_the_app(how):
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HELD), how], capture_output=True, text=True, check=True
    )
    assert (ended.stdout, ended.stderr) == ("", "")


# -- event loops


class Connected:
    """Something that knows its event loop, as whatever has connections does."""

    def __init__(self):
        self.loop = asyncio.get_running_loop()
        self.closed = 0

    async def aclose(self):
        self.closed += 1


def test_each_event_loop_has_an_object_of_its_own_made_once():
    per_loop = PerLoop(Connected)

    async def twice():
        assert per_loop.existing() is None
        assert per_loop() is per_loop() is per_loop.existing()
        return per_loop()

    assert asyncio.run(twice()) is not asyncio.run(twice())


def test_what_a_loop_has_is_closed_with_it_and_can_be_handed_over():
    async def use(per_loop):
        return per_loop()

    handed = []

    async def take(connected):
        handed.append(connected)

    assert asyncio.run(use(PerLoop(Connected))).closed == 1
    per_loop = PerLoop(Connected, at_end=take)
    connected = asyncio.run(use(per_loop))
    assert (handed, connected.closed) == ([connected], 0)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "dropped"])
def test_what_a_loop_has_goes_with_it_when_nobody_shuts_it_down(is_closed):
    per_loop = PerLoop(Connected)

    async def use():
        per_loop()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(use())
    assert len(per_loop) == 1
    if is_closed:
        loop.close()
    del loop
    until(lambda: gc.collect() >= 0 and not len(per_loop))


def test_what_a_loop_has_is_closed_when_its_owner_is_dropped_before():
    async def use():
        per_loop = PerLoop(Connected)
        connected = per_loop()
        del per_loop
        await auntil(lambda: connected.closed)
        assert not asyncio.get_running_loop()._monite_auth

    asyncio.run(use())


def test_what_the_loop_of_a_parent_has_is_kept_in_a_child(in_child):
    loop, per_loop = asyncio.new_event_loop(), PerProcess(lambda: PerLoop(Connected))

    async def use():
        return weakref.ref(per_loop()())

    connected = loop.run_until_complete(use())

    def lives_on():
        nonlocal loop
        per_loop()
        loop = None
        gc.collect()
        return connected() is not None

    assert in_child(lives_on)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
