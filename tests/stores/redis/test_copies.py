"""Copies of the envelope: they take its place while it cannot be read, and only where they are in force.

Another program has overwritten the envelope in these tests; in test_parts its node of a cluster is down.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from monite_auth.errors import StoreUnavailable
from monite_auth.stores.redis.records import content_of
from monite_auth.stores.sealing import Envelope
from tests.redis_server import RedisServer
from tests.stores.harness import ALICE
from tests.stores.live import KEY, OTHER_KEY, THIRD_KEY, LiveGround, user

COPIES, STAMPS = "*}:envelope", "*}:key"
OWN, OLDER = "{monite:*:envelope}", "{monite:envelope}"


@contextmanager
def unreadable(server: RedisServer, envelope: str = OWN) -> Iterator[None]:
    """Have another program overwrite an envelope meanwhile."""
    (key,) = server.admin.scan_iter(match=envelope)
    content: Any = server.admin.dump(key)
    server.admin.set(key, "something else")
    yield
    server.admin.restore(key, 0, content, replace=True)


@pytest.fixture
def ground(server):
    return LiveGround(server.url)


def values(server: RedisServer, pattern: str) -> dict[bytes, bytes]:
    admin: Any = server.admin
    return {key: admin.get(key) for key in admin.scan_iter(match=pattern)}


def opened_by(server: RedisServer, key) -> int:
    """Count the copies that a key opens."""
    contents = [content_of(copy) for copy in values(server, COPIES).values()]
    return sum(Envelope([key]).open(each) is not None for each in contents)


def put(driver, numbers) -> None:
    for number in numbers:
        driver.put(f"token-{number}", *user(number))


def peeked(driver, numbers) -> bool:
    """Say whether users are handed what `put` has put."""
    return all(driver.peek(*user(number)) == f"token-{number}" for number in numbers)


def by_shard(driver, numbers) -> list[list[int]]:
    """Return users by their shards, in the order of these."""
    shards: dict[int, list[int]] = {}
    for number in numbers:
        shards.setdefault(driver.store._keys._vault.home(user(number)[0].user)[0], []).append(number)
    return [shards[shard] for shard in sorted(shards)]


def elsewhere(driver) -> int:
    """Return a user who is in another shard than Alice: which one that is depends on the store's names, and they are random."""
    home = driver.store._keys._vault.home
    return next(each for each in range(100) if home(user(each)[0].user)[0] != home(ALICE.user_id)[0])


def test_promise_11_a_fresh_process_does_without_the_envelope(server, ground, form, drive):
    driver = drive(ground, form)
    put(driver, range(5))
    used = len(values(server, STAMPS))
    with unreadable(server):
        fresh = drive(ground, form)
        assert peeked(fresh, range(5))
        put(fresh, range(5, 60))  # some are the first in their shards
        assert peeked(driver, range(60))
        assert fresh.run(fresh.ops.end_session(user(3)[1])) == 1
        assert driver.peek(*user(3)) is None
        assert peeked(drive(ground, form), range(5, 60))
    assert driver.pending() == ["token-3"]
    assert opened_by(server, KEY) == len(values(server, STAMPS)) > used


def test_an_account_that_is_new_needs_its_envelope(server, ground, form, drive):
    drive(ground, form, account="other").put("t")
    fresh = drive(ground, form)
    older = b"{monite:envelope}"
    server.admin.set(older, "something else")
    before = server.content()
    with pytest.raises(StoreUnavailable):
        fresh.put("mine")
    assert server.content() == before
    server.admin.delete(older)
    fresh.put("mine")
    assert fresh.peek() == "mine"


def test_promise_9_without_the_envelope_no_key_is_taken_out(server, ground, form, drive):
    put(drive(ground, form, keys=[KEY]), range(1))
    put(drive(ground, form, keys=[OTHER_KEY, KEY]), range(1, 60))
    assert opened_by(server, OTHER_KEY) > 1
    with unreadable(server):
        before = server.content()
        fresh = drive(ground, form, keys=[OTHER_KEY])
        with pytest.raises(StoreUnavailable):
            put(fresh, [60])
        assert server.content() == before
    assert peeked(fresh, range(60))


def test_a_shard_that_has_heard_of_a_renewal_tells_others_while_the_envelope_cannot_be_read(
    server, ground, form, drive
):
    drive(ground, form, keys=[KEY]).peek()
    both = drive(ground, form, keys=[OTHER_KEY, KEY])
    put(both, range(60))
    stale, *others = by_shard(both, range(60))
    new = drive(ground, form, keys=[OTHER_KEY])
    assert peeked(new, [each for shard in others for each in shard])
    assert len(set(values(server, STAMPS).values())) == 2
    with unreadable(server):
        fresh = drive(ground, form, keys=[OTHER_KEY, KEY])  # it opens the copy in the stale shard first
        for driver in (fresh, both):
            assert peeked(driver, range(60))
        fresh.put("anew", *user(stale[0]))
        assert set(values(server, STAMPS).values()) == {new.store._keys._vault.stamp.encode()}
    assert new.peek(*user(stale[0])) == "anew"


def test_a_shard_of_an_unknown_data_key_is_left_as_it_is_while_the_envelope_cannot_be_read(
    server, ground, form, drive
):
    drive(ground, form, keys=[KEY]).peek()
    both = drive(ground, form, keys=[OTHER_KEY, KEY])
    put(both, range(3))
    new = drive(ground, form, keys=[OTHER_KEY])
    assert new.pending() == []  # which visits all shards
    server.admin.delete(*values(server, COPIES))  # as an older version has left it, which knows no copies
    with unreadable(server):
        before = server.content()
        for driver in (both, drive(ground, form, keys=[OTHER_KEY, KEY])):
            with pytest.raises(StoreUnavailable):
                driver.peek(*user(0))
        assert server.content() == before
    assert peeked(both, range(3))


@pytest.mark.parametrize("when", [1, 2, 3])
def test_promise_6_a_process_that_adopts_a_shard_gives_way_to_one_that_has_renewed_the_key_meanwhile(
    server, ground, form, drive, when
):
    first = drive(ground, "blocking", keys=[KEY])
    first.put("mine")
    somebody = user(elsewhere(first))
    first.put("t", *somebody)
    asked = [math.inf]  # how often the keys are still to be asked for until others come in between

    def keys():
        asked[0] -= 1
        if asked[0] == 0:  # as another process does, just before these are read
            drive(ground, "blocking", keys=[THIRD_KEY, OTHER_KEY]).peek()
            drive(ground, "blocking", keys=[THIRD_KEY]).put("newest", *somebody)
        return (OTHER_KEY, KEY, THIRD_KEY)

    slow = drive(ground, form, keys=keys)
    slow.peek()
    drive(ground, "blocking", keys=[OTHER_KEY]).peek()
    slow.peek()  # it has the renewed data key, and the shard of the other user has the first one
    asked[0] = when
    assert slow.peek(*somebody) == "newest"
    assert asked[0] <= 0
    newest = drive(ground, form, keys=[THIRD_KEY])
    assert newest.run(newest.ops.end_session(somebody[1])) == 2
    assert sorted(newest.pending()) == ["newest", "t"]


GARBAGE = (b"", b"\xff\xfe", b"%b", b"%b ", b"%b a=zz", b"%b =", b"%b a=00 names=00", b"%b \xff=00")


@pytest.mark.parametrize("garbage", [*GARBAGE, None], ids=repr)
def test_promise_11_what_is_no_copy_is_passed_over_and_replaced(server, ground, form, drive, garbage):
    driver = drive(ground, form)
    put(driver, range(60))
    stamps = values(server, STAMPS)
    for key in sorted(values(server, COPIES))[:-1]:
        if garbage is None:
            server.admin.delete(key)
            server.admin.hset(key, "something", "else")
        else:
            server.admin.set(key, garbage.replace(b"%b", stamps[key.replace(b"envelope", b"key")]))
    with unreadable(server):
        assert peeked(drive(ground, form), range(60))
    if garbage is None or not garbage.startswith(b"%b"):
        assert driver.pending() == []
        assert opened_by(server, KEY) == len(stamps)


def test_promise_11_a_shard_that_cannot_be_read_is_passed_over(server, ground, form, drive):
    driver = drive(ground, form)
    put(driver, range(60))
    unlucky, *others = by_shard(driver, range(60))
    stamp = min(values(server, STAMPS))
    server.admin.delete(stamp)
    server.admin.hset(stamp, "something", "else")
    with unreadable(server):
        fresh = drive(ground, form)
        assert peeked(fresh, [each for shard in others for each in shard])
        with pytest.raises(StoreUnavailable):
            fresh.peek(*user(unlucky[0]))


def test_shards_from_before_they_had_copies_get_them(server, ground, form, drive):
    driver = drive(ground, form)
    put(driver, range(60))
    used = values(server, COPIES)
    server.admin.delete(*used)
    with unreadable(server):
        with pytest.raises(StoreUnavailable):
            drive(ground, form).peek()
        driver.run(driver.ops.end_session(user(0)[1]))
        assert driver.pending() == ["token-0"]  # whoever knows the data key does without
        assert peeked(drive(ground, form), range(1, 60))
    assert opened_by(server, KEY) == len(used)


def test_promise_9_a_key_that_was_taken_out_opens_no_copy(server, ground, form, drive):
    put(drive(ground, form, keys=[KEY]), range(60))
    used = opened_by(server, KEY)
    assert used == len(values(server, STAMPS))
    drive(ground, form, keys=[OTHER_KEY, KEY]).peek()
    after = drive(ground, form, keys=[OTHER_KEY])
    assert after.pending() == []
    assert opened_by(server, KEY) == 0
    assert opened_by(server, OTHER_KEY) == used


def test_a_store_with_content_from_before_accounts_has_no_copies(server, ground, form, drive):
    put(drive(ground, form), range(10))
    for key in server.content():  # as an older version has left it: with the prefix alone
        server.admin.rename(key, re.sub(rb"\{monite:[\w-]{22}:", b"{monite:", key))
    account = drive(ground, form, keys=[OTHER_KEY])
    account.put("t")
    with unreadable(server, OLDER), pytest.raises(StoreUnavailable):
        drive(ground, form, keys=[OTHER_KEY]).peek()
    owner = drive(ground, form, keys=[OTHER_KEY, KEY])  # what is older is its own from now on
    assert peeked(owner, range(10))
    assert owner.pending() == []
    with unreadable(server, OLDER), pytest.raises(StoreUnavailable):
        drive(ground, form, keys=[OTHER_KEY, KEY]).peek()
    assert peeked(drive(ground, form, keys=[OTHER_KEY, KEY]), range(10))
