"""What has been settled, has expired or is over leaves nothing behind in Redis."""

import re

from monite_auth import Principal
from monite_auth.identity import LEEWAY
from monite_auth.stores import Cooldown, Priority, Slot
from monite_auth.stores.redis.keyspace import SHARDS
from monite_auth.stores.redis.scripts import GRACE
from tests.stores.harness import ABROAD, RedisGround
from tests.stores.live import user


def test_nothing_stays_for_ever(timed):
    server = timed.ground.server
    for number in range(5):
        timed.put(f"token-{number}", *user(number), life=100)
        timed.put(f"newer-{number}", *user(number), life=100)
    timed.run(timed.ops.end_session(user(0)[1]))
    timed.run(timed.ops.end_user("user-1"))
    timed.run(timed.ops.abandon(timed.lease(slot=ABROAD), Cooldown(30, "x", "y", everyone=True)))
    timed.run(timed.ops.admit(Priority.USER, None, patience=1))
    lasting = [key for key in server.content() if server.admin.ttl(key) < 0]
    assert all(key.endswith((b":key", b":envelope", b":envelope}", b":accounts")) for key in lasting)
    assert len(lasting) <= 2 + 2 * SHARDS  # of each its stamp, and its copy of the envelope
    timed.advance(100 + GRACE + 60)  # nobody has drained
    kinds = {re.sub(rb"\{[^}]*\}:?", b"", key).split(b":")[0] for key in server.content()}
    # Of those who logged out, `before` is left. The clock may have been set forward, so pending revocations wait for a drainer.
    left = {b"user", b"users", b"known", b"ended", b"queue", b"pending"}
    assert kinds == {b"", b"accounts", b"key", b"envelope"} | left
    timed.advance(14 * 24 * 3600 + 2 * LEEWAY)
    assert sorted(server.content()) == sorted(lasting)


def test_a_user_who_comes_again_and_again_leaves_no_trail(tmp_path, form, drive):
    timed = drive(RedisGround(tmp_path), form, session_memory=3600)
    server = timed.ground.server
    for visit in range(50):
        principal = Principal("alice", session_id=f"session-{visit}")
        slot = Slot("alice", None, principal.session_id)
        timed.put(f"token-{visit}", slot, principal, life=1800)
        if visit % 2:
            timed.run(timed.ops.end_session(principal))
        else:
            renewal = timed.lease(slot=slot, principal=principal, min_life=1e9)
            timed.run(timed.ops.abandon(renewal, Cooldown(9, "x", "y")))
        timed.pending()
        timed.advance(600)
    content = {re.sub(rb"\{.*\}:(\w+).*", rb"\1", key): value for key, value in server.content().items()}
    assert len(content[b"user"]) <= 2 * 4
    began = [each for each in content[b"known"] if each.startswith(b"+")]
    assert len(began) <= 4
    assert len(content[b"known"]) - len(began) + len(content[b"ended"]) <= 8
    assert len(content[b"queue"]) <= 3


def test_notes_are_swept_and_their_user_goes_with_the_last(timed):
    server = timed.ground.server
    for number in range(50):
        timed.run(timed.ops.put_note("alice", f"link:{number}", "x", seconds=100))
        timed.advance(50)
    (user,) = (key for key in server.content() if b":user:" in key)
    assert server.admin.hlen(user) == 2
    timed.advance(100 + GRACE + 60)
    assert not any(b":user:" in key for key in server.content())


def test_what_is_settled_leaves_nothing_behind(driver, server):
    driver.end("t")
    (pending,) = driver.run(driver.ops.due(9, seconds=30)).batch
    driver.run(driver.ops.settle(pending))
    assert driver.run(driver.ops.due(9, seconds=30)).next_in is None
    assert not [key for key in server.content() if key.endswith((b":queue", b":pending"))]
