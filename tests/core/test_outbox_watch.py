"""What a process does with the rows of an outbox, whatever they stand in."""

import sys
from threading import Event
from types import SimpleNamespace

import pytest

from monite_auth import TokenBroker
from monite_auth.adapter import Ending
from monite_auth.engine.outbox_watch import GRACE, OutboxWatch
from tests.waiting import PATIENCE, until


class Rows:
    """An outbox in memory, whose database can fail."""

    is_left_to_writers = False

    def __init__(self, *endings):
        self.endings = list(endings)
        self.looks = 0
        self.fails = False

    def find(self, _account):
        self.looks += 1
        if self.fails:
            raise OSError("the database is down\nsecond line")
        return {"": list(self.endings)}

    def delete(self, endings):
        if self.fails:
            raise OSError("the database is down")
        self.endings = [each for each in self.endings if each not in endings]


class Process:
    """One process that watches an outbox; `told` is what it has told its store, and how long ago that was."""

    def __init__(self, rows):
        self.now = 1000.0
        self.told = []
        self.owed = set()
        self.fails_for = set()
        self.watch = OutboxWatch(rows, "", self.carry_out, self.owed.__contains__, clock=lambda: self.now)

    def carry_out(self, ending, *, ago):
        if ending.user_id in self.fails_for:
            raise ValueError(ending.user_id)
        self.told.append((ending.what, ending.user_id, ago))


ANNA = Ending("1", "end_user", "anna", 5.0)
VIKTOR = Ending("2", "relink", "viktor", 3.0)


def test_rows_are_carried_out_in_order_and_deleted():
    process = Process(rows := Rows(ANNA, VIKTOR))
    process.watch.look()
    assert process.told == [("end_user", "anna", 5.0), ("relink", "viktor", 3.0)]
    assert rows.endings == []


def test_a_row_that_fails_holds_up_no_other_and_is_tried_again(caplog):
    process = Process(rows := Rows(ANNA, VIKTOR))
    process.fails_for = {"anna"}
    process.watch.look()
    assert rows.endings == [ANNA]
    process.fails_for = set()
    process.now += 10
    process.watch.look()
    assert process.told[-1] == ("end_user", "anna", 15.0)  # the moment stays what it was
    assert "cannot be carried out" in caplog.text


def test_a_database_that_fails_is_told_once_in_one_line_and_asked_again(caplog):
    process = Process(rows := Rows(ANNA))
    rows.fails = True
    for _ in range(3):
        process.watch.look()
    assert caplog.text.count("the database is down") == 1
    assert "second line" not in caplog.text
    rows.fails = False
    process.watch.look()
    assert rows.endings == []


def test_what_cannot_be_deleted_is_not_carried_out_twice():
    process = Process(rows := Rows(ANNA))
    rows.delete = lambda _: 1 / 0
    for _ in range(3):
        process.watch.look()
    assert len(process.told) == 1


def test_a_row_stays_while_the_store_has_to_hear_of_something_about_the_user():
    process = Process(rows := Rows(ANNA))
    process.owed.add("anna")
    process.watch.look()
    process.watch.settle(ANNA)
    assert (process.told, rows.endings) == ([], [ANNA])
    process.owed.clear()
    process.watch.look()
    assert (len(process.told), rows.endings) == (1, [])


def test_what_was_just_carried_out_is_deleted_and_a_failure_of_that_is_nobodys(caplog):
    process = Process(rows := Rows(ANNA))
    rows.fails = True
    process.watch.settle(ANNA)
    assert "the database is down" in caplog.text
    rows.fails = False
    process.watch.settle(ANNA)
    assert rows.endings == []


def test_young_rows_are_left_to_their_writers():
    rows = Rows(ANNA._replace(ago=GRACE / 2))
    rows.is_left_to_writers = True
    process = Process(rows)
    process.watch.look()
    assert process.told == []
    rows.endings = [ANNA._replace(ago=GRACE)]
    process.now += GRACE / 2
    process.watch.look()
    assert process.told == [("end_user", "anna", GRACE)]


def test_a_row_from_before_the_databases_clock_was_set_back_is_left_to_nobody():
    rows = Rows(ANNA._replace(ago=-3600.0))
    rows.is_left_to_writers = True
    process = Process(rows)
    process.watch.look()
    assert (process.told, rows.endings) == ([("end_user", "anna", 0.0)], [])


def test_a_row_that_was_not_there_at_the_last_look_is_no_older_than_that():
    process = Process(rows := Rows())
    process.watch.look()
    process.now += 10
    rows.endings = [ANNA._replace(ago=60.0)]
    process.watch.look()
    assert process.told == [("end_user", "anna", 10.0)]


def test_a_database_that_was_not_asked_was_not_looked_into():
    process = Process(rows := Rows())
    process.watch.look()
    rows.find = lambda _account: {}
    process.now += 10
    process.watch.look()
    rows.find = lambda _account: {"": [ANNA._replace(ago=60.0)], "other": [VIKTOR]}
    process.now += 10
    process.watch.look()
    assert process.told == [("end_user", "anna", 20.0), ("relink", "viktor", 3.0)]


def test_what_was_carried_out_is_known_while_its_database_is_not_asked():
    process = Process(rows := Rows(ANNA))
    rows.delete = lambda _: 1 / 0
    find = rows.find
    for each in (find, lambda _account: {}, find):
        rows.find = each
        process.watch.look()
    assert len(process.told) == 1


def test_a_row_of_a_later_version_stays():
    process = Process(rows := Rows(ANNA._replace(what="something else")))
    process.watch.look()
    assert (process.told, len(rows.endings)) == ([], 1)


def test_where_the_server_allows_no_threads_nothing_looks_in_the_background(monkeypatch):
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(opt={}, worker_id=lambda: 1, mule_id=lambda: 0))
    process = Process(rows := Rows(ANNA))
    process.watch.wait_for("1")
    assert rows.looks == 0
    process.watch.close(within=1)  # which looks for what this process has written
    assert rows.endings == []


def test_where_no_thread_can_be_started_a_sweep_looks_later(monkeypatch):
    process = Process(rows := Rows(ANNA))
    with monkeypatch.context() as patched:
        patched.setattr("threading.Thread.start", lambda _: (_ for _ in ()).throw(RuntimeError("too many")))
        process.watch.start()
    assert rows.looks == 0
    process.watch.start()
    until(lambda: rows.endings == [])
    process.watch.close(within=10)


def test_a_database_that_does_not_answer_does_not_hold_up_the_end():
    process = Process(rows := Rows(ANNA))
    asked, answers = Event(), Event()

    def find(_account):
        rows.looks += 1
        asked.set()
        answers.wait(PATIENCE)
        return {}

    rows.find = find
    process.watch.wait_for("another")
    assert asked.wait(PATIENCE)
    process.watch.close(within=0.01)
    assert rows.looks == 1
    answers.set()
    process.watch.close(within=PATIENCE)


def test_a_broker_that_is_closed_opens_no_database_for_that(emulated, tmp_path):
    from dataclasses import replace

    rows = Rows()
    shared = replace(emulated, store_url=f"sqlite:///{tmp_path}/tokens.db")
    TokenBroker(shared, {}, outbox=rows).close()
    assert rows.looks == 0


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_process_looks_when_it_begins_unless_writers_see_to_their_own(emulated, tmp_path, is_shared):
    from dataclasses import replace

    store_url = f"sqlite:///{tmp_path}/tokens.db" if is_shared else "memory://"
    rows, settings = Rows(), replace(emulated, store_url=store_url)
    rows.is_left_to_writers = True
    with TokenBroker(settings, {}, outbox=rows) as broker:
        broker.overview()
        if is_shared:
            until(lambda: rows.looks == 1)
    assert rows.looks == is_shared
