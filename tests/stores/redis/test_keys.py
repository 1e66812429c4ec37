"""Keys of a store in Redis change without loss, and accounts that share a server have keys of their own."""

import re

import pytest

from monite_auth.errors import ConfigurationError
from monite_auth.stores import Priority
from monite_auth.stores.redis.keyspace import NAME
from monite_auth.stores.redis.records import LEASE, TIMES, name_in
from monite_auth.stores.sealing import SealBroken
from tests.stores.harness import ALICE
from tests.stores.live import KEY, OTHER_KEY, LiveGround, user


def test_keys_that_change_while_a_process_runs_are_asked_for_again(timed, form, drive):
    keys = [KEY]
    driver = drive(timed.ground, form, keys=lambda: tuple(keys))
    driver.put("t")
    keys[:] = [OTHER_KEY, KEY]
    with pytest.raises(ConfigurationError):
        drive(timed.ground, form, keys=[OTHER_KEY]).peek()
    driver.advance(60)
    assert driver.peek() == "t"
    assert drive(timed.ground, form, keys=[OTHER_KEY]).peek() == "t"
    assert driver.peek() == "t"


def test_a_key_that_was_taken_out_opens_nothing_that_is_sealed_later(server, form, drive):
    ground = LiveGround(server.url)
    drive(ground, form, keys=[KEY]).put("before")
    stolen = drive(ground, form, keys=[KEY])
    assert stolen.peek() == "before"
    old_seal = stolen.store._keys._vault._seal
    drive(ground, form, keys=[OTHER_KEY, KEY]).peek()
    new = drive(ground, form, keys=[OTHER_KEY])
    new.put("after", *user(1))
    assert new.peek() == "before"
    record = server.admin.hgetall(
        next(
            key
            for key in server.content()
            if b":user:" in key and new.store._keys._vault.user(user(1)[0].user).encode() in key
        )
    )
    (token,) = (value for field, value in record.items() if field.startswith(b"t"))
    with pytest.raises(SealBroken):
        old_seal.open_token(
            token[TIMES.size + NAME + LEASE :],
            new.store._keys._vault.place(user(1)[0]),
            name_in(token).decode(),
        )


def test_what_is_there_from_before_accounts_belongs_to_the_first_that_opens_it(server, form, drive):
    ground = LiveGround(server.url)
    first = drive(ground, form, account="first")
    first.put("t")
    for key in server.content():  # as an older version has left it: with the prefix alone
        older = re.sub(rb"\{monite:[\w-]{22}:", b"{monite:", key)
        server.admin.rename(key, older)
    other = drive(ground, form, account="other", keys=[OTHER_KEY])
    assert other.peek() is None
    again = drive(ground, form, account="again")
    assert again.peek() == "t"
    late = drive(ground, form, account="late")
    assert late.peek() is None
    late.put("u")
    assert (again.peek(), late.peek()) == ("t", "u")
    again.run(again.ops.end_session(ALICE))
    assert (again.pending(), late.pending()) == (["t"], [])


def test_two_stores_can_share_a_server(server, form, drive):
    ground = LiveGround(server.url)
    one, other = drive(ground, form), drive(ground, form, prefix="other", keys=[OTHER_KEY])
    one.put("t")
    assert other.peek() is None
    other.put("u")
    other.run(other.ops.hold(60))
    assert one.peek() == "t"
    assert one.run(one.ops.admit(Priority.USER, None, patience=1)).wait == 0
