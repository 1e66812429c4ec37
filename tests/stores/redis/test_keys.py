"""Keys of a store in Redis change without loss, and accounts that share a server have keys of their own."""

import re

import pytest

from monite_auth.errors import ConfigurationError
from monite_auth.stores import Priority
from monite_auth.stores.redis.keyspace import NAME
from monite_auth.stores.redis.records import LEASE, TIMES, name_in
from monite_auth.stores.sealing import SealBroken
from tests.stores.harness import ALICE
from tests.stores.redis.ground import KEY, OTHER_KEY, THIRD_KEY, LiveGround, user


def test_a_key_can_be_changed_without_losing_anything(server, form, drive):
    ground = LiveGround(server.url)
    drive(ground, form, keys=[KEY]).put("t")
    both = drive(ground, form, keys=[OTHER_KEY, KEY])
    assert both.peek() == "t"
    new = drive(ground, form, keys=[OTHER_KEY])
    assert new.peek() == "t"
    new.end("u")
    assert both.pending() == ["t", "u"]  # it runs on with the data key of before, and is told
    for key in (KEY, THIRD_KEY):
        with pytest.raises(ConfigurationError, match="MONITE_STORE_KEYS"):
            drive(ground, form, keys=[key]).peek()


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


def test_keys_that_change_while_they_are_being_used_are_asked_for_again(server, form, drive):
    ground, changing, driver = LiveGround(server.url), [], None

    def keys():
        if changing:
            driver.store.reopen()  # as another thread does, just after these were read
            return (KEY,)
        return (OTHER_KEY, KEY)

    driver = drive(ground, form, keys=keys)
    changing.append(True)
    driver.put("t")
    changing.clear()
    assert driver.peek() == "t"
    assert drive(ground, form, keys=[OTHER_KEY]).peek() == "t"


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


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_a_new_account_whose_keys_open_another_one_is_asked_about_the_pair(server, drive, caplog, key):
    ground = LiveGround(server.url)
    for account in ("first", "first", "new", "new"):
        drive(ground, "blocking", account=account, keys=[KEY if account == "first" else key]).peek()
    said = [each for each in caplog.records if "set MONITE_ACCOUNT" in each.getMessage()]
    assert len(said) == (1 if key is KEY else 0)


def test_workers_of_all_configurations_work_side_by_side_while_a_key_is_changed(server, form, drive):
    ground = LiveGround(server.url)
    old = drive(ground, form, keys=[KEY])
    old.put("token-0", *user(0))
    both = drive(ground, form, keys=[OTHER_KEY, KEY])
    both.put("token-1", *user(1))
    # A worker of the old configuration that starts now takes nothing out.
    late = drive(ground, form, keys=[KEY])
    assert late.peek(*user(1)) == "token-1"
    new = drive(ground, form, keys=[OTHER_KEY])
    for number, driver in enumerate((new, both, new, both), start=2):
        driver.put(f"token-{number}", *user(number))
        for each in (new, both):
            for known in range(number + 1):
                assert each.peek(*user(known)) == f"token-{known}"
    both.run(both.ops.end_user("user-0"))
    assert new.pending() == ["token-0"]


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
