"""The file of a store in SQLite: its rights, its path, its version, what can be read in it, and when it is open."""

import os
import stat
from contextlib import closing

import pytest

from monite_auth.errors import ConfigurationError
from monite_auth.stores import Claimed, Cooldown, Slot
from monite_auth.stores.sqlite import SQLiteStore
from monite_auth.stores.sqlite.connections import LOG_LIMIT
from tests.stores.harness import ABROAD, ALICE, BOB, BOBS, PERSON
from tests.stores.sqlite.steps import KEY, claim


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


def test_the_log_comes_back_to_its_size_when_somebody_has_read_for_long(driver, raw, path):
    log = path.with_name(f"{path.name}-wal")
    driver.put("t")
    reader = raw()
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM tokens").fetchone()
    for number in range(1000):  # as large as a log that nobody keeps, twice over
        driver.put_note("x" * 4000, name=f"note-{number % 10}")
    assert log.stat().st_size > 2 * LOG_LIMIT
    reader.execute("COMMIT")
    for _ in range(2):
        driver.put_note("x")
    assert log.stat().st_size <= LOG_LIMIT
