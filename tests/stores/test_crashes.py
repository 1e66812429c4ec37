"""A server that crashes has kept what it has answered, where it is set up for that."""

from functools import partial

import pytest

from monite_auth.errors import StoreUnavailable
from monite_auth.stores import Priority
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer
from tests.stores.harness import ALICE, BOB, BOBS, HOME
from tests.stores.live import LiveGround

SERVERS = {
    "redis": partial(RedisServer, "--appendonly", "yes", "--appendfsync", "always"),
    "postgres": partial(PostgresServer, fsync="on"),
}


@pytest.mark.parametrize("kind", SERVERS)
def test_promise_6_a_pending_revocation_survives_a_crash_of_its_server(kind, form, drive):
    with SERVERS[kind]() as server:
        driver = drive(LiveGround(server.url), form)
        driver.end("t")
        driver.put("live")
        driver.run(driver.ops.end_session(BOB))
        server.kill()
        for operation in (
            driver.ops.peek(HOME, ALICE),
            driver.ops.end_session(ALICE),
            driver.ops.due(1, seconds=1),
            driver.ops.admit(Priority.USER, None, patience=1),
        ):
            with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
                driver.run(operation)
            assert caught.value.__cause__ is caught.value.__context__ is None
        server.start()
        assert driver.peek() == "live"
        assert driver.has_ended(BOB, slot=BOBS)
        assert driver.pending() == ["t"]
