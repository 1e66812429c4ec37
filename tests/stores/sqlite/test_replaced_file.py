"""A file that was deleted or replaced under running processes: they notice, and go on in the world of those that start later."""

import os
import sqlite3
import stat
from contextlib import closing

import pytest

from monite_auth.engine.runtime import run
from monite_auth.stores import Claimed
from monite_auth.stores.sqlite.rescue import identity, save_into_new_file
from tests.stores.harness import ALICE, BOB, BOBS
from tests.stores.sqlite.steps import claim, intact, patient_store, principal, python
from tests.waiting import PATIENCE, until


def end(driver):
    driver.run(driver.ops.end_session(ALICE))


def delete_all(path):
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


def delete_file(path):
    path.unlink()


def put_backup(path):
    backup = path.with_name("backup.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(backup),))
    os.replace(backup, path)  # noqa: PTH105 - as a restore does it: in one step


REPLACEMENTS = [delete_all, delete_file, put_backup]


@pytest.fixture(params=REPLACEMENTS)
def replace(request):
    return request.param


def test_promise_5_a_logout_in_an_old_worker_is_heard_of_in_a_new_one(ground, drive, form, path, replace):
    old = drive(ground, form)
    old.put("t")
    replace(path)
    new = drive(ground, form)
    if not new.peek():
        new.put("anew")
    end(old)
    assert new.has_ended(ALICE)
    assert intact(path)


def test_promise_5_a_logout_in_a_new_worker_is_heard_of_in_an_old_one(ground, drive, form, path, replace):
    old = drive(ground, form)
    old.put("t")
    replace(path)
    new = drive(ground, form)
    end(new)
    until(lambda: old.peek() is None)
    assert old.has_ended(ALICE)


def test_promise_2_old_and_new_workers_mint_once_together(ground, drive, form, path, replace):
    old = drive(ground, form)
    old.put("t")
    replace(path)
    new = drive(ground, form)
    assert isinstance(new.claim(BOBS, BOB, owner="new"), Claimed)
    assert not isinstance(old.claim(BOBS, BOB, owner="old"), Claimed)


def test_an_idle_worker_makes_the_file_again_that_was_deleted(driver, path):
    driver.put("t")
    delete_all(path)
    until(lambda: driver.peek() is None)
    driver.put("anew")
    assert driver.peek() == "anew"
    assert path.exists()


def test_a_replaced_file_is_told_of_once_and_closed(driver, path, caplog):
    driver.put("t")
    former = driver.store._connections
    delete_all(path)
    for _ in range(3):
        end(driver)
    assert driver.store._connections is not former
    assert (former._open, former._hold) == (0, None)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "was deleted or replaced" in caplog.text
    assert str(path) in caplog.text


def test_a_write_that_found_the_file_replaced_when_it_was_done_is_done_again(blocking, path):
    blocking.put("t")
    (connection,) = blocking.store._connections._stack

    def vanish(statement):
        if statement == "COMMIT":
            path.rename(path.with_name("moved.db"))

    connection.set_trace_callback(vanish)
    end(blocking)
    assert path.exists()
    assert blocking.has_ended(ALICE)


# -- only its log was deleted


@pytest.fixture(params=[["-wal"], ["-shm"], ["-wal", "-shm"]], ids="+".join)
def delete_log(request, path):
    def delete():
        for each in request.param:
            path.with_name(path.name + each).unlink()

    return delete


def test_promise_5_nothing_is_lost_with_a_log_that_somebody_deletes(
    ground, drive, form, path, delete_log, caplog
):
    old = drive(ground, form)
    old.put("t")
    old.put("bobs", BOBS, BOB)
    delete_log()
    end(old)
    end(old)
    new = drive(ground, form)
    assert new.has_ended(ALICE)
    assert new.peek(BOBS, BOB) == "bobs"
    assert new.pending() == ["t"]
    assert intact(path)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "was deleted while this process had it open" in caplog.text
    assert sorted(each.name for each in path.parent.glob(f"{path.name}*")) == [
        path.name,
        f"{path.name}-shm",
        f"{path.name}-wal",
    ]


def test_promise_5_workers_that_lost_the_log_hear_of_each_other(ground, drive, form, path, delete_log):
    first, second = drive(ground, form), drive(ground, form)
    first.put("t")
    assert second.peek() == "t"
    delete_log()
    end(first)
    assert second.has_ended(ALICE)
    until(lambda: second.peek() is None)
    assert isinstance(second.claim(BOBS, BOB, owner="second"), Claimed)
    assert not isinstance(first.claim(BOBS, BOB, owner="first"), Claimed)
    assert intact(path)


def test_a_worker_that_only_reads_notices_that_the_log_is_gone(driver, path, delete_log):
    driver.put("t")
    former = path.stat().st_ino
    delete_log()
    until(lambda: driver.peek() == "t" and path.stat().st_ino != former)
    assert intact(path)


def test_promise_5_who_comes_after_the_log_was_deleted_joins_the_workers_that_had_it(path):
    store = patient_store(path)
    claim(store)
    for each in ("-wal", "-shm"):
        path.with_name(path.name + each).unlink()
    code = """
        import sys
        from tests.stores.sqlite.steps import claim, patient_store
        store = patient_store(sys.argv[1])
        claim(store, "bob")
        print("opened", flush=True)
        sys.stdin.readline()
        print(type(claim(store)).__name__)
    """
    with python(code, path) as newcomer:
        assert newcomer.stdout.readline() == "opened\n"
        run(store.operations(blocking=True).end_session(principal("alice")))
        out, err = newcomer.communicate("\n", timeout=PATIENCE)
    store.close()
    assert out == "Ended\n", err
    assert intact(path)


def test_promise_5_nothing_is_lost_with_the_log_of_a_file_behind_a_link(ground, drive, form, path):
    real = path.with_name("elsewhere") / "real.db"
    real.parent.mkdir()
    path.symlink_to(real)
    old = drive(ground, form)
    old.put("t")
    for each in ("-wal", "-shm"):
        real.with_name(real.name + each).unlink()
    end(old)
    assert drive(ground, form).has_ended(ALICE)
    assert path.is_symlink()
    assert intact(real)


def test_promise_5_a_link_that_leads_elsewhere_is_a_file_that_was_replaced(ground, drive, form, path):
    former, later = (path.with_name(name) for name in ("former.db", "later.db"))
    path.symlink_to(former)
    old = drive(ground, form)
    old.put("t")
    path.unlink()
    path.symlink_to(later)
    new = drive(ground, form)
    end(new)
    until(lambda: old.peek() is None)
    assert old.has_ended(ALICE)


def test_a_file_that_was_saved_has_the_rights_of_the_former_one(driver, path, delete_log):
    driver.put("t")
    path.chmod(0o660)
    delete_log()
    end(driver)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_a_process_that_was_killed_while_it_saved_leaves_nothing_behind(driver, path, delete_log):
    driver.put("t")
    path.with_name(f"{path.name}.new").write_bytes(b"the first half of a file")
    delete_log()
    end(driver)
    assert intact(path)
    assert {each.name for each in path.parent.glob(f"{path.name}*")} <= {
        path.name,
        f"{path.name}-shm",
        f"{path.name}-wal",
    }


def test_a_file_that_goes_while_it_is_to_be_saved_needs_no_saving(tmp_path):
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE one (two)")
        former = identity(path)
        path.unlink()
        assert not save_into_new_file(path, former, connection)
        path.touch()
        assert not save_into_new_file(path, (former[0], 0), connection)
    assert [each.name for each in tmp_path.iterdir()] == ["store.db"]
