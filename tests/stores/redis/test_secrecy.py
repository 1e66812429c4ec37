"""What can be read in Redis tells nobody who or what, and what was moved or changed there opens nowhere."""

from monite_auth.stores import Claimed, Cooldown, Slot
from tests.stores.harness import ALICE, BOB, BOBS, PERSON
from tests.stores.live import KEY, LiveGround


def test_promise_9_nothing_in_redis_tells_who_or_what(server, form, drive):
    driver = drive(LiveGround(server.url), form)
    driver.put("the-token")
    driver.put("the-second-token")
    driver.put("of-one-session", slot=Slot("alice", "abroad", "alice-1"))
    driver.run(
        driver.ops.abandon(
            driver.lease(slot=BOBS, principal=BOB), Cooldown(30, "x", "what Monite said of bob")
        )
    )
    driver.run(
        driver.ops.abandon(driver.lease(min_life=1e9), Cooldown(30, "x", "what it told all", everyone=True))
    )
    driver.run(driver.ops.put_note("alice", "link:abroad", "who-alice-is", seconds=60))
    fingerprint = driver.token("the-token").fingerprint
    before = str(server.content())
    driver.run(driver.ops.end_session(ALICE))
    driver.run(driver.ops.end_user("bob"))
    everything = before + str(server.content())
    assert ":pending" in everything
    told = [
        "alice",
        "bob",
        "token",
        "abroad",
        "of-one",
        "said",
        "told",
        "link",
        "who-",
        fingerprint,
        KEY.reveal(),
    ]
    assert [each for each in [*told, PERSON.entity_id, PERSON.entity_user_id] if each in everything] == []


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
