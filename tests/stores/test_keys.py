"""Keys of a store on a server change without loss, and accounts that share it have keys of their own."""

import pytest

from monite_auth.errors import ConfigurationError
from tests import postgres_server, redis_server
from tests.stores.live import KEY, OTHER_KEY, THIRD_KEY, LiveGround, user

SERVERS = {
    "redis": (redis_server.RedisServer, redis_server.emptied),
    "postgres": (postgres_server.PostgresServer, postgres_server.emptied),
}


@pytest.fixture(scope="module", params=SERVERS)
def kind(request):
    start, emptied = SERVERS[request.param]
    with start() as running:
        yield running, emptied


@pytest.fixture
def server(kind):
    running, emptied = kind
    return emptied(running)


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
