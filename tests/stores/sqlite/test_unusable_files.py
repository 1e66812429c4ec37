"""Files that SQLite cannot use, or not now, are left as they are and reported with what to do."""

import random
import sqlite3
import tempfile
from pathlib import Path

import pytest

from monite_auth.errors import ConfigurationError, StoreReadOnly, StoreUnavailable
from monite_auth.stores.sqlite import SQLiteStore, schema
from monite_auth.stores.values import SessionState
from tests.stores.harness import AGAIN, ALICE, SQLiteGround
from tests.stores.sqlite.steps import KEY, output, slot


def fails(driver):
    with pytest.raises((ConfigurationError, StoreUnavailable)) as caught:
        driver.claim()
    with pytest.raises(caught.type):
        driver.peek()
    assert driver.store._connections._open == 0
    return caught


@pytest.mark.parametrize("keys", ["a key that is no Secret", ["a key that is no Secret"]])
def test_keys_that_are_plain_text_are_refused_before_there_is_a_file(tmp_path, keys):
    with pytest.raises(ConfigurationError, match="keys of a store are Secrets") as caught:
        SQLiteStore(tmp_path / "store.db", keys=keys)
    assert "no Secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


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
    assert f"newer monite-auth (schema 99; this one knows up to {len(schema.MIGRATIONS)})" in str(error.value)


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
    with pytest.raises(StoreReadOnly, match="the disk is full. Make room"):
        for number in range(1000):
            driver.put("x" * 5000, slot=slot(f"user-{number}"))
    assert driver.peek() == "t"
    driver.put("u")  # with another connection, which has room
    assert driver.peek() == "u"


def test_a_file_that_cannot_be_written_is_still_read(driver):
    driver.put("t")
    for operation in (driver.ops.begin_session(AGAIN), driver.ops.end_session(ALICE)):
        connection = driver.store._connections._stack[0]
        connection.execute("PRAGMA query_only = ON")  # SQLite then says what it says of a read-only file
        with pytest.raises(StoreReadOnly, match="it is read-only"):
            driver.run(operation)
        assert driver.peek() == "t"
        assert driver.run(driver.ops.session_state(ALICE)) is SessionState.ALIVE


def test_a_file_that_cannot_grow_is_reported_and_used_again_when_it_can():
    with tempfile.TemporaryDirectory() as place:
        out = output(
            """
            import resource, sys
            from monite_auth.errors import StoreUnavailable
            from monite_auth.stores.sqlite import SQLiteStore
            from tests.stores.sqlite.steps import KEY, claim

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
            from contextlib import closing
            from monite_auth.errors import StoreUnavailable
            from monite_auth.stores.sqlite import SQLiteStore
            from tests.stores.sqlite.steps import KEY, claim

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
