"""Operations that an event loop left in the middle: Python ends them in any thread, which may hold any lock of ours.

Clients of stores clean up when that happens, and fail, since there is no event loop any more. What they raise must not be taken for an
answer of the store: nothing of ours may go on.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from monite_auth import Principal, TokenBroker
from monite_auth.stores import Claimed
from tests.core.test_left_flows import all_held
from tests.people import PEOPLE
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisCluster, RedisServer
from tests.untidy import untidy

pytestmark = pytest.mark.timeout(60)  # a flow that takes a lock of ours ends never

ANNA, BORIS = (Principal(name, session_id=f"{name}-1") for name in ("anna", "boris"))


@contextmanager
def redis_alone() -> Iterator[tuple[str, list[Any]]]:
    with RedisServer() as server:
        yield server.url, [server]


@contextmanager
def redis_cluster() -> Iterator[tuple[str, list[Any]]]:
    with RedisCluster() as cluster:
        yield cluster.url, cluster.nodes


@contextmanager
def postgres() -> Iterator[tuple[str, list[Any]]]:
    with PostgresServer() as server:
        yield server.url, [server]


@pytest.fixture(params=[redis_alone, redis_cluster, postgres], ids=lambda servers: servers.__name__)
def servers(request):
    with request.param() as found:
        yield found


@pytest.fixture
def broker(servers, emulated):
    with TokenBroker(replace(emulated, store_url=servers[0]), PEOPLE) as broker:
        yield broker


async def commit(broker, claim, token):
    await broker.running.on_loop().store.commit(claim.lease, token)


async def log_out(broker, _claim, _token):
    await broker.running.on_loop().store.end_session(ANNA)


async def peek(broker, claim, _token):
    await broker.running.on_loop().store.peek(claim.lease.slot, ANNA)


@pytest.mark.parametrize("operation", [commit, log_out, peek])
@untidy
def test_promise_6_an_operation_that_is_left_takes_no_lock(broker, servers, operation):
    async def prepare():
        token = await broker.atoken(ANNA)
        slot = broker.running.engine.tokens.slot(BORIS)
        claim = await broker.running.on_loop().store.claim(slot, BORIS, owner="this", seconds=5, min_life=0)
        assert isinstance(claim, Claimed)
        return claim, token

    loop = asyncio.new_event_loop()
    claim, token = loop.run_until_complete(prepare())
    with ExitStack() as all_hang:
        for server in servers[1]:
            all_hang.enter_context(server.paused())
        asking = loop.create_task(operation(broker, claim, token))
        loop.call_later(0.05, loop.stop)  # the command is sent, and nobody answers
        loop.run_forever()
        loop.close()
        assert not asking.done()
        with all_held(broker):
            asking.get_coro().close()
    broker.drain(within=5)
