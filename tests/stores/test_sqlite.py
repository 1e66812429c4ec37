"""What is SQLite's alone: the file, its locks, its processes, and what can be read in it. The rest is the contract."""

import asyncio
import itertools
import logging
import multiprocessing
import os
import random
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from monite_auth import AccessToken, Principal, Secret
from monite_auth.engine.runtime import run
from monite_auth.errors import ConfigurationError, StoreUnavailable
from monite_auth.stores import Claimed, Committed, Cooldown, CoolingDown, Ended, Hit, Priority, Slot, Status
from monite_auth.stores.sqlite import SQLiteStore, connections, locks, schema
from monite_auth.stores.sqlite.tokens import PEEK, PEEK_BY_DATE, PEEK_BY_SESSION
from monite_auth.tokens import steady_clock
from tests.stores.harness import ABROAD, ALICE, BOB, BOBS, HOME, PERSON, Driver, SQLiteGround

KEY = SQLiteGround.keys[0]


@pytest.fixture
def ground(tmp_path):
    return SQLiteGround(tmp_path)


@pytest.fixture
def driver(ground, form, drive):
    return drive(ground, form)


@pytest.fixture
def blocking(ground, drive):
    return drive(ground, "blocking")


@pytest.fixture
def raw(path):
    """What any other program could do with the file: a plain connection, made when it is first called."""
    connections = []

    def connect():
        if not connections:
            connections.append(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
        return connections[0]

    yield connect
    for connection in connections:
        connection.close()


def principal(name: str) -> Principal:
    return Principal(name, session_id=f"{name}-1")


def slot(name: str) -> Slot:
    return Slot(name, None, None)


def token(value: str, life: float = 1800.0) -> AccessToken:
    now = steady_clock()
    return AccessToken(Secret(value), now + life, now, now + life * 0.8, PERSON)


def claim(store: SQLiteStore, name: str = "alice", owner: str = "me", min_life: float = 0.0):
    operation = store.operations(blocking=True).claim(
        slot(name), principal(name), owner=owner, seconds=5, min_life=min_life
    )
    return run(operation)


# -- the file


def test_promise_9_the_file_is_its_owners_alone_whatever_the_umask(ground, drive, path):
    before = os.umask(0)
    try:
        drive(ground, "blocking").put("t")
    finally:
        os.umask(before)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


def test_promise_9_nothing_in_the_file_tells_who_or_what(driver, path):
    driver.put("the-token")
    driver.put("the-second-token", slot=ABROAD)
    driver.put("of-one-session", slot=Slot("alice", "abroad", "alice-1"))
    driver.run(
        driver.ops.abandon(driver.lease(slot=BOBS, principal=BOB), Cooldown(30, "x", "what Monite said"))
    )
    driver.run(
        driver.ops.abandon(driver.lease(min_life=1e9), Cooldown(30, "x", "what it told all", everyone=True))
    )
    driver.run(driver.ops.put_note("alice", "link:abroad", "who alice is", seconds=60))
    driver.run(driver.ops.end_session(ALICE))
    driver.run(driver.ops.end_user("bob"))
    print_of_token = driver.token("the-token").fingerprint
    in_the_files = b"".join(each.read_bytes() for each in path.parent.glob("store.db*"))
    assert b"pending" in in_the_files
    for secret in (
        *("alice", "bob", "abroad", "alice-1", "bob-1", "the-token", "the-second-token", "of-one-session"),
        *(PERSON.entity_user_id, PERSON.entity_id, print_of_token, "Monite said", "told all"),
        *(KEY.reveal(), "Bearer", "who alice is", "link"),
    ):
        assert secret.encode() not in in_the_files, secret


def test_a_store_is_not_opened_before_it_is_used(ground, path):
    with closing(ground.open()) as store:
        store.operations(blocking=True)
        store.operations(blocking=False)
    assert not path.exists()
    assert repr(store) == f"<SQLiteStore {path}>"


def test_a_closed_store_opens_again(driver):
    driver.put("t")
    driver.close_store()
    assert driver.store._connections._open == 0
    assert driver.peek() == "t"


def test_a_store_that_nobody_closes_leaves_nothing_open(ground, path):
    store = ground.open()
    claim(store)
    held = store._connections
    del store
    assert held._open == 0
    assert not path.with_name("store.db-wal").exists()


def test_a_path_may_have_any_characters(tmp_path):
    odd = tmp_path / "a b%20?mode=memory#ü.db"
    with closing(SQLiteStore(odd, keys=[KEY])) as store:
        assert isinstance(claim(store), Claimed)
    assert odd.stat().st_size > 0


def test_a_relative_path_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with closing(SQLiteStore("store.db", keys=[KEY])) as store:
        monkeypatch.chdir("/")
        claim(store)
    assert (tmp_path / "store.db").exists()


def test_a_store_wants_a_key(path):
    with pytest.raises(ConfigurationError, match="needs a key"):
        SQLiteStore(path, keys=[])


def fails(driver):
    with pytest.raises((ConfigurationError, StoreUnavailable)) as caught:
        driver.claim()
    with pytest.raises(caught.type):
        driver.peek()
    assert driver.store._connections._open == 0
    return caught


def test_a_database_of_another_program_is_refused_and_left_alone(driver, raw, path):
    raw().execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    error = fails(driver)
    assert error.type is ConfigurationError
    assert f"{path} is an SQLite database of another program" in str(error.value)
    assert path.read_bytes() == before


def test_a_database_with_another_programs_mark_is_refused(driver, raw):
    raw().execute("PRAGMA application_id = 7")
    assert "another program" in str(fails(driver).value)


def test_a_file_of_a_newer_version_is_refused(driver, ground, drive, raw):
    driver.put("t")
    driver.store.close()
    raw().execute("PRAGMA user_version = 99")
    error = fails(driver)
    assert error.type is ConfigurationError
    assert "newer monite-auth (schema 99; this one knows up to 3)" in str(error.value)


def test_an_older_file_is_brought_up_to_date(ground, drive, monkeypatch, raw):
    drive(ground, "blocking").put("t")
    step = ("ALTER TABLE tokens ADD COLUMN note TEXT", "UPDATE tokens SET note = 'was there before'")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
    newer = drive(ground, "blocking")
    assert newer.peek() == "t"
    assert raw().execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
    assert raw().execute("SELECT note FROM tokens").fetchall() == [("was there before",)]


def test_a_migration_that_fails_leaves_the_file_as_it_was(ground, drive, monkeypatch, raw):
    drive(ground, "blocking").put("t")
    step = ("ALTER TABLE tokens ADD COLUMN note TEXT", "UPDATE missing SET x = 1")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, step))
        assert "no such table: missing" in str(fails(drive(ground, "blocking")).value)
    assert raw().execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)
    assert drive(ground, "blocking").peek() == "t"


@pytest.mark.parametrize("content", [b"no database at all, but long enough to look at" * 100, b"short"])
def test_a_file_that_is_no_database_is_reported(driver, path, content):
    path.write_bytes(content)
    error = fails(driver)
    assert error.type is StoreUnavailable
    assert "Stop all processes, move the file and its -wal and -shm away" in str(error.value)
    assert path.read_bytes() == content


def test_a_broken_database_is_reported(driver, path):
    driver.put("t")
    driver.store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = random.Random(1).randbytes(len(content) - 4096)
    path.write_bytes(content)
    assert "or a broken one" in str(fails(driver).value)


def test_a_missing_directory_is_reported(drive, tmp_path):
    error = fails(drive(SQLiteGround(tmp_path / "nowhere"), "blocking"))
    assert error.type is ConfigurationError
    assert "its directory does not exist. Create it, or correct MONITE_STORE_URL." in str(error.value)


def test_a_directory_in_the_files_place_is_reported(driver, path):
    path.mkdir()
    assert "it cannot be opened. Check the rights" in str(fails(driver).value)


def test_a_file_system_without_shared_memory_is_reported(driver, path):
    class Elsewhere(type(path)):
        def as_uri(self):
            return super().as_uri() + "?vfs=unix-dotfile&rest="

    driver.store._connections._locks.path = Elsewhere(path)
    error = fails(driver)
    assert error.type is ConfigurationError
    assert "Choose a MONITE_STORE_URL on a local disk" in str(error.value)


def test_an_sqlite_that_is_too_old_is_reported(path, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    with pytest.raises(ConfigurationError, match="needs SQLite 3.37 or newer"):
        SQLiteStore(path, keys=[KEY])


def test_a_full_disk_is_reported_and_forgotten_when_there_is_room(driver):
    driver.put("t")
    connection = driver.store._connections._stack[0]
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable, match="the disk is full. Make room"):
        for number in range(1000):
            driver.put("x" * 5000, slot=slot(f"user-{number}"))
    assert driver.peek() == "t"
    driver.put("u")  # with another connection, which has room
    assert driver.peek() == "u"


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start another process."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def output(code, *arguments):
    """Return what another process prints."""
    with python(code, *arguments) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    return out


def test_a_file_that_cannot_grow_is_reported_and_used_again_when_it_can():
    with tempfile.TemporaryDirectory() as place:
        out = output(
            """
            import resource, sys
            from monite_auth.errors import StoreUnavailable
            from tests.stores.test_sqlite import *

            store = SQLiteStore(sys.argv[1] + "/store.db", keys=[KEY])
            claim(store)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
            made = 0
            try:
                while made < 1000:
                    claim(store, f"user-{made}")
                    made += 1
            except StoreUnavailable as error:
                print(made < 1000, error)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print(type(claim(store, "later")).__name__)
            store.close()
            """,
            place,
        )
    first, second = out.splitlines()
    assert first.startswith("True The token store")
    assert "Check the disk: is it full, or failing?" in first or "the disk is full" in first
    assert second == "Claimed"


def test_a_read_only_file_is_reported():
    with tempfile.TemporaryDirectory() as place:
        out = output(
            """
            import os, sys
            from monite_auth.errors import StoreUnavailable
            from tests.stores.test_sqlite import *

            path = sys.argv[1] + "/store.db"
            with closing(SQLiteStore(path, keys=[KEY])) as store:
                claim(store)
            os.chmod(path, 0o444)
            os.chmod(sys.argv[1], 0o555)
            if os.getuid() == 0:  # whom no mode keeps from writing
                os.setuid(65534)
            for where in (path, sys.argv[1] + "/new.db"):
                store = SQLiteStore(where, keys=[KEY])
                try:
                    claim(store)
                except StoreUnavailable as error:
                    print(error)
                store.close()
            """,
            place,
        )
        Path(place).chmod(0o755)
    existing, new = out.splitlines()
    assert "it is read-only. Give this process the right to write" in existing
    assert "Permission denied" in new


# -- locks


def test_who_finds_the_file_locked_for_too_long_is_told(ground, form, drive, raw):
    driver = drive(ground, form, busy_timeout=0.05)
    driver.put("t")
    raw().execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match=r"kept it locked for 0\.05 s") as caught:
        driver.run(driver.ops.end_session(ALICE))
    assert caught.value.retry_after == 1
    assert driver.peek() == "t"  # readers wait for nobody
    raw().execute("ROLLBACK")
    assert driver.run(driver.ops.end_session(ALICE)) == 1


def test_who_finds_the_file_locked_waits(driver, raw, monkeypatch):
    driver.put("t")
    raw().execute("BEGIN IMMEDIATE")
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raw().execute("ROLLBACK")

    monkeypatch.setattr(locks, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    assert driver.run(driver.ops.end_session(ALICE)) == 1
    assert len(pauses) == 3
    assert max(pauses) < 0.01


def test_a_reader_that_is_locked_out_waits_too(driver, raw, monkeypatch):
    driver.put("t")
    driver.store.close()  # a reader with its own view of the file is not locked out
    raw().execute("PRAGMA locking_mode = EXCLUSIVE")
    raw().execute("BEGIN EXCLUSIVE")
    waiting = []

    def pause(_seconds: float) -> None:
        if not waiting:
            raw().close()
        waiting.append(threading.current_thread())

    monkeypatch.setattr(locks, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    assert driver.peek() == "t"
    assert waiting
    assert (waiting[0] is threading.current_thread()) == (driver.form == "blocking")


async def test_promise_2_while_a_task_waits_for_a_lock_the_event_loop_goes_on_and_so_do_reads(
    ground, raw, monkeypatch
):
    store = ground.open()
    operations = store.operations(blocking=False)
    await operations.claim(HOME, ALICE, owner="me", seconds=5, min_life=0)
    raw().execute("BEGIN IMMEDIATE")
    waits = threading.Event()  # with the only connection that there is
    goes_on = threading.Event()

    def pause(_seconds: float) -> None:
        waits.set()
        goes_on.wait(10)

    monkeypatch.setattr(locks, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
    ending = asyncio.create_task(operations.end_session(ALICE))
    await asyncio.to_thread(waits.wait, 10)
    assert await operations.peek(HOME, ALICE) is None
    assert await operations.peek(BOBS, BOB) is None
    assert not ending.done()
    raw().execute("ROLLBACK")
    goes_on.set()
    assert await ending == 0
    await store.aclose()


async def test_tasks_that_wait_for_a_locked_file_lose_patience_together(ground, raw):
    store = ground.open(busy_timeout=0.2)
    operations = store.operations(blocking=False)
    assert await operations.relink("alice") == 0
    raw().execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    ended = await asyncio.gather(*(operations.relink("alice") for _ in range(50)), return_exceptions=True)
    assert {type(each) for each in ended} == {StoreUnavailable}
    assert time.monotonic() - began < 2
    raw().execute("ROLLBACK")
    assert await operations.relink("alice") == 0
    await store.aclose()


async def test_promise_2_a_cancelled_task_leaves_no_lock_and_loses_no_token(ground, raw):
    store = ground.open()
    operations = store.operations(blocking=False)
    claimed = await operations.claim(HOME, ALICE, owner="me", seconds=5, min_life=0)
    raw().execute("BEGIN IMMEDIATE")
    fresh = Driver.token(SimpleNamespace(now=ground.now, ground=ground), "fresh")
    tasks = [
        asyncio.create_task(operations.commit(claimed.lease, fresh)),
        asyncio.create_task(operations.hold(1)),
    ]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    raw().execute("ROLLBACK")
    assert isinstance(await operations.claim(BOBS, BOB, owner="me", seconds=5, min_life=0), Claimed)
    assert await operations.peek(HOME, ALICE) == fresh
    raw().execute("BEGIN IMMEDIATE")
    raw().execute("ROLLBACK")
    await store.aclose()


async def test_a_hit_makes_no_thread_hop(ground):
    store = ground.open()
    operations = store.operations(blocking=False)
    claimed = await operations.claim(HOME, ALICE, owner="me", seconds=5, min_life=0)
    fresh = Driver.token(SimpleNamespace(now=ground.now, ground=ground), "fresh")
    assert await operations.commit(claimed.lease, fresh)
    threads = set()
    for connection in store._connections._stack:
        connection.set_trace_callback(lambda _statement: threads.add(threading.current_thread()))
    assert await operations.peek(HOME, ALICE) == fresh
    assert threads == {threading.current_thread()}
    await store.aclose()


@pytest.mark.parametrize("statement", [PEEK, PEEK_BY_SESSION, PEEK_BY_DATE])
def test_a_hit_is_one_indexed_read(blocking, raw, statement):
    blocking.put("t")
    asked = {"slot": "", "user": "", "session": "", "account": "", "by": 1.0, "now": 1.0}
    steps = [step[3] for step in raw().execute(f"EXPLAIN QUERY PLAN {statement}", asked)]
    assert any(step.startswith("SEARCH") for step in steps)
    for step in steps:
        assert not step.startswith("SCAN") or step == "SCAN CONSTANT ROW", step
        assert not step.startswith("SEARCH") or " PRIMARY KEY " in step or " INDEX " in step, step
    statements = []
    blocking.store._connections._stack[0].set_trace_callback(statements.append)
    for principal in (ALICE, Principal("alice"), Principal("alice", authenticated_at=blocking.now)):
        assert blocking.peek(principal=principal) == "t"
    assert len(statements) == 3


def test_a_transaction_that_breaks_off_changes_nothing(blocking, raw):
    blocking.put("t")
    raw().execute(
        "CREATE TRIGGER breaks_off BEFORE UPDATE OF state ON tokens BEGIN SELECT RAISE(ABORT, 'broken off'); END"
    )
    with pytest.raises(StoreUnavailable, match="broken off"):
        run(blocking.ops.end_user("alice"))
    raw().execute("DROP TRIGGER breaks_off")
    assert blocking.peek() == "t"
    assert isinstance(blocking.claim(), Hit)


def test_status_and_backlog_are_reads_and_wait_for_no_writer(driver, ground, drive, raw):
    driver.end("ended")
    driver.put("t")
    raw().execute("BEGIN IMMEDIATE")
    for each in (
        driver,
        drive(ground, driver.form, busy_timeout=0.05),
    ):  # one of them opens the file only now
        assert each.run(each.ops.status("alice")).live == 1
        assert each.run(each.ops.status("bob")) == Status(0, None)
        assert each.run(each.ops.backlog()) == 1
        assert each.peek() == "t"
    raw().execute("ROLLBACK")


def test_status_and_backlog_are_answered_by_a_connection_that_may_only_read(driver):
    driver.end("ended")
    driver.put("t")
    for connection in driver.store._connections._stack:
        connection.execute("PRAGMA query_only = ON")
    assert driver.run(driver.ops.status("alice")).live == 1
    assert driver.run(driver.ops.backlog()) == 1
    with pytest.raises(StoreUnavailable, match="read-only"):
        driver.run(driver.ops.hold(1))


# -- sealing


def test_promise_1_a_token_in_another_users_place_does_not_open(driver, raw, caplog):
    driver.put("alices")
    driver.put("bobs", slot=BOBS, principal=BOB)
    (one,), (two,) = raw().execute("SELECT id FROM tokens").fetchall()
    swap = "UPDATE tokens SET (sealed, print) = (SELECT sealed, print FROM theirs WHERE theirs.id = ?) WHERE id = ?"
    raw().execute("CREATE TEMP TABLE theirs AS SELECT * FROM tokens")
    raw().executemany(swap, [(one, two), (two, one)])
    with caplog.at_level(logging.WARNING, "monite_auth"):
        for _ in range(3):
            assert driver.peek() is None
            assert driver.peek(BOBS, BOB) is None
    assert [each.message for each in caplog.records] == [
        "Something else has changed the token store: a row does not open in its place. Such rows are ignored."
    ]
    driver.put("new")  # a miss like any other
    assert driver.peek() == "new"


def test_promise_6_a_revocation_that_does_not_open_stops_no_other(driver, raw, caplog):
    driver.end("one", "two", "three")
    number = raw().execute("SELECT min(id) FROM tokens").fetchone()[0]
    raw().execute("UPDATE tokens SET sealed = x'00' WHERE id = ?", (number,))
    with caplog.at_level(logging.ERROR, "monite_auth"):
        assert len(driver.pending()) == 2
        driver.advance(60)
        assert len(driver.pending()) == 2
    assert len(caplog.records) == 1
    assert "its token is left to expire" in caplog.text
    driver.advance(1800)
    due = driver.run(driver.ops.due(10, seconds=1))
    assert (due.batch, due.expired, due.next_in) == ([], 3, None)


def test_a_rest_that_does_not_open_is_no_rest(driver, raw):
    driver.run(driver.ops.abandon(driver.lease(), Cooldown(30, "monite_unavailable", "x")))
    assert isinstance(driver.claim(), CoolingDown)
    raw().execute("UPDATE mints SET rest = x'00'")
    assert isinstance(driver.claim(), Claimed)


def test_promise_1_a_note_in_another_users_place_does_not_open(driver, raw, caplog):
    driver.run(driver.ops.put_note("alice", "link", "alice's", seconds=60))
    driver.run(driver.ops.put_note("bob", "link", "bob's", seconds=60))
    raw().execute("UPDATE notes SET sealed = (SELECT sealed FROM notes ORDER BY name LIMIT 1)")
    found = [driver.run(driver.ops.get_note(user, "link")) for user in ("alice", "bob")]
    assert found in (["alice's", None], [None, "bob's"])
    assert "does not open in its place" in caplog.text


# -- the same value in several rows


def twice(driver):
    """Make one value pending in two rows."""
    driver.put("same")
    driver.put("same", slot=ABROAD)
    driver.put("other", slot=Slot("alice", "third", None))
    driver.run(driver.ops.end_user("alice"))


def test_a_value_that_is_pending_twice_is_revoked_once(driver, raw):
    twice(driver)
    assert driver.run(driver.ops.backlog()) == 2
    batch = driver.run(driver.ops.due(10, seconds=30)).batch
    assert sorted(each.token.reveal() for each in batch) == ["other", "same"]
    assert driver.run(driver.ops.due(10, seconds=30)).batch == []
    for pending in batch:
        driver.run(driver.ops.postpone(pending, 7))
    driver.advance(7)
    batch = driver.run(driver.ops.due(10, seconds=30)).batch
    assert sorted((each.token.reveal(), each.attempts) for each in batch) == [("other", 1), ("same", 1)]
    for pending in batch:
        assert driver.run(driver.ops.condemn(pending)) is True
        driver.run(driver.ops.settle(pending))
    assert driver.run(driver.ops.backlog()) == 0
    assert raw().execute("SELECT count(*) FROM tokens").fetchone() == (0,)


def test_drainers_that_take_one_at_a_time_do_not_share_a_value(driver):
    twice(driver)
    taken = [driver.run(driver.ops.due(1, seconds=30)).batch for _ in range(3)]
    assert sorted(each.token.reveal() for batch in taken for each in batch) == ["other", "same"]


def test_promise_3_what_one_process_revokes_the_other_does_not_store(ground, form, drive):
    one, other = drive(ground, form), drive(ground, form)
    one.put("same")
    one.run(one.ops.end_session(ALICE))
    (pending,) = one.run(one.ops.due(1, seconds=60)).batch
    one.run(one.ops.condemn(pending))
    one.run(one.ops.settle(pending))
    one.close_store()
    assert other.committed(other.lease(slot=BOBS, principal=BOB), "same") is Committed.DOOMED
    assert other.peek(BOBS, BOB) is None


def test_a_superseded_copy_of_a_value_that_is_revoked_goes_with_it(driver, raw):
    driver.put("same")
    driver.put("new")
    driver.put("same", slot=BOBS, principal=BOB)
    driver.run(driver.ops.relink("bob"))
    (pending,) = driver.run(driver.ops.due(9, seconds=60)).batch
    assert driver.run(driver.ops.condemn(pending)) is True
    driver.run(driver.ops.settle(pending))
    assert driver.run(driver.ops.end_session(ALICE)) == 1
    assert driver.pending() == ["new"]


# -- time


def test_what_is_left_of_a_life_is_counted_by_each_readers_own_clock(ground):
    fast = ground.open(token_clock=lambda: ground.now + 100)
    slow = ground.open(token_clock=lambda: ground.now - 100)
    operations = fast.operations(blocking=True)
    claimed = run(operations.claim(HOME, ALICE, owner="me", seconds=5, min_life=0))
    now = ground.now + 100
    sent = AccessToken(Secret("t"), now + 60, now - 3, now + 50, PERSON, lambda: ground.now + 100)
    assert run(operations.commit(claimed.lease, sent))
    assert run(operations.peek(HOME, ALICE)) == sent
    seen = run(slow.operations(blocking=True).peek(HOME, ALICE))
    assert (seen.expires_in, seen.life) == (60, 63)
    assert seen.renew_at == ground.now - 100 + 50
    run(operations.relink("alice"))
    assert run(slow.operations(blocking=True).due(1, seconds=1)).batch[0].expires_at == ground.now - 100 + 65
    fast.close()
    slow.close()


def test_dates_are_compared_with_the_wall_clock_and_with_no_callers(ground):
    for ahead in (-1e6, 1e6):
        with closing(ground.open(token_clock=lambda ahead=ahead: ground.now + ahead)) as store:
            operations = store.operations(blocking=True)
            run(operations.end_user("alice"))
            for seconds, kind in ((-1, Ended), (1, Claimed)):
                dated = Principal(
                    "alice", session_id=f"{ahead}{seconds}", authenticated_at=ground.now + seconds
                )
                asked = operations.claim(HOME, dated, owner="me", seconds=5, min_life=0)
                assert isinstance(run(asked), kind)


def test_promise_8_a_clock_that_is_set_back_does_not_stop_the_budget(driver):
    admit = driver.ops.admit
    driver.run(admit(Priority.USER, None, patience=60))
    waiting = driver.run(admit(Priority.USER, None, patience=60))
    driver.advance(-3600)
    again = driver.run(admit(Priority.USER, waiting.ticket, patience=60))
    assert again.wait == driver.about(waiting.wait)
    driver.run(driver.ops.hold(20))
    driver.advance(-3600)
    assert driver.run(admit(Priority.USER, None, patience=60)).wait < 21


def test_what_has_expired_is_swept_and_the_file_stays_small(ground, drive, raw):
    driver = drive(ground, "blocking", session_memory=100)
    pages = []
    for number in range(600):
        name = f"user-{number}"
        driver.put(f"t{number}" * 100, slot(name), principal(name), life=50)
        driver.put(f"u{number}" * 100, slot(name), principal(name), life=50)
        if number % 3 == 0:
            run(driver.ops.end_session(principal(name)))
        if number % 3 == 1:
            run(driver.ops.end_user(name))
        lease = driver.lease(slot=Slot(name, "abroad", None), principal=principal(f"{name}-other"))
        if number % 2:
            run(driver.ops.abandon(lease, Cooldown(20, "monite_unavailable", "x")))
        run(driver.ops.put_note(name, "link", "x" * 100, seconds=50))
        for pending in run(driver.ops.due(1, seconds=10)).batch:
            run(driver.ops.condemn(pending))
        driver.advance(10)
        if number % 200 == 199:
            pages.append(raw().execute("PRAGMA page_count").fetchone()[0])
    for table, most in {
        "tokens": 600,
        "mints": 40,
        "sessions": 60,
        "endings": 20,
        "notes": 40,
        "condemned": 60,
    }.items():
        assert raw().execute(f"SELECT count(*) FROM {table}").fetchone()[0] < most, table
    assert pages[2] < pages[1] * 1.2
    run(driver.ops.due(1, seconds=0))
    assert raw().execute("SELECT count(*) FROM tokens").fetchone()[0] < 60


# -- threads and tasks


def mixed(store: SQLiteStore, number: int):
    """Return operations of all kinds, on a few slots that everybody wants."""
    operations = store.operations(blocking=False)
    name = f"user-{number % 5}"
    pick = random.Random(number)

    async def flow() -> None:
        for _ in range(6):
            claimed = await operations.claim(
                slot(name), principal(name), owner=str(number), seconds=5, min_life=pick.choice([0, 1e9])
            )
            if isinstance(claimed, Claimed):
                await operations.commit(claimed.lease, token(f"{name} {pick.random()}"))
            found = await operations.peek(slot(name), principal(name))
            assert found is None or found.value.reveal().startswith(name)
            await operations.admit(Priority.USER, None, patience=60)
            if pick.random() < 0.2:
                await operations.relink(name)
            for pending in (await operations.due(2, seconds=60)).batch:
                await operations.settle(pending)

    return flow


def test_promise_1_many_threads_do_not_get_in_each_others_way(path):
    with closing(SQLiteStore(path, keys=[KEY])) as store:

        def work(number: int) -> None:
            store.operations = lambda *, blocking: SQLiteStore.operations(store, blocking=True)
            run(mixed(store, number)())

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(work, range(32)))
        assert store._connections._open <= connections.IDLE_LIMIT
        assert intact(path)


async def test_promise_1_many_tasks_do_not_get_in_each_others_way(path):
    store = SQLiteStore(path, keys=[KEY])
    await asyncio.gather(*(mixed(store, number)() for number in range(200)))
    await store.aclose()
    assert intact(path)


def intact(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


# -- processes

spawn = multiprocessing.get_context("spawn")


def _in_step(work, path, number, start, results):
    try:
        with closing(SQLiteStore(path, keys=[KEY])) as store:
            start.wait(timeout=20)
            results.put(work(store, number))
    except Exception as error:  # noqa: BLE001 - the parent reads what it was
        results.put(repr(error))


def at_once(work, path, processes=3):
    """Do `work(store, number)` in so many processes at the same moment, and return what came of it."""
    start, results = spawn.Barrier(processes), spawn.SimpleQueue()
    children = [
        spawn.Process(target=_in_step, args=(work, path, number, start, results))
        for number in range(processes)
    ]
    for child in children:
        child.start()
    found = [results.get() for _ in children]
    for child in children:
        child.join()
        child.close()
    results.close()
    assert all(isinstance(each, list) for each in found), found
    return found


def _claim_all(store, number):
    return [type(claim(store, f"user-{each}", owner=str(number))).__name__ for each in range(50)]


def test_promise_2_of_many_processes_one_claims_a_slot(path):
    """The file is not there before: that all make it together is part of the race."""
    found = at_once(_claim_all, path)
    for each in range(50):
        assert Counter(claims[each] for claims in found) == {"Claimed": 1, "Busy": 2}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM keys").fetchone() == (1,)


def _admit_some(store, _number):
    operations = store.operations(blocking=True)
    admissions = [run(operations.admit(Priority.USER, None, patience=60)) for _ in range(20)]
    return [admission.ticket.moment for admission in admissions]


def test_promise_8_many_processes_keep_to_one_budget(path):
    moments = sorted(moment for found in at_once(_admit_some, path) for moment in found)
    assert len(moments) == 60
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert min(gaps) > 0.999 / 30


def _drain(store, _number):
    taken = []
    while batch := run(store.operations(blocking=True).due(2, seconds=60)).batch:
        taken += [pending.token.reveal() for pending in batch]
    return taken


def test_promise_6_every_revocation_is_given_to_one_process(path):
    values = [f"token-{number}" for number in range(100)]
    with closing(SQLiteStore(path, keys=[KEY])) as store:
        for value in values:
            run(store.operations(blocking=True).commit(claim(store, min_life=1e9).lease, token(value)))
        run(store.operations(blocking=True).end_session(principal("alice")))
    assert sorted(value for taken in at_once(_drain, path) for value in taken) == sorted(values)


def test_promise_6_what_was_recorded_survives_kill_9(path):
    code = """
        import sys
        from tests.stores.test_sqlite import *

        store = SQLiteStore(sys.argv[1], keys=[KEY])
        operations = store.operations(blocking=True)
        number = 0
        while True:
            value = f"{sys.argv[2]}-{number}"
            run(operations.commit(claim(store, min_life=1e9).lease, token(value)))
            run(operations.relink("alice"))
            print(value, flush=True)
            number += 1
        """
    recorded = []
    for attempt in range(3):
        with python(code, path, attempt) as process:
            recorded += [process.stdout.readline().strip() for _ in range(20 + 7 * attempt)]
            process.kill()
            recorded += process.stdout.read().splitlines()
    assert len(recorded) >= 81
    assert path.with_name("store.db-wal").exists()
    with closing(SQLiteStore(path, keys=[KEY])) as store:
        due = run(store.operations(blocking=True).due(100_000, seconds=60)).batch
        assert {pending.token.reveal() for pending in due} >= set(recorded)
    assert intact(path)
