"""SQLite and forks: parent and child both go on, whoever ends first, and whoever was in the middle of what."""

import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from monite_auth.engine.runtime import run
from monite_auth.errors import StoreUnavailable
from monite_auth.stores import Committed
from monite_auth.stores.sqlite import SQLiteStore
from monite_auth.stores.sqlite.forks import CALLS
from tests.forking import FORKS, child_of, fork_in_c, needs_fork
from tests.stores.sqlite.steps import claim, intact, output, patient_store, principal, slot, token
from tests.waiting import PATIENCE, until

pytestmark = [
    needs_fork,
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


@pytest.fixture
def store(path):
    with closing(patient_store(path)) as opened:
        yield opened


def use(store: SQLiteStore, name: str) -> bool:
    """Record a token and read it again."""
    operations = store.operations(blocking=True)
    lease = claim(store, name, min_life=1e9).lease
    assert run(operations.commit(lease, token(name))) is Committed.STORED
    return finds(store, name)


def finds(store: SQLiteStore, *names: str) -> bool:
    """Say whether all these tokens are there."""
    operations = store.operations(blocking=True)
    found = [run(operations.peek(slot(name), principal(name))) for name in names]
    return [each and each.value.reveal() for each in found] == list(names)


@pytest.fixture(params=list(FORKS.values()), ids=list(FORKS))
def fork(request):
    return request.param


# -- what a child inherits


def test_parent_and_child_have_connections_of_their_own(store, fork, path):
    assert use(store, "parent")
    mine = store._connections

    def child():
        return store._connections is not mine and finds(store, "parent") and use(store, "child")

    assert child_of(fork, child)
    assert use(store, "parent-2")
    assert finds(store, "parent", "child", "parent-2")
    assert store._connections is mine
    store.close()
    assert intact(path)


OUTLIVED = """
    import os, subprocess, sys
    from pathlib import Path
    from tests.forking import FORKS
    from tests.stores.sqlite.test_forks import *

    path, how, ending = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    elsewhere = "import sys; from tests.stores.sqlite.test_forks import *; use_and_close(*sys.argv[1:])"
    store = patient_store(path)
    assert use(store, "parent")
    waits, goes = os.pipe()
    if FORKS[how]():
        if ending == "closes":
            store.close()
            os.close(goes)
            os.wait()
        os._exit(0)
    os.close(goes)
    assert os.read(waits, 1) == b""  # the parent has closed its store, or is gone
    names = ["parent"]
    for number in range(3):
        # Each time somebody else is the last to close the file, as far as they know.
        subprocess.run([sys.executable, "-c", elsewhere, path, f"other-{number}"], check=True)
        assert use(store, f"child-{number}")
        names += [f"other-{number}", f"child-{number}"]
        assert finds(store, *names)
    subprocess.run([sys.executable, "-c", elsewhere, path, *names], check=True)
    print("fine", flush=True)
    os._exit(0)
    """


def use_and_close(path: str, *names: str) -> None:
    """Be another process, which comes and goes: record the first token if it is the only one, else find all."""
    with closing(patient_store(path)) as store:
        assert finds(store, *names) if names[1:] else use(store, *names)


@pytest.mark.parametrize("ending", ["closes", "is gone"])
@pytest.mark.parametrize("how", FORKS)
def test_nothing_that_a_child_commits_is_lost_when_its_parent(path, how, ending):
    """As a daemon is made: the parent of the process that works has ended."""
    assert output(OUTLIVED, path, how, ending) == "fine\n"
    assert intact(path)


def test_two_stores_on_one_file_do_not_unlock_each_other(path, store):
    """To close a file takes the locks of a whole process on it (https://sqlite.org/howtocorrupt.html, section 2.2)."""
    assert use(store, "one")
    other = patient_store(path)
    assert use(other, "two")
    connections = other._connections

    def write(connection):
        store.close()
        writes = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        tried = subprocess.run(
            [sys.executable, "-c", writes, path], capture_output=True, text=True, check=False
        )
        assert "database is locked" in tried.stderr

    connections.write(write, until=connections.deadline())
    other.close()


def test_the_last_to_close_leaves_one_file(path, store):
    other = patient_store(path)
    assert use(store, "one")
    assert use(other, "two")
    store.close()
    assert path.with_name("store.db-wal").exists()
    other.close()
    assert [each.name for each in path.parent.iterdir()] == ["store.db"]


# -- what a thread is in the middle of


@pytest.fixture
def busy(store):
    """Have a thread inside SQLite, until `ends` is called; return that."""
    assert use(store, "parent")
    entered, let_go = threading.Event(), threading.Event()
    connections = store._connections

    def job(connection: sqlite3.Connection) -> None:
        entered.set()
        assert let_go.wait(PATIENCE)

    thread = threading.Thread(target=lambda: connections.write(job, until=connections.deadline()))
    thread.start()
    assert entered.wait(PATIENCE)

    def ends():
        let_go.set()
        thread.join()

    yield ends
    ends()


def test_a_fork_that_python_makes_waits_for_those_inside_and_others_wait_for_it(store, busy, monkeypatch):
    monkeypatch.setattr(CALLS(), "longest_wait", PATIENCE)  # or a busy machine may be too late

    def when_the_fork_waits():
        until(lambda: CALLS()._forks)
        busy()

    helper = threading.Thread(target=when_the_fork_waits)
    helper.start()
    assert child_of(FORKS["by Python"], lambda: finds(store, "parent") and use(store, "child"))
    helper.join()
    assert finds(store, "child")


def test_a_fork_does_not_wait_for_ever_and_the_child_is_told(store, busy):
    started = time.monotonic()

    def child():
        with pytest.raises(StoreUnavailable, match="forked while a thread of its parent was using"):
            use(store, "child")
        return True

    assert child_of(FORKS["by Python"], child)
    assert time.monotonic() - started < 10
    busy()
    assert use(store, "parent-2")


def test_a_child_that_was_forked_in_c_while_a_thread_was_inside_is_told(store, busy):
    def child():
        with pytest.raises(StoreUnavailable, match="Fork before threads use the broker"):
            finds(store, "parent")
        return child_of(fork_in_c, lambda: not _works(store))  # and so are its own children

    assert child_of(fork_in_c, child)
    busy()
    assert use(store, "parent-2")


def _works(store):
    try:
        return use(store, "grandchild")
    except StoreUnavailable:
        return False


FORKING = """
    import os, subprocess, sys, threading, warnings
    warnings.simplefilter("ignore")
    from tests.stores.sqlite.test_forks import *

    store = patient_store(sys.argv[1])
    stop = threading.Event()
    failed = []

    def keep_using(name):
        while not stop.is_set():
            use(store, name)

    def keep_forking(name):
        for number in range(10):
            if not child_of(os.fork, lambda: finds(store, "parent") and use(store, f"child-{name}-{number}")):
                failed.append((name, number))

    def keep_starting(name):
        for _ in range(10):
            subprocess.run(["true"], preexec_fn=os.setsid, check=True)
            use(store, name)

    use(store, "parent")
    using = [threading.Thread(target=keep_using, args=(f"thread-{number}",)) for number in range(3)]
    forking = [threading.Thread(target=keep_forking, args=(number,)) for number in range(3)]
    forking += [threading.Thread(target=keep_starting, args=(f"starter-{number}",)) for number in range(2)]
    for thread in using + forking:
        thread.daemon = True
        thread.start()
    for thread in forking:
        thread.join(PATIENCE)
    stop.set()
    for thread in using:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in using + forking), "they wait for each other"
    assert not failed, failed
    assert finds(store, "parent", *[f"child-{name}-{number}" for name in range(3) for number in range(10)])
    store.close()
    print("fine")
    """


def test_threads_that_fork_and_start_programs_while_others_use_the_store_all_go_on(path):
    assert output(FORKING, path) == "fine\n"
    assert intact(path)
