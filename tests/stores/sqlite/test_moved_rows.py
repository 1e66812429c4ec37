"""Rows of SQLite that somebody else moved or changed do not open, and stop no other."""

import logging

import pytest

from monite_auth.errors import StoreUnavailable
from monite_auth.stores import Claimed, Cooldown, CoolingDown
from tests.stores.harness import ALICE, BOB, BOBS, HOME


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


def test_a_cooldown_that_does_not_open_is_none(driver, raw):
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


def test_all_tables_are_strict_so_that_sqlite_keeps_wrong_types_out(driver, raw):
    driver.put("t")
    tables = raw().execute(
        "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    )
    assert [name for name, strict in tables if not strict and not name.startswith("sqlite_")] == []


@pytest.mark.parametrize("wrong", ["text", b"bytes", None])
def test_promise_11_a_row_of_wrong_types_is_an_outage_of_its_user(driver, raw, wrong):
    driver.put("t")
    driver.put("bobs", slot=BOBS, principal=BOB)
    db = raw()
    db.execute("PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_master SET sql = replace(replace(sql, ') STRICT', ')'), 'NOT NULL', '')")
    db.execute("PRAGMA writable_schema = RESET")
    one = "(SELECT id FROM tokens ORDER BY issued_at, rowid LIMIT 1)"
    db.execute(f"UPDATE tokens SET issued_at = ? WHERE id = {one}", (wrong,))
    db.commit()
    failed = []
    for slot, principal in ((HOME, ALICE), (BOBS, BOB)):
        try:
            assert driver.peek(slot, principal) in ("t", "bobs")
        except StoreUnavailable as error:
            failed.append((error.part, str(error)))
    ((part, message),) = failed
    assert part is not None
    assert "what the store never writes" in message


@pytest.mark.parametrize("strange", [b"", b"x", b"\xff" * 300, b"\x7f\xf8" + b"\0" * 80])
def test_promise_8_a_budget_that_something_else_has_written_begins_anew(driver, raw, strange):
    driver.admit()
    raw().execute("UPDATE budget SET state = ?", (strange,))
    assert driver.admit().admitted
    driver.advance(60)
    assert driver.admit().wait == 0
