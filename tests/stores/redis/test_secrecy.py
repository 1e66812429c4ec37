"""What can be read in Redis tells nobody who or what, and what was moved or changed there opens nowhere."""

from monite_auth.stores import Claimed
from tests.stores.harness import BOB, BOBS
from tests.stores.live import LiveGround, content_of_all_kinds, told_of_all_kinds


def test_promise_9_nothing_in_redis_tells_who_or_what(server, form, drive):
    driver = drive(LiveGround(server.url), form)
    everything = content_of_all_kinds(driver, lambda: str(server.content()))
    assert ":pending" in everything
    assert [each for each in told_of_all_kinds(driver) if each in everything] == []


def test_promise_1_a_token_that_was_moved_to_another_user_does_not_open(driver, server, caplog):
    driver.put("alices")
    driver.put("bobs", slot=BOBS, principal=BOB)
    users = [key for key in server.content() if b":user:" in key]
    (one, alices), (other, bobs) = ((key, server.admin.hgetall(key)) for key in users)
    server.admin.hset(one, *alices, *bobs.values())
    server.admin.hset(other, *bobs, *alices.values())
    assert driver.peek() is None
    assert isinstance(driver.claim(slot=BOBS, principal=BOB), Claimed)
    assert caplog.text.count("changed or moved") == 2
    driver.put("new")
    assert driver.peek() == "new"


def test_promise_1_a_note_that_was_moved_to_another_user_does_not_open(driver, server, caplog):
    for name in ("alice", "bob"):
        driver.run(driver.ops.put_note(name, "link", f"{name}'s", seconds=60))
    users = [key for key in server.content() if b":user:" in key]
    (one, alices), (other, bobs) = ((key, server.admin.hgetall(key)) for key in users)
    server.admin.hset(one, *alices, *bobs.values())
    server.admin.hset(other, *bobs, *alices.values())
    assert [driver.run(driver.ops.get_note(name, "link")) for name in ("alice", "bob")] == [None, None]
    assert "changed or moved" in caplog.text


def test_a_pending_revocation_that_was_changed_is_thrown_away(driver, server, caplog):
    driver.end("one", "two")
    (pending,) = (key for key in server.content() if key.endswith(b":pending"))
    records = {
        name: value for name, value in server.admin.hgetall(pending).items() if not name.startswith(b"@")
    }
    name, record = next(iter(records.items()))
    server.admin.hset(pending, name, record[:-1] + bytes([record[-1] ^ 1]))
    assert len(driver.pending()) == 1
    assert "thrown away" in caplog.text
    (other,) = records.keys() - {name}
    assert set(server.admin.hkeys(pending)) == {other, b"@" + other}
