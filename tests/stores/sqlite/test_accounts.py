"""Accounts in SQLite's file: each has keys of its own, and what was there before them belongs to whoever opens it first."""

import json
import logging
import sqlite3
from contextlib import closing

import pytest

from monite_auth import Secret
from monite_auth.errors import ConfigurationError
from monite_auth.identity import PARTNER
from monite_auth.stores import PARTNER_SLOT, Claimed, Cooldown, CoolingDown, Priority
from monite_auth.stores.budget import PROBE
from monite_auth.stores.sealing import Envelope
from monite_auth.stores.sealing.envelope import WRAPPED_BYTES
from monite_auth.stores.sqlite import schema
from monite_auth.tokens import fingerprint
from tests.stores.harness import ABROAD, AGAIN, ALICE, BOB, BOBS, HOME, rows

KEY, OTHER_KEY, THIRD_KEY = (
    Secret(f"the {each} key, as long as it has to be") for each in ("one", "other", "third")
)


# -- accounts


def test_two_accounts_with_keys_of_their_own_share_a_file(ground, form, drive, caplog):
    one = drive(ground, form, account="one", keys=[KEY])
    one.put("of one")
    other = drive(ground, form, account="other", keys=[OTHER_KEY])
    other.put("of the other")
    assert (one.peek(), other.peek()) == ("of one", "of the other")
    one.end("more of one")
    assert other.pending() == []
    assert one.pending() == ["more of one", "of one"]
    again = drive(ground, form, account="one", keys=[KEY])
    assert isinstance(again.claim(), Claimed)
    assert again.run(again.ops.backlog()) == 2
    assert caplog.records == []


def test_a_key_that_opens_one_account_opens_no_other(ground, form, drive):
    drive(ground, form, account="one", keys=[KEY]).put("t")
    drive(ground, form, account="other", keys=[OTHER_KEY]).put("u")
    stranger = drive(ground, form, account="one", keys=[OTHER_KEY, THIRD_KEY])
    for ask in (stranger.claim, stranger.peek, stranger.pending):
        with pytest.raises(
            ConfigurationError, match="Was MONITE_CLIENT_SECRET or MONITE_STORE_KEYS changed"
        ) as caught:
            ask()
        assert "Add the former client secret or key to MONITE_STORE_KEYS" in str(caught.value)
        assert "share" not in str(caught.value)
    assert drive(ground, form, account="one", keys=[KEY]).peek() == "t"


def test_a_new_pair_whose_former_secret_opens_another_account_is_asked_about_once(
    ground, form, drive, caplog
):
    drive(ground, form, account="first ID", keys=[KEY]).put("t")
    for _ in range(2):
        drive(ground, form, account="new ID", keys=[OTHER_KEY, KEY]).claim()
    (record,) = caplog.records
    assert "set MONITE_ACCOUNT to the client ID that you had first" in record.message
    assert drive(ground, form, account="first ID", keys=[OTHER_KEY, KEY]).peek() == "t"


def test_a_store_of_no_account_belongs_to_the_first_that_asks(ground):
    with closing(ground.open()) as store:
        assert store.of("first") is store
        assert store.of("first") is store
        second = store.of("second")
        assert second is not store
        assert second.of("second") is second
    with closing(ground.open()) as store:
        store.operations(blocking=True)
        assert store.of("") is store
        assert store.of("first") is not store


def test_views_of_one_account_know_of_each_other(ground, form, drive):
    one = drive(ground, form, account="one")
    view = drive(ground, form, account="two", store=one.store)
    again = drive(ground, form, account="two", store=one.store)
    back = drive(ground, form, account="one", store=view.store)
    view.put("t")
    one.put("u")
    assert (again.peek(), back.peek()) == ("t", "u")
    assert view.store._connections is one.store._connections


def test_a_file_stays_open_as_long_as_somebody_has_a_view(ground, drive):
    store = ground.open()
    store.of("first")
    view = drive(ground, "blocking", account="second", store=store)
    view.put("t")
    connections = store._connections
    del store
    assert connections._open
    assert view.peek() == "t"


def test_promise_9_no_account_stands_in_the_file(ground, form, drive, path):
    driver = drive(ground, form, account="https://api.monite.com 6f1c-client-id")
    driver.put("t")
    driver.end("u")
    content = b"".join(each.read_bytes() for each in path.parent.glob("store.db*"))
    assert b"monite.com" not in content
    assert b"6f1c" not in content


def test_what_has_expired_of_accounts_that_are_gone_is_swept_too(ground, drive, path):
    gone = drive(ground, "blocking", account="gone", keys=[OTHER_KEY], session_memory=100)
    gone.put("t", life=50)
    gone.close_store()
    driver = drive(ground, "blocking", account="here")
    driver.advance(10_000)
    for number in range(40):
        driver.put(f"t{number}")
    assert rows(path, "SELECT count(DISTINCT account) FROM tokens") == [(1,)]
    assert rows(path, "SELECT count(DISTINCT account) FROM sessions") == [(1,)]


# -- files from before there were accounts


def older_file(path, now, *, version=2):
    """Leave a file as an older version did, with something in all of its tables; only the first key wraps there."""
    opened = Envelope([KEY]).new()
    seal = opened.seal
    (content,) = opened.content.items()

    def token(number, state, value, place=HOME, user="alice"):
        slot, print_name = seal.name("slot", *place), seal.name(fingerprint(Secret(value)))
        sealed = seal.seal(json.dumps({"value": value}), slot, print_name)
        row = (number, state, slot, seal.name("user", user), print_name, sealed, now + 1000, now, now + 900)
        db.execute(
            "INSERT INTO tokens (id, state, slot, user, print, sealed, expires_at, issued_at, renew_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def session(each, *, ended):
        names = seal.name("user", each.user_id), seal.name("session", each.user_id, each.session_id)
        db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (*names, ended, now + 1000))

    with closing(sqlite3.connect(path)) as db:
        for step in schema.MIGRATIONS[:version]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("INSERT INTO keys VALUES (?, ?)", (content[0], content[1][:WRAPPED_BYTES]))
        token(1, "live", "live")
        token(2, "pending", "pending")
        token(3, "superseded", "superseded", place=ABROAD)
        token(4, "live", "root", place=PARTNER_SLOT, user=PARTNER)
        session(ALICE, ended=False)
        session(AGAIN, ended=True)
        rest = json.dumps(Cooldown(30, "credentials_rejected", "x", everyone=True)._asdict())
        db.execute("INSERT INTO rest VALUES (1, ?, ?)", (seal.seal(rest, "rest", "everyone"), now + 30))
        db.execute("INSERT INTO budget VALUES (1, 0, 0, 20, ?, 0, ?)", (now + 20, now))
        db.execute("INSERT INTO endings VALUES (?, ?, ?)", (seal.name("user", "carol"), now - 10, now + 1000))
        if version > 1:
            note = seal.name("note", "alice", "link")
            db.execute(
                "INSERT INTO notes VALUES (?, ?, ?)", (note, seal.seal("kept", "note", note), now + 500)
            )
        db.commit()


@pytest.fixture(params=[1, 2])
def older(request, ground, path):
    older_file(path, ground.now, version=request.param)
    return request.param


def test_promise_6_what_was_there_belongs_to_the_account_that_opens_it_first(
    ground, form, drive, older, path
):
    first = drive(ground, form, account="first", keys=[KEY])
    assert first.peek() == "live"
    second = drive(ground, form, account="second", keys=[KEY])
    assert second.peek() is None
    assert second.pending() == []
    assert first.has_ended(AGAIN)
    assert not first.has_ended(ALICE)
    assert not second.has_ended(AGAIN)
    assert isinstance(first.claim(slot=BOBS, principal=BOB), CoolingDown)
    assert isinstance(second.claim(slot=BOBS, principal=BOB), Claimed)
    assert first.run(first.ops.admit(Priority.USER, None, patience=60)).wait > 10
    assert second.run(second.ops.admit(Priority.USER, None, patience=60)).wait == 0
    if older == 2:
        assert first.run(first.ops.get_note("alice", "link")) == "kept"
    first.run(first.ops.end_user("alice"))
    first.run(first.ops.relink(PARTNER))
    assert first.pending() == ["live", "pending", "root", "superseded"]
    assert rows(path, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_promise_8_what_left_before_an_upgrade_has_arrived_when_one_probes(ground, form, drive, older):
    del older
    driver = drive(ground, form, account="first", keys=[KEY])
    driver.advance(21)  # the hold is over
    waiting = driver.admit()
    assert waiting.wait == driver.about(1.081)
    driver.advance(waiting.wait)
    assert driver.admit(ticket=waiting.ticket).wait == 0
    assert PROBE < driver.admit().wait < PROBE + 0.1


def test_promise_8_a_budget_from_before_calls_took_turns_goes_on_as_it_was(ground, form, drive, path):
    driver = drive(ground, form)
    booked = [driver.admit() for _ in range(3)]
    driver.run(driver.ops.hold(20))
    expected = driver.admit().wait
    driver.close_store()
    with closing(sqlite3.connect(path)) as db:
        for trigger in ("tokens_taken_away", "tokens_never_live"):
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute("ALTER TABLE tokens DROP COLUMN pending_since")
        db.execute("UPDATE budget SET state = CAST(substr(state, 1, 8) || substr(state, 17) AS BLOB)")
        db.execute("PRAGMA user_version = 5")
        db.commit()
    after = drive(ground, form)
    assert after.admit(ticket=booked[0].ticket).wait == after.about(20)
    assert after.admit().wait > expected
    assert after.admit(Priority.CALL).wait > expected
    assert rows(path, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]


def test_who_cannot_open_what_was_there_leaves_it_alone_and_says_so_once(ground, form, drive, caplog, path):
    older_file(path, ground.now)
    other = drive(ground, form, account="other", keys=[OTHER_KEY])
    with caplog.at_level(logging.WARNING, "monite_auth"):
        other.put("t", slot=BOBS, principal=BOB)
        other.close_store()
        assert other.peek(BOBS, BOB) == "t"
        assert drive(ground, form, account="other", keys=[OTHER_KEY]).peek(BOBS, BOB) == "t"
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "The next time, add the former client secret to MONITE_STORE_KEYS before" in record.message
    assert "share" not in record.message
    assert drive(ground, form, account="theirs", keys=[KEY]).peek() == "live"


def test_a_key_can_be_changed_together_with_the_version(ground, form, drive, path):
    older_file(path, ground.now)
    driver = drive(ground, form, keys=[OTHER_KEY, KEY])
    assert driver.peek() == "live"
    assert drive(ground, form, keys=[OTHER_KEY]).peek() == "live"
    with pytest.raises(ConfigurationError):
        drive(ground, form, keys=[KEY]).peek()


def test_a_process_of_the_older_version_fails_rather_than_lose_something(ground, drive, path):
    """It is still running when the file is brought up to date: what it writes without an account would be nobody's."""
    older_file(path, ground.now)
    with closing(sqlite3.connect(path, isolation_level=None)) as still_running:
        drive(ground, "blocking", keys=[KEY]).peek()
        for table, columns, values in (
            (
                "tokens",
                "(id, state, slot, user, print, sealed, expires_at, issued_at, renew_at)",
                "9, 'pending', 's', 'u', 'p', x'', 1, 1, 1",
            ),
            ("mints", "(slot, user, lease, owner, lease_until, until)", "'s', 'u', 'l', 'o', 1, 1"),
            ("sessions", "", "'u', 's', 1, 1"),
            ("endings", "", "'u', 1, 1"),
            ("notes", "", "'n', x'', 1"),
            ("keys", "", "'k', x''"),
        ):
            with pytest.raises(sqlite3.Error):
                still_running.execute(f"INSERT OR REPLACE INTO {table} {columns} VALUES ({values})")
