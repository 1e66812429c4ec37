"""What can be read in PostgreSQL tells nobody who or what, and what was moved or changed there opens nowhere."""

import re

import pytest

from monite_auth.errors import ConfigurationError
from monite_auth.stores import Claimed, Cooldown, CoolingDown
from monite_auth.stores.sealing import SealBroken
from tests.stores.harness import BOB, BOBS
from tests.stores.live import KEY, OTHER_KEY, LiveGround, content_of_all_kinds, told_of_all_kinds, user


def content(server):
    """Return all that lies in the store's tables, as text; bytes are decoded."""
    rows = [
        row
        for table in server.tables()
        for (row,) in server.query(f"SELECT row::text FROM monite_auth.{table} AS row")
    ]
    return re.sub(
        r"\\+x([0-9a-f]*)", lambda found: bytes.fromhex(found[1]).decode("latin-1"), "\n".join(rows)
    )


def test_promise_9_nothing_in_postgresql_tells_who_or_what(server, form, drive):
    driver = drive(LiveGround(server.url), form)
    everything = content_of_all_kinds(driver, lambda: content(server))
    assert "pending" in everything
    assert [each for each in told_of_all_kinds(driver) if each in everything] == []


def test_promise_1_a_token_in_another_users_place_does_not_open(driver, server, caplog):
    driver.put("alices")
    driver.put("bobs", slot=BOBS, principal=BOB)
    server.query(
        "UPDATE monite_auth.tokens AS one SET (print, sealed) = (SELECT print, sealed FROM monite_auth.tokens "
        "AS other WHERE other.id <> one.id)"
    )
    assert driver.peek() is None
    assert driver.peek(BOBS, BOB) is None
    assert isinstance(driver.claim(slot=BOBS, principal=BOB), Claimed)
    assert caplog.text.count("changed or moved") == 1
    driver.put("new")  # a miss like any other
    assert driver.peek() == "new"


def test_promise_1_a_note_in_another_users_place_does_not_open(driver, server, caplog):
    for name in ("alice", "bob"):
        driver.run(driver.ops.put_note(name, "link", f"{name}'s", seconds=60))
    server.query(
        "UPDATE monite_auth.notes SET sealed = (SELECT sealed FROM monite_auth.notes ORDER BY note LIMIT 1)"
    )
    found = [driver.run(driver.ops.get_note(name, "link")) for name in ("alice", "bob")]
    assert found in (["alice's", None], [None, "bob's"])
    assert "changed or moved" in caplog.text


@pytest.mark.parametrize("garbled", [b"", b"x", b"\xff" * 300])
def test_a_token_that_does_not_open_is_none(driver, server, garbled):
    driver.put("t")
    server.query(f"UPDATE monite_auth.tokens SET sealed = '\\x{garbled.hex()}'")
    assert driver.peek() is None
    assert driver.peek_in_turn().token is None
    driver.put("new")
    assert driver.peek() == "new"
    assert driver.peek_in_turn().token is not None


@pytest.mark.parametrize("everyone", [False, True])
def test_a_cooldown_that_does_not_open_is_none(driver, server, everyone):
    driver.run(driver.ops.abandon(driver.lease(), Cooldown(30, "monite_unavailable", "x", everyone=everyone)))
    assert isinstance(driver.claim(), CoolingDown)
    for table in ("mints", "accounts"):
        server.query(f"UPDATE monite_auth.{table} SET cooldown = '\\x00' WHERE cooldown IS NOT NULL")
    assert isinstance(driver.claim(), Claimed)


def test_promise_6_a_revocation_that_does_not_open_stops_no_other(driver, server, caplog):
    driver.end("one", "two", "three")
    server.query(
        "UPDATE monite_auth.tokens SET sealed = '\\x00' WHERE id = (SELECT min(id) FROM monite_auth.tokens)"
    )
    assert len(driver.pending()) == 2
    assert caplog.text.count("its token is left to expire") == 1
    server.query("UPDATE monite_auth.tokens SET due_at = now() WHERE sealed <> '\\x00'")
    assert len(driver.pending()) == 2
    assert caplog.text.count("its token is left to expire") == 1
    assert driver.run(driver.ops.backlog()) == 3


def test_a_key_that_was_taken_out_opens_nothing_that_is_sealed_later(server, form, drive):
    ground = LiveGround(server.url)
    drive(ground, form, keys=[KEY]).put("before")
    stolen = drive(ground, form, keys=[KEY])
    assert stolen.peek() == "before"
    old_vault = stolen.store._keys._vault
    drive(ground, form, keys=[OTHER_KEY, KEY]).peek()
    new = drive(ground, form, keys=[OTHER_KEY])
    new.put("after", *user(1))
    assert new.peek() == "before"
    slot = new.store._keys._vault.slot(user(1)[0])
    ((name, sealed),) = server.query(f"SELECT print, sealed FROM monite_auth.tokens WHERE slot = '{slot}'")
    with pytest.raises(SealBroken):
        old_vault.open_token(sealed, slot, name)


def test_keys_that_change_while_a_process_runs_are_asked_for_again(server, form, drive):
    keys = [KEY]
    ground = LiveGround(server.url)
    driver = drive(ground, form, keys=lambda: tuple(keys))
    driver.put("t")
    keys[:] = [OTHER_KEY, KEY]
    driver.store.reopen()
    assert driver.peek() == "t"
    assert drive(ground, form, keys=[OTHER_KEY]).peek() == "t"
    assert driver.peek() == "t"


@pytest.mark.parametrize("envelope", ["", "{}", "null", '{"x": 1}', "\x01"])
def test_an_envelope_that_is_none_is_a_mistake_and_is_not_overwritten(server, form, drive, envelope):
    ground = LiveGround(server.url)
    drive(ground, form).put("t")
    server.query(f"UPDATE monite_auth.accounts SET envelope = '\\x{envelope.encode().hex()}'")
    with pytest.raises(ConfigurationError, match="MONITE_STORE_KEYS"):
        drive(ground, form).peek()
    assert server.query("SELECT envelope FROM monite_auth.accounts") == [(envelope.encode(),)]
