"""Valkey, by its own clock: every operation, and what two processes do with it."""

from dataclasses import replace
from typing import Any

import pytest

from monite_auth import EntityUser, Principal, RedisStore, Secret, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, Fault
from monite_auth.stores import Busy, Claimed, Cooldown, CoolingDown, Ended, Hit, Priority, Store
from tests.redis_server import RedisServer, valkey_server
from tests.stores.harness import AGAIN, ALICE, BOB, BOBS, FORMS, HOME, Driver, Ground
from tests.waiting import PATIENCE, until


class ValkeyGround(Ground):
    """A server with a clock of its own."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server

    def clock(self) -> float:
        seconds, micros = self.server.admin.time()
        return float(seconds + micros / 1e6)

    def open(self, **options: Any) -> Store:
        return RedisStore(self.server.url, keys=(Secret("a key of the tests, long enough"),), **options)


@pytest.fixture(scope="module")
def server():
    with RedisServer("--appendonly", "yes", program=valkey_server()) as running:
        yield running


@pytest.fixture(params=FORMS)
def driver(request, server):
    server.admin.flushall()
    made = Driver(ValkeyGround(server), request.param)
    yield made
    made.close()


def test_it_is_valkey(server):
    assert server.admin.info("server")["server_name"] == "valkey"


def test_every_operation_does_what_it_should(driver):
    ops, run = driver.ops, driver.run
    lease = driver.lease(owner="one", seconds=PATIENCE)
    assert isinstance(driver.claim(owner="two"), Busy)
    assert driver.commit(lease, "first") is True
    assert driver.peek() == "first"
    assert isinstance(driver.claim(owner="two"), Hit)

    run(ops.discard(HOME, driver.token("first").fingerprint))
    assert driver.peek() is None
    lease = driver.lease(owner="two")
    assert driver.commit(lease, "second") is True
    assert run(ops.status("alice")).live == 1

    abandoned = driver.claim(owner="one", slot=BOBS, principal=BOB)
    assert isinstance(abandoned, Claimed)
    run(ops.abandon(abandoned.lease, Cooldown(seconds=60, code="monite_unavailable", message="down")))
    cooling = driver.claim(owner="two", slot=BOBS, principal=BOB)
    assert isinstance(cooling, CoolingDown)
    assert 0 < cooling.retry_in <= 60

    run(ops.put_note("alice", "link", "somebody", seconds=60))
    assert run(ops.get_note("alice", "link")) == "somebody"
    run(ops.delete_note("alice", "link"))
    assert run(ops.get_note("alice", "link")) is None

    assert run(ops.end_session(ALICE)) == 2
    assert driver.peek() is None
    assert isinstance(driver.claim(principal=ALICE), Ended)
    assert run(ops.backlog()) == 2
    one, two = (run(ops.due(1, seconds=60)).batch[0] for _ in range(2))
    run(ops.settle(one))
    run(ops.postpone(two, 0))
    assert [each.attempts for each in run(ops.due(9, seconds=60)).batch] == [1]
    assert run(ops.backlog()) == 1

    driver.put("third", principal=AGAIN)
    assert run(ops.relink("alice")) == 1
    driver.put("fourth", principal=AGAIN)
    assert run(ops.end_user("alice")) == 1
    assert isinstance(driver.claim(principal=AGAIN), Ended)

    assert run(ops.admit(Priority.USER, None, patience=60)).wait == 0
    run(ops.hold(30))
    assert 0 < run(ops.admit(Priority.USER, None, patience=60)).wait <= 31


def test_a_logout_in_one_process_holds_in_the_other_and_survives_a_crash(server, emulated, emulator):
    server.admin.flushall()  # what is sealed there is sealed with other keys
    settings = replace(emulated, store_url=server.url)
    anna = Principal("anna", session_id="anna-1")
    people = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}
    with TokenBroker(settings, people) as one, TokenBroker(settings, people) as two:
        assert one.token(anna).fingerprint == two.token(anna).fingerprint
        emulator.monite.faults.add(Fault(kind="status", status=503, path="/auth/revoke"))
        two.logout(anna)
        until(lambda: (one.drain().next_in or 99) < 10)  # nobody is at work on it
        server.kill()
        server.start()
        emulator.monite.faults.clear()
        until(lambda: not emulator.monite.ledger.live())
        with pytest.raises(errors.SessionEnded):
            one.token(anna)
