"""When one read answers all who ask the same on an event loop: if it begins after they have asked."""

import asyncio

from monite_auth.stores.postgres.coalesced_reads import CoalescedReads
from tests.slow_proxy import SlowProxy
from tests.stores.harness import ALICE, HOME
from tests.stores.live import LiveGround
from tests.untidy import untidy
from tests.waiting import auntil


class Readers:
    """Callers on one event loop. A read takes until `answer` is called, and brings what the `server` has when it begins."""

    def __init__(self):
        self.reads, self.server = CoalescedReads(), "a token"
        self.began, self.answers = [], []

    async def call(self, what="slot"):
        async def read():
            self.began.append(what)
            found, answer = [(self.server,)], asyncio.get_running_loop().create_future()
            self.answers.append(answer)
            failure = await answer
            if failure is not None:
                raise failure
            return found

        return await self.reads.rows(what, read)

    async def callers(self, many, what="slot"):
        """Have some callers come; return when each of them reads, or waits."""
        tasks = [asyncio.create_task(self.call(what)) for _ in range(many)]
        await asyncio.sleep(0)
        return tasks

    async def answer(self, failure=None):
        """Answer the read that has begun last; return when whoever waits has noticed."""
        self.answers[-1].set_result(failure)
        await settled()


async def settled():
    for _ in range(10):  # rounds of the loop: more than it takes from an answer to the next read
        await asyncio.sleep(0)


def on_a_loop(test):
    def run():
        asyncio.run(test(Readers()))

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@on_a_loop
async def test_promise_5_who_comes_after_a_read_has_begun_does_not_take_its_answer(readers):
    (early,) = await readers.callers(1)
    readers.server = "nothing any more"
    (late,) = await readers.callers(1)
    await readers.answer()
    await readers.answer()
    assert (await early, await late) == ([("a token",)], [("nothing any more",)])


@on_a_loop
async def test_all_who_come_while_a_read_is_under_way_share_the_next(readers):
    callers = await readers.callers(50)
    await readers.answer()
    callers += await readers.callers(50)
    await readers.answer()
    await readers.answer()
    assert await asyncio.gather(*callers) == [[("a token",)]] * 100
    assert len(readers.began) == 3


@on_a_loop
async def test_who_comes_alone_reads_at_once_and_leaves_nothing_behind(readers):
    for number in range(3):
        (caller,) = await readers.callers(1)
        assert len(readers.began) == number + 1
        await readers.answer()
        await caller
        assert not readers.reads._reads


@on_a_loop
async def test_promise_1_who_asks_for_something_else_waits_for_nobody(readers):
    one, other = await readers.callers(1, "one"), await readers.callers(1, "other")
    assert readers.began == ["one", "other"]
    for answer in readers.answers:
        answer.set_result(None)
    await asyncio.gather(*one, *other)


@on_a_loop
async def test_where_the_one_that_reads_is_cancelled_the_next_one_reads(readers):
    first, *others = await readers.callers(4)
    await readers.answer()
    await first
    others[0].cancel()  # it reads for all three
    await settled()
    late = await readers.callers(1)
    assert len(readers.began) == 3
    await readers.answer()
    await readers.answer()
    assert await asyncio.gather(*others[1:], *late) == [[("a token",)]] * 3
    assert others[0].cancelled()


@on_a_loop
async def test_one_that_is_cancelled_while_it_waits_disturbs_nobody(readers):
    first, *others = await readers.callers(4)
    others[0].cancel()
    await readers.answer()
    await readers.answer()
    assert await asyncio.gather(first, *others[1:]) == [[("a token",)]] * 3
    assert len(readers.began) == 2
    assert not readers.reads._reads


@on_a_loop
async def test_a_read_that_fails_answers_all_who_are_there_and_nobody_later(readers):
    callers = await readers.callers(3)
    await readers.answer(OSError("the server hangs"))
    for each in await asyncio.gather(*callers, return_exceptions=True):
        assert isinstance(each, OSError)
    assert len(readers.began) == 1
    (later,) = await readers.callers(1)
    await readers.answer()
    assert await later == [("a token",)]


@untidy
def test_readers_that_a_closed_loop_has_left_end_without_it():
    readers, loop = Readers(), asyncio.new_event_loop()
    callers = loop.run_until_complete(readers.callers(3))
    loop.close()
    for each in callers:
        each.get_coro().close()
    assert not readers.reads._reads


def test_promise_5_a_logout_elsewhere_counts_for_who_asks_after_it(server, drive):
    elsewhere = drive(LiveGround(server.url), "blocking")
    elsewhere.put("t")

    def reads():
        """Return when the latest of the reads has begun that PostgreSQL has answered."""
        return server.query(
            "SELECT max(query_start) FROM pg_stat_activity WHERE query LIKE 'SELECT token%' AND state = 'idle'"
        )

    with SlowProxy(server.port, delay=0.3) as proxy:
        here = drive(LiveGround(server.url.replace(f":{server.port}", f":{proxy.port}")), "async").store

        async def main():
            ops = here.operations(blocking=False)
            assert await ops.peek(HOME, ALICE) is not None
            before = reads()
            early = asyncio.create_task(ops.peek(HOME, ALICE))
            await auntil(lambda: reads() != before)  # its answer is on its way
            elsewhere.run(elsewhere.ops.end_session(ALICE))
            assert await asyncio.gather(*(ops.peek(HOME, ALICE) for _ in range(10))) == [None] * 10
            assert await early is not None

        asyncio.run(main())
