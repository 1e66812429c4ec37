"""The connections of an event loop: a caller takes a new one, or one that another gives back sooner."""

import asyncio
import socket
from contextlib import contextmanager

import pytest

from monite_auth.errors import StoreUnavailable
from monite_auth.stores.postgres.address import Address
from monite_auth.stores.postgres.connections import LANE_LIMITS
from monite_auth.stores.postgres.loop_connections import LoopConnections
from monite_auth.stores.postgres.statements import statement
from tests.slow_proxy import SlowProxy
from tests.waiting import PATIENCE, auntil

PID = statement("SELECT pg_backend_pid()", "number")
SLEEP = statement(f"SELECT pg_sleep({PATIENCE})", "nothing")


@contextmanager
def silent():
    """A host that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield Address.parse(f"postgresql://admin@127.0.0.1:{listening.getsockname()[1]}/postgres")


async def pids(connections, many):
    """Ask so many times at once; return who has answered each."""
    return [rows[0][0] for rows in await asyncio.gather(*(connections.run(PID, []) for _ in range(many)))]


def test_who_finds_none_free_takes_one_that_comes_back_before_another_is_open(server):
    async def main(elsewhere):
        connections = LoopConnections(Address.parse(server.url), PATIENCE)
        (first,) = await pids(connections, 1)
        connections.address = elsewhere
        assert await pids(connections, 20) == [first] * 20
        await connections.aclose()

    with silent() as elsewhere:
        asyncio.run(main(elsewhere))


def test_there_are_no_more_connections_than_may_be_in_use_whoever_is_cancelled(server):
    async def main(proxy):
        there = server.url.replace(f":{server.port}", f":{proxy.port}")
        connections = LoopConnections(Address.parse(there), PATIENCE)
        cancelled = [asyncio.create_task(connections.run(PID, [])) for _ in range(3)]
        await asyncio.sleep(0)  # it waits for one that is being opened
        for each in cancelled:
            each.cancel()  # what is opened for it will do for the next
        for _ in range(5):
            await pids(connections, 20)
        assert proxy.opened <= LANE_LIMITS["other"]
        await connections.aclose()

    with SlowProxy(server.port, delay=0.005) as proxy:
        asyncio.run(main(proxy))


def test_one_that_cannot_be_opened_fails_for_who_waits_and_not_for_who_has_one(server):
    async def main():
        connections = LoopConnections(Address.parse(server.url), PATIENCE)
        await pids(connections, 1)
        busy = asyncio.create_task(connections.run(SLEEP, []))
        await asyncio.sleep(0)  # it has the only one
        connections.address = Address.parse("postgresql://127.0.0.1:1/postgres")
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await pids(connections, 1)
        assert not busy.done()
        busy.cancel()
        await connections.aclose()

    asyncio.run(main())
    server.end_backends()


@pytest.mark.parametrize("is_first", ["the cancellation", "the connection"])
def test_one_that_comes_in_the_moment_of_a_cancellation_is_not_lost(server, is_first):
    async def main(elsewhere):
        connections = LoopConnections(Address.parse(server.url), PATIENCE)
        link = await connections._open()
        connections.address = elsewhere
        cancelled, other = (asyncio.create_task(pids(connections, 1)) for _ in range(2))
        await auntil(lambda: len(connections._waiting) == 2)
        both = [cancelled.cancel, lambda: connections._give_back(link, connections._idle)]
        for each in both if is_first == "the cancellation" else reversed(both):
            each()
        assert await other == [link.backend_pid]
        assert cancelled.cancelled()
        await connections.aclose()

    with silent() as elsewhere:
        asyncio.run(main(elsewhere))


def test_what_is_open_too_late_for_a_close_does_not_stay(server):
    def open_there():
        ((many,),) = server.query(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'monite-auth'"
        )
        return many

    async def main():
        connections = LoopConnections(Address.parse(server.url), PATIENCE)
        cancelled = asyncio.create_task(connections.run(PID, []))
        await asyncio.sleep(0)  # it waits for one that is being opened
        cancelled.cancel()
        await asyncio.wait([cancelled])
        await connections.aclose()
        await auntil(lambda: not connections._openings)
        await auntil(lambda: open_there() == 0)

    asyncio.run(main())
