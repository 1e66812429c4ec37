"""Whose fault a wait is: a stalled event loop, a dead connection, and a queue of the process's own are no outage of Redis."""

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from monite_auth import EntityUser, Principal, Settings, TokenBroker
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Monite, serve
from monite_auth.engine.runtime import run
from monite_auth.errors import StoreUnavailable
from monite_auth.stores.redis import RedisStore
from monite_auth.stores.redis.lanes import CONNECTION_LIMITS, LARGEST_LIMITS
from tests.at_once import in_threads
from tests.redis_server import RedisCluster, RedisServer
from tests.slow_proxy import SlowProxy
from tests.stores.harness import ALICE, FORMS, HOME, Driver
from tests.stores.live import KEY, LiveGround
from tests.stores.redis.ground import LONGER
from tests.waiting import until


class StallingLoop(asyncio.SelectorEventLoop):
    """An event loop that can find itself late: by its clock, time has passed in which it did not run."""

    stalled = 0.0

    def time(self) -> float:
        return super().time() + self.stalled


@pytest.mark.parametrize("stalls", [[0.0, 0.0, 0.0, 60.0], [0.3] * 5], ids=["once", "time and again"])
def test_promise_11_a_stalled_event_loop_is_no_outage(server, stalls):
    with SlowProxy(server.port, delay=0.02) as proxy:
        store = RedisStore(proxy.url, keys=(KEY,))
        loop = StallingLoop()

        async def main() -> None:
            ops = store.operations(blocking=False)
            await ops.peek(HOME, ALICE)
            for _ in range(20):
                peek = asyncio.ensure_future(ops.peek(HOME, ALICE))
                for seconds in stalls:
                    await asyncio.sleep(0)
                    loop.stalled += seconds
                await peek
            assert proxy.opened == 1
            await store.aclose()

        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())


@pytest.mark.parametrize("form", FORMS)
def test_promise_11_a_connection_that_died_without_a_word_is_no_outage(server, form, drive):
    with SlowProxy(server.port) as proxy:
        driver = drive(LiveGround(proxy.url), form, timeout=2)
        driver.put("t")
        proxy.silence()
        assert driver.peek() == "t"
        assert driver.peek() == "t"


@pytest.mark.parametrize("form", FORMS)
def test_promise_11_idle_connections_that_died_together_cost_one_retry(server, form, drive):
    with SlowProxy(server.port, delay=0.02) as proxy:
        driver = drive(LiveGround(proxy.url), form, timeout=2)
        driver.put("t")
        peek_at_once(driver, form)
        assert proxy.opened > 2
        proxy.silence()
        assert [driver.peek() for _ in range(30)] == ["t"] * 30
        assert proxy.lost == 1


@pytest.mark.parametrize("form", FORMS)
def test_promise_11_idle_connections_to_a_node_that_died_together_cost_one_retry(cluster, form, drive):
    with proxied(cluster) as (url, proxies):
        driver = drive(LiveGround(url), form, timeout=2)
        driver.put("t")
        peek_at_once(driver, form)
        for proxy in proxies:
            proxy.silence()
        assert [driver.peek() for _ in range(30)] == ["t"] * 30
        # One for the command, and one for each other node that is asked who serves the slots now.
        assert sum(proxy.lost for proxy in proxies) <= len(proxies)


@pytest.mark.parametrize("form", FORMS)
def test_promise_11_many_who_come_first_open_the_store_once(server, form, drive):
    with SlowProxy(server.port, delay=0.02) as proxy:
        before = server.admin.info("commandstats").get("cmdstat_info", {"calls": 0})["calls"]
        peek_at_once(drive(LiveGround(proxy.url), form), form)
        # One asks for the server's version, and this test asked once before.
        assert server.admin.info("commandstats")["cmdstat_info"]["calls"] - before == 2


@pytest.mark.parametrize("form", FORMS)
def test_promise_11_many_who_come_first_to_a_server_that_hangs_wait_for_it_once(server, form):
    with SlowProxy(server.port) as proxy, server.paused():
        store = LiveGround(proxy.url).open(timeout=0.4)
        ops = store.operations(blocking=form == "blocking")

        def fails(_number: int) -> str:
            try:
                run(ops.peek(HOME, ALICE))
            except StoreUnavailable as error:
                return str(error)
            return ""

        async def peek() -> list[str]:
            found = await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(10)), return_exceptions=True)
            await store.aclose()
            return [str(each) for each in found]

        said = asyncio.run(peek()) if form == "async" else in_threads(10, fails)
        assert all("did not answer" in each for each in said)
        assert proxy.opened <= 2
        store.close()


def test_promise_11_many_tasks_look_for_the_nodes_of_a_cluster_that_hangs_once(cluster):
    with proxied(cluster) as (url, proxies):
        store = LiveGround(url).open(timeout=2)
        until(lambda: opens(store))
        opened = sum(proxy.opened for proxy in proxies)

        async def peek() -> list[Any]:
            ops = store.operations(blocking=False)
            found = await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(10)), return_exceptions=True)
            await store.aclose()
            return list(found)

        with ExitStack() as hanging:
            for node in cluster.nodes:
                hanging.enter_context(node.paused())
            assert all(isinstance(each, StoreUnavailable) for each in asyncio.run(peek()))
        assert sum(proxy.opened for proxy in proxies) - opened <= len(proxies)
        store.close()
        until(cluster.is_whole)


def test_promise_11_a_fresh_event_loop_asks_the_next_host_where_one_does_not_answer(cluster):
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(5)]
        hosts = [*(each.getsockname()[1] for each in silent), cluster.nodes[0].port]
        store = LiveGround("redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in hosts)).open(
            timeout=3
        )

        async def main() -> None:
            ops = store.operations(blocking=False)
            assert await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(5))) == [None] * 5
            await store.aclose()

        for _ in range(2):
            asyncio.run(main())


def opens(store: RedisStore) -> bool:
    """Say whether threads can use a store."""
    try:
        run(store.operations(blocking=True).peek(HOME, ALICE))
    except StoreUnavailable:
        return False
    return True


def peek_at_once(driver: Driver, form: str) -> None:
    """Peek from several tasks or threads at once, so that each has a connection."""

    async def peek() -> None:
        await asyncio.gather(*(driver.ops.peek(HOME, ALICE) for _ in range(10)))

    if form == "async":
        driver.run(peek())
    else:
        in_threads(10, lambda _: driver.peek())


@contextmanager
def proxied(cluster: RedisCluster) -> Iterator[tuple[str, list[SlowProxy]]]:
    """Have the nodes of a cluster be reached through proxies, whose ports they announce."""
    with ExitStack() as stack:
        proxies = [stack.enter_context(SlowProxy(node.port, delay=0.02)) for node in cluster.nodes]
        announce(cluster, [proxy.port for proxy in proxies])
        stack.callback(announce, cluster, [node.port for node in cluster.nodes])
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{proxy.port}" for proxy in proxies), proxies


def announce(cluster: RedisCluster, ports: list[int]) -> None:
    """Have nodes announce ports, and wait until all of them have heard of all of them."""
    for node, port in zip(cluster.nodes, ports, strict=True):
        node.admin.config_set("cluster-announce-port", port)

    def known(node: RedisServer) -> set[int]:
        slots: Any = node.admin.execute_command("CLUSTER SLOTS")
        return {port for _first, _last, (_host, port, *_), *_ in slots}

    until(lambda: all(known(node) == set(ports) for node in cluster.nodes))


def test_promise_11_a_queue_of_tasks_is_no_outage(server):
    with SlowProxy(server.port, delay=0.1) as proxy:
        store = LiveGround(proxy.url).open(timeout=2)

        async def main() -> None:
            ops = store.operations(blocking=False)
            await ops.peek(HOME, ALICE)
            await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(500)))
            await store.aclose()

        asyncio.run(main())
        assert CONNECTION_LIMITS["peek"] < proxy.opened <= LARGEST_LIMITS["peek"] + 1


def test_a_queue_at_a_server_nearby_opens_no_more_connections(server):
    store = LiveGround(server.url).open(timeout=LONGER)

    async def main() -> None:
        ops = store.operations(blocking=False)
        await ops.peek(HOME, ALICE)
        before = len(server.admin.client_list(_type="normal"))
        for _ in range(20):
            await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(20)))
        more = len(server.admin.client_list(_type="normal")) - before
        assert more <= CONNECTION_LIMITS["peek"]
        await store.aclose()

    asyncio.run(main())


def test_promise_11_a_queue_of_threads_is_no_outage(server, drive):
    with SlowProxy(server.port, delay=0.1) as proxy:
        driver = drive(LiveGround(proxy.url), "blocking", timeout=2)
        driver.put("t")
        assert in_threads(100, lambda _: driver.peek()) == ["t"] * 100


def test_a_server_that_hangs_fails_all_threads_that_wait_for_a_connection_at_once(server, drive):
    with SlowProxy(server.port) as proxy:
        driver = drive(LiveGround(proxy.url), "blocking", timeout=0.4)
        driver.put("t")
        opened = proxy.opened

        def fails(_number: int) -> None:
            with pytest.raises(StoreUnavailable):
                driver.peek()

        with server.paused():
            in_threads(40, fails)
        assert proxy.opened - opened <= 3 * CONNECTION_LIMITS["peek"]
        until(lambda: driver.peek() == "t")


@pytest.mark.parametrize("seconds", [0.01, 0.05])
def test_promise_11_250_cold_users_before_a_slow_redis_are_served_with_one_mint_each(server, seconds, caplog):
    caplog.set_level(logging.WARNING, "monite_auth")
    monite = Monite(requests_per_second=1_000_000)
    with serve(monite) as emulator, SlowProxy(server.port, delay=seconds) as proxy:
        broker = TokenBroker(
            Settings(
                client_id=DEMO_CLIENT_ID,
                client_secret=DEMO_CLIENT_SECRET,
                base_url=emulator.api_url,
                store_url=proxy.url,
                requests_per_second=1_000_000,
                deadline=60,  # how fast a busy machine mints is not the question
            ),
            directory=lambda _: EntityUser(ANNA_ID, BAKERY_ID),
        )

        async def main() -> None:
            people = [Principal(f"user-{number}", session_id="1") for number in range(250)]
            tokens = await asyncio.gather(*(broker.atoken(each) for each in people))
            assert len({token.value.reveal() for token in tokens}) == 250
            await broker.aclose()

        asyncio.run(main())
        assert "is down" not in caplog.text
        assert len(monite.ledger.tokens) == 250
