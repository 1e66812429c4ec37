"""The connections of an event loop: a caller takes one that comes back, or opens another; nobody depends on another caller's."""

import asyncio
import gc
import os
import signal
import socket
import threading
from contextlib import contextmanager

import pytest

from monite_auth.errors import StoreUnavailable
from monite_auth.stores.postgres.address import Address
from monite_auth.stores.postgres.connections import LANE_LIMITS
from monite_auth.stores.postgres.loop_connections import LoopConnections
from monite_auth.stores.postgres.statements import statement
from tests.slow_proxy import SlowProxy
from tests.stores.harness import ALICE, HOME
from tests.stores.live import LiveGround
from tests.untidy import untidy
from tests.waiting import PATIENCE, auntil, until

PID = statement("SELECT pg_backend_pid()", "number")
SLEEP = statement(f"SELECT pg_sleep({PATIENCE})", "nothing")

NOWHERE = Address.parse("postgresql://admin@127.0.0.1:1/postgres")


@contextmanager
def silent():
    """The address of a host that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Address.parse(f"postgresql://admin@127.0.0.1:{listening.getsockname()[1]}/postgres")


def connections_to(server, **options):
    return LoopConnections(Address.parse(server.url), PATIENCE, **options)


async def pids(connections, many=1):
    """Ask so many times at once; return who has answered each."""
    return [rows[0][0] for rows in await asyncio.gather(*(connections.run(PID, []) for _ in range(many)))]


def open_at(server):
    ((many,),) = server.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'monite-auth'")
    return many


async def busy_on(connections):
    """Have all connections that are there wait for an answer that does not come; return who waits."""
    busy = [asyncio.create_task(connections.run(SLEEP, [])) for _ in range(len(connections._idle))]
    await auntil(lambda: not connections._idle)
    return busy


async def cancel(*tasks):
    for each in tasks:
        each.cancel()
    await asyncio.wait(tasks)


def test_who_finds_none_free_takes_one_that_comes_back_one_after_the_other(server):
    async def main(elsewhere):
        connections = connections_to(server, longest_wait=PATIENCE)
        (first,) = await pids(connections)
        connections.address = elsewhere  # where none would ever be open
        served = []

        async def ask(number):
            assert await pids(connections) == [first]
            served.append(number)

        await asyncio.gather(*(ask(number) for number in range(50)))
        assert served == [*range(50)]
        await connections.aclose()

    with silent() as elsewhere:
        asyncio.run(main(elsewhere))


def test_a_loop_that_needs_more_connections_gets_them_although_each_comes_back_soon(server):
    async def main():
        connections = connections_to(server)
        async with asyncio.timeout(PATIENCE):
            while len(set(await pids(connections, 20))) < LANE_LIMITS["other"]:
                pass
        assert open_at(server) == LANE_LIMITS["other"]
        await connections.aclose()

    asyncio.run(main())


def test_promise_11_a_connection_that_hangs_holds_up_who_has_it_and_nobody_else(server):
    async def main():
        connections = connections_to(server)
        (first,) = await pids(connections)
        busy = await busy_on(connections)
        assert first not in await pids(connections, 50)
        assert not busy[0].done()
        await cancel(*busy)
        await connections.aclose()

    asyncio.run(main())
    server.end_backends()


def test_promise_11_of_fifty_tasks_on_one_slot_one_waits_for_a_backend_that_hangs(server, drive):
    driver = drive(LiveGround(server.url), "async")

    async def main():
        ops = driver.store.operations(blocking=False)

        async def peek(many):
            return [asyncio.create_task(ops.peek(HOME, ALICE)) for _ in range(many)]

        await ops.peek(HOME, ALICE)
        connections = driver.store._of_loops()()
        (pid,) = await pids(connections)
        os.kill(pid, signal.SIGSTOP)
        try:
            tasks = await peek(50)
            await auntil(lambda: sum(each.done() for each in tasks) == 49)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert await asyncio.gather(*tasks) == [None] * 50

    asyncio.run(main())


def test_promise_11_an_opening_that_hangs_holds_up_who_has_begun_it_and_nobody_else(server):
    async def main(elsewhere):
        connections = connections_to(server)
        connections.address = elsewhere
        hanging = asyncio.create_task(connections.run(PID, []))
        await asyncio.sleep(0)  # it opens one
        connections.address = Address.parse(server.url)
        await pids(connections, 20)
        assert not hanging.done()
        await cancel(hanging)
        await connections.aclose()

    with silent() as elsewhere:
        asyncio.run(main(elsewhere))


def test_an_opening_that_fails_is_the_failure_of_who_has_begun_it(server):
    async def main():
        connections = connections_to(server)
        await pids(connections)
        busy = await busy_on(connections)
        connections.address = NOWHERE
        failures = await asyncio.gather(*(pids(connections) for _ in range(3)), return_exceptions=True)
        assert all(isinstance(each, StoreUnavailable) for each in failures)
        assert len({id(each) for each in failures}) == 3
        connections.address = Address.parse(server.url)
        await pids(connections, 20)
        assert not busy[0].done()
        await cancel(*busy)
        await connections.aclose()

    asyncio.run(main())
    server.end_backends()


def test_backends_that_are_ended_amid_a_crowd_cost_nobody_an_error(server):
    async def main():
        connections = connections_to(server)
        for _ in range(10):
            before = await pids(connections, 20)
            server.end_backends()
            assert not {*before} & {*await pids(connections, 50)}
        await connections.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("is_first", ["the cancellation", "the connection"])
def test_one_that_comes_back_in_the_moment_of_a_cancellation_is_not_lost(server, is_first):
    async def main(elsewhere):
        connections = connections_to(server, longest_wait=PATIENCE)
        (first,) = await pids(connections)
        connections.address = elsewhere
        await connections._enter("other")
        link = connections._idle.pop()
        cancelled, other = (asyncio.create_task(pids(connections)) for _ in range(2))
        await auntil(lambda: connections._waiting == 2)

        def give_back():
            connections._idle.append(link)
            connections._leave("other")

        both = [cancelled.cancel, give_back]
        for each in both if is_first == "the cancellation" else reversed(both):
            each()
        assert await other == [first]
        assert cancelled.cancelled()
        assert await pids(connections, 20) == [first] * 20
        await connections.aclose()

    with silent() as elsewhere:
        asyncio.run(main(elsewhere))


def test_nothing_stays_open_where_a_loop_ends_amid_a_crowd(server):
    async def main(rounds):
        connections = connections_to(server)
        crowd = [asyncio.create_task(pids(connections)) for _ in range(20)]
        for _ in range(rounds):
            await asyncio.sleep(0)
        await cancel(*crowd)
        await connections.aclose()

    gc.collect()
    gc.disable()  # what is closed later than it could be would stay for long in an application
    try:
        for rounds in range(40):
            asyncio.run(main(rounds))
        until(lambda: open_at(server) == 0)
    finally:
        gc.enable()


@untidy
def test_who_waits_on_a_loop_that_is_closed_ends_without_it(server):
    async def begin(connections):
        crowd = [asyncio.create_task(connections.run(PID, [])) for _ in range(20)]
        await auntil(lambda: connections._waiting)
        return crowd

    loop = asyncio.new_event_loop()
    connections = connections_to(server)
    crowd = loop.run_until_complete(begin(connections))
    loop.close()
    for each in crowd:
        each.get_coro().close()
    assert (connections._waiting, connections._inside) == (0, 0)
    until(lambda: not any(each.name == "monite_auth_postgres" for each in threading.enumerate()))


def test_promise_5_a_logout_elsewhere_counts_for_who_asks_after_it(server, drive):
    elsewhere = drive(LiveGround(server.url), "blocking")
    elsewhere.put("t")

    def last_read():
        """Return when the latest of the reads has begun that PostgreSQL has answered."""
        return server.query(
            "SELECT max(query_start) FROM pg_stat_activity WHERE query LIKE 'SELECT token%' AND state = 'idle'"
        )

    with SlowProxy(server.port, delay=0.1) as proxy:
        here = drive(LiveGround(server.url.replace(f":{server.port}", f":{proxy.port}")), "async").store

        async def main():
            ops = here.operations(blocking=False)
            assert await ops.peek(HOME, ALICE) is not None
            before = last_read()
            early = asyncio.create_task(ops.peek(HOME, ALICE))
            await auntil(lambda: last_read() != before)  # its answer is on its way
            elsewhere.run(elsewhere.ops.end_session(ALICE))
            assert await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(10))) == [None] * 10
            assert await early is not None

        asyncio.run(main())
