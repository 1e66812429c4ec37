"""Promises 6 and 9 while a key is changed: nothing is lost, and in the end the former key opens nothing in the file."""

import itertools
import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from contextlib import closing
from pathlib import Path

import pytest

from monite_auth import Principal, Secret
from monite_auth.engine.runtime import run
from monite_auth.errors import ConfigurationError
from monite_auth.stores import Claimed, Cooldown, Ended, Hit, Slot
from monite_auth.stores.sealing import Envelope
from monite_auth.stores.sqlite import SQLiteStore
from tests.stores.harness import AGAIN, ALICE, BOB, BOBS, rows
from tests.waiting import until

FORMER, FRESH = Secret("the former secret, of a client"), Secret("the new secret, just as long as that")
OLD, BOTH, NEW = [FORMER], [FRESH, FORMER], [FRESH]
"""What processes are configured with before, during and after a rotation."""


def sealed_in(path):
    """Return everything that is sealed in the file, the wrapped data keys included."""
    statements = (
        "SELECT wrapped FROM keys",
        "SELECT sealed FROM tokens",
        "SELECT rest FROM mints WHERE rest IS NOT NULL",
        "SELECT sealed FROM rest",
        "SELECT sealed FROM notes",
    )
    return {row[0] for statement in statements for row in rows(path, statement)}


def in_the_files(path):
    return b"".join(each.read_bytes() for each in path.parent.glob("store.db*"))


def content_of(path):
    return dict(rows(path, "SELECT id, wrapped FROM keys"))


def fill(driver):
    """Leave one of everything that is sealed."""
    driver.put("ended")
    driver.run(driver.ops.end_session(ALICE))
    driver.put("superseded", principal=AGAIN)
    driver.put("live", principal=AGAIN)
    driver.put("bobs", slot=BOBS, principal=BOB)
    driver.run(driver.ops.put_note("alice", "link", "noted", seconds=900))
    lease = driver.lease(slot=Slot("bob", "abroad", None), principal=BOB)
    driver.run(driver.ops.abandon(lease, Cooldown(600, "entity_user_rejected", "why")))
    lease = driver.lease(slot=BOBS, principal=BOB, min_life=1e9)
    driver.run(driver.ops.abandon(lease, Cooldown(600, "credentials_rejected", "why all", everyone=True)))


def check(driver):
    """See that all of it is still there, and take the revocations."""
    assert driver.has_ended(ALICE)
    assert driver.peek(principal=AGAIN) == "live"
    assert driver.peek(BOBS, BOB) == "bobs"
    assert driver.run(driver.ops.get_note("alice", "link")) == "noted"
    assert driver.claim(slot=Slot("carol", None, None), principal=Principal("carol")).why.message == "why all"
    driver.advance(601)
    assert isinstance(driver.claim(slot=Slot("bob", "abroad", None), principal=BOB), Claimed)
    driver.run(driver.ops.end_user("alice"))
    assert driver.pending() == ["ended", "live", "superseded"]


def test_promise_6_keys_are_changed_without_losing_anything(ground, form, drive):
    fill(drive(ground, form, keys=OLD))
    assert drive(ground, form, keys=BOTH).peek(principal=AGAIN) == "live"
    check(drive(ground, form, keys=NEW))


def test_promise_6_nor_do_those_lose_anything_who_run_on_with_both(ground, form, drive):
    drive(ground, form, keys=OLD).claim(slot=BOBS, principal=BOB)
    both = drive(ground, form, keys=BOTH)
    fill(both)
    new = drive(ground, form, keys=NEW)
    assert new.peek(principal=AGAIN) == "live"
    assert both.peek(principal=AGAIN) == "live"  # a value that does not open: it asks the envelope once more
    assert both.run(both.ops.get_note("alice", "link")) == "noted"
    check(both)


def test_a_reader_that_only_reads_finds_what_others_have_sealed_since(ground, form, drive):
    both = drive(ground, form, keys=BOTH)
    drive(ground, form, keys=OLD).put("t")
    assert both.peek() == "t"
    new = drive(ground, form, keys=NEW)
    new.put("u")
    new.run(new.ops.put_note("alice", "link", "noted", seconds=60))
    assert both.run(both.ops.get_note("alice", "link")) == "noted"
    assert both.peek() == "u"


def test_nobody_goes_on_sealing_with_a_former_data_key(ground, form, drive, path):
    drive(ground, form, keys=OLD).claim()
    both = drive(ground, form, keys=BOTH)
    both.put("t")
    drive(ground, form, keys=NEW).peek()
    both.put("u")
    both.run(both.ops.put_note("bob", "link", "noted", seconds=60))
    seal = Envelope(NEW).open(content_of(path)).seal
    assert len(seal.knows) == 1
    tokens = rows(path, "SELECT sealed, slot, print FROM tokens")
    notes = rows(path, "SELECT sealed, name FROM notes")
    assert {seal.open_token(*row)[0].reveal() for row in tokens} == {"t", "u"}
    assert [seal.open(sealed, "note", name) for sealed, name in notes] == ["noted"]


def test_promise_9_in_the_end_the_former_key_opens_nothing_of_what_is_in_the_file(ground, form, drive, path):
    old = drive(ground, form, keys=OLD)
    fill(old)
    before = sealed_in(path)
    old.run(old.ops.settle(old.run(old.ops.due(1, seconds=1)).batch[0]))
    old.run(old.ops.delete_note("alice", "link"))
    drive(ground, form, keys=BOTH).peek()
    both = drive(ground, form, keys=BOTH)  # idle, and connected, like the other
    both.claim()
    new = drive(ground, form, keys=NEW)
    new.claim()
    assert Envelope(OLD).open(content_of(path)) is None
    assert not before & sealed_in(path)
    content = in_the_files(path)
    assert [each for each in before if each in content] == []
    for wrapped in (new, both):
        assert isinstance(wrapped.claim(principal=AGAIN), Hit)


def test_promise_9_what_the_former_key_opens_is_wiped_later_where_somebody_reads_on(ground, drive, path):
    old = drive(ground, "blocking", keys=OLD)
    old.put("t")
    before = sealed_in(path)
    drive(ground, "blocking", keys=BOTH).claim()
    with closing(sqlite3.connect(path, isolation_level=None)) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM tokens").fetchall()
        new = drive(ground, "blocking", keys=NEW)
        assert isinstance(new.claim(), Hit)  # nobody waits for the backup
        assert any(each in in_the_files(path) for each in before)
        backup.execute("ROLLBACK")
    new.close_store()
    other = drive(ground, "blocking", keys=NEW)
    other.claim()
    assert not any(each in in_the_files(path) for each in before)


def test_promise_9_a_former_data_key_opens_nothing_either(ground, form, drive, path):
    """Who has an old copy of the file, and the former key, could forge a token otherwise."""
    drive(ground, form, keys=OLD).put("t")
    former = Envelope(OLD).open(content_of(path)).seal
    drive(ground, form, keys=BOTH).peek()
    new = drive(ground, form, keys=NEW)
    assert new.peek() == "t"
    with closing(sqlite3.connect(path)) as db:
        slot, print_name = db.execute("SELECT slot, print FROM tokens").fetchone()
        forged = former.seal(json.dumps({"value": "forged"}), slot, print_name)
        db.execute("UPDATE tokens SET sealed = ?", (forged,))
        db.commit()
    assert new.peek() is None
    assert isinstance(new.claim(), Claimed)


def test_who_knows_the_former_key_only_is_told_when_it_has_gone(ground, form, drive):
    old = drive(ground, form, keys=OLD)
    fill(old)
    drive(ground, form, keys=BOTH).peek()
    assert old.peek(principal=AGAIN) == "live"
    new = drive(ground, form, keys=NEW)
    assert new.peek(principal=AGAIN) == "live"
    for ask in (lambda: old.peek(principal=AGAIN), old.claim, old.pending):
        with pytest.raises(ConfigurationError, match="MONITE_CLIENT_SECRET"):
            ask()
    check(new)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_workers_start_in_any_order(ground, drive, order):
    fill(drive(ground, "blocking", keys=OLD))
    drive(ground, "blocking", keys=BOTH).claim()
    workers = [drive(ground, "blocking", keys=keys) for keys in (OLD, BOTH, NEW)]
    old, both, new = workers
    for number in order:
        driver = workers[number]
        if driver is old and order.index(2) < order.index(0):
            with pytest.raises(ConfigurationError):
                driver.claim()
        else:
            driver.claim()
    both.claim()
    check(new)


def test_keys_that_change_while_a_process_runs_are_asked_for_again(ground, form, drive):
    keys = list(OLD)
    driver = drive(ground, form, keys=lambda: tuple(keys))
    fill(driver)
    keys[:] = BOTH
    driver.advance(60)
    driver.claim()
    assert drive(ground, form, keys=NEW).peek(principal=AGAIN) == "live"
    assert driver.peek(principal=AGAIN) == "live"
    keys[:] = NEW
    driver.store.reopen()
    check(driver)


def test_keys_that_change_while_they_are_being_used_are_asked_for_again(ground, form, drive):
    changing, driver = [], None

    def keys():
        if changing:
            driver.store.reopen()  # as another thread does, just after these were read
            return tuple(OLD)
        return tuple(BOTH)

    driver = drive(ground, form, keys=keys)
    changing.append(True)
    fill(driver)
    changing.clear()
    driver.claim()
    assert drive(ground, form, keys=NEW).peek(principal=AGAIN) == "live"


def test_views_of_one_store_notice_what_another_view_renews(ground, form, drive):
    keys = list(OLD)
    one = drive(ground, form, account="a", keys=lambda: tuple(keys))
    fill(one)
    keys[:] = BOTH
    one.advance(60)
    one.claim()
    again = drive(ground, form, account="a", store=one.store)
    other = drive(ground, form, account="b", store=one.store)
    other.put("of b")
    keys[:] = NEW
    one.advance(60)
    one.claim()
    assert again.peek(principal=AGAIN) == "live"
    assert other.peek() == "of b"
    check(again)
    assert other.peek() == "of b"


# -- under load, and with processes that are killed

WORKER = """
    import itertools, os, random, sys
    from tests.stores.sqlite.test_rotation import *
    from tests.stores.sqlite.steps import principal, slot, token

    path, *keys = sys.argv[1:]
    store = SQLiteStore(path, keys=[Secret(key) for key in keys], busy_timeout=60)
    operations = store.operations(blocking=True)
    pick = random.Random(os.getpid())

    def say(*words):
        print(*words, flush=True)

    def work(number):
        name = f"user-{pick.randrange(5)}"
        who = Principal(name, session_id=f"{os.getpid()}-{number}")
        claimed = run(operations.claim(slot(name), who, owner=who.session_id, seconds=5, min_life=1e9))
        say("begun", name, who.session_id)
        if isinstance(claimed, Claimed):
            value = f"token-{who.session_id}"
            run(operations.commit(claimed.lease, token(value)))
            say("stored", value)
        run(operations.peek(slot(name), who))
        run(operations.put_note(name, "link", name, seconds=900))
        if pick.random() < 0.3:
            run(operations.end_session(who))
            say("ended", name, who.session_id)

    try:
        for number in itertools.count():
            work(number)
    except ConfigurationError:
        say("refused")
    """


def start(code, path, keys):
    """Start a process that works on the file with these keys."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), path, *(key.reveal() for key in keys)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


class Workers:
    """Processes that work side by side, and everything that they have said."""

    def __init__(self, path):
        self.path = path
        self.said = []
        self._running = []

    def start(self, keys, *, is_at_work=True):
        """Start one; wait until it `is_at_work`."""
        process = start(WORKER, self.path, keys)
        began = threading.Event()

        def listen():
            for line in process.stdout:
                self.said.append(line)
                began.set()

        listener = threading.Thread(target=listen)
        listener.start()
        self._running.append((process, listener))
        if is_at_work:
            until(began.is_set)
        return process

    def goes_on(self, lines=60):
        """Wait until there is so much more to read."""
        before = len(self.said)
        until(lambda: len(self.said) >= before + lines)

    def close(self):
        for process, listener in self._running:
            process.kill()
            listener.join()
            process.wait()
            process.stdout.close()


def test_promise_6_nothing_is_lost_under_load_whoever_is_killed(path):
    with closing(Workers(path)) as workers:
        workers.start(OLD)
        workers.goes_on()
        both = [workers.start(BOTH), workers.start(BOTH)]
        workers.goes_on()
        workers.start(NEW)
        until(lambda: "refused\n" in workers.said)
        both[0].kill()
        workers.goes_on()
        workers.start(BOTH)
        workers.start(NEW, is_at_work=False).kill()
        workers.goes_on()
    said = [line.split() for line in workers.said if line.endswith("\n")]
    begun = {tuple(words) for kind, *words in said if kind == "begun"}
    ended = {tuple(words) for kind, *words in said if kind == "ended"}
    stored = {words[0] for kind, *words in said if kind == "stored"}
    last = set({words[2].split("-")[0]: words[2] for words in said if len(words) > 2}.values())  # by process
    assert begun - ended
    assert ended
    seal = Envelope(NEW).open(content_of(path)).seal
    assert Envelope(OLD).open(content_of(path)) is None
    tokens = rows(path, "SELECT sealed, slot, print FROM tokens")
    assert {seal.open_token(*row)[0].reveal() for row in tokens} >= stored
    with closing(SQLiteStore(path, keys=NEW)) as store:
        operations = store.operations(blocking=True)
        for name, session in begun:
            claimed = run(
                operations.claim(
                    Slot(name, None, None),
                    Principal(name, session_id=session),
                    owner="me",
                    seconds=5,
                    min_life=0,
                )
            )
            if (name, session) in ended:
                assert isinstance(claimed, Ended)
            # A process may have ended its last session, and was killed before it came to say so.
            elif session not in last:
                assert not isinstance(claimed, Ended)


RENEWER = """
    import os, signal, sys
    from monite_auth.processes.boot_clock import BootClock
    from tests.stores.sqlite.test_rotation import *

    path, countdown, *keys = sys.argv[1:]
    given = [Secret(key) for key in keys]
    now = [1_700_000_000.0]
    clock = lambda: now[0]
    boot_clock = BootClock("first", clock)
    store = SQLiteStore(path, keys=lambda: given, clock=clock, token_clock=clock, boot_clock=boot_clock)
    operations = store.operations(blocking=True)
    run(operations.backlog())

    left = [int(countdown)]

    def count(_statement):
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    for connection in store._connections._stack:
        connection.set_trace_callback(count)
    del given[1:]  # the former key is dropped, while the process runs
    now[0] += 60
    run(operations.backlog())
    os.kill(os.getpid(), signal.SIGTERM)
    """


@pytest.mark.parametrize("statements", [2, 4, 6, 8, 10, 14, 18, 22, 26])
def test_promise_6_nothing_is_lost_when_whoever_renews_the_data_key_is_killed(
    ground, drive, path, statements
):
    fill(drive(ground, "blocking", keys=OLD))
    drive(ground, "blocking", keys=BOTH).claim()
    with start(RENEWER, path, [Secret(str(statements)), *BOTH]) as process:
        process.wait()
    assert -process.returncode in (signal.SIGKILL, signal.SIGTERM)
    new = drive(ground, "blocking", keys=NEW)
    before = sealed_in(path)
    assert new.peek(principal=AGAIN) == "live"
    new.claim()
    assert Envelope(OLD).open(content_of(path)) is None
    assert not [each for each in before - sealed_in(path) if each in in_the_files(path)]
    check(new)
