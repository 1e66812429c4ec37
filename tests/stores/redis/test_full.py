"""Redis is full (`noeviction`): what can still be read is read, endings are recorded, and only new mints are each process's own."""

from contextlib import contextmanager
from typing import Any

import pytest

from monite_auth import EntityUser, Principal, Settings, TokenBroker
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, serve
from monite_auth.errors import SessionEnded, StoreReadOnly, StoreUnavailable
from tests.stores.harness import ALICE, BOB, BOBS
from tests.stores.live import user

ANNA = Principal("anna", session_id="anna-1")
BERTA = Principal("berta", session_id="berta-1")


@contextmanager
def filled(server):
    server.admin.config_set("maxmemory", 1)
    try:
        yield
    finally:
        server.admin.config_set("maxmemory", 0)


@pytest.fixture
def new_broker(server):
    """Return a function that makes the broker of another process."""
    with serve() as emulator:

        def make(**changes: Any) -> TokenBroker:
            settings = Settings(
                client_id=DEMO_CLIENT_ID,
                client_secret=DEMO_CLIENT_SECRET,
                base_url=emulator.api_url,
                store_url=server.url,
                **changes,
            )
            return TokenBroker(settings, directory=lambda _: EntityUser(ANNA_ID, BAKERY_ID))

        yield make


def test_promise_5_a_session_that_has_ended_is_known_in_every_process_while_redis_is_full(server, new_broker):
    with new_broker() as first, new_broker() as second:
        second.token(ANNA)
        first.logout(ANNA)
        with filled(server), new_broker() as third:
            for broker in (second, third):
                with pytest.raises(SessionEnded):
                    broker.token(ANNA)


def test_promise_5_a_logout_while_redis_is_full_is_heard_of_everywhere(server, new_broker):
    with new_broker(outage_trust=0) as first, new_broker(outage_trust=0) as second:
        assert first.token(ANNA).value == second.token(ANNA).value
        with filled(server):
            first.logout(ANNA)
            assert first.health().waiting == 0
            with pytest.raises(SessionEnded):
                second.token(ANNA)


def test_a_login_while_redis_is_full_is_known_everywhere(server, new_broker):
    with new_broker(outage_trust=0) as first, new_broker(outage_trust=0) as second, filled(server):
        with pytest.raises(StoreUnavailable):
            second.token(BERTA)
        first.login(BERTA)
        assert second.token(BERTA).value.reveal()
        assert second.health().store == "degraded"


def test_whatever_needs_no_new_room_works_in_shards_that_nobody_has_used(driver, server):
    driver.put("t")
    with filled(server):
        for number in range(50):
            slot, principal = user(number)
            assert driver.peek(slot, principal) is None
            driver.run(driver.ops.session_state(principal))
            driver.run(driver.ops.begin_session(principal))
            assert driver.run(driver.ops.end_session(principal)) == 0
        with pytest.raises(StoreReadOnly):
            driver.claim(slot=BOBS, principal=BOB)
        driver.store.reopen()
        assert driver.peek() == "t"
        assert driver.run(driver.ops.end_session(ALICE)) == 1
