"""The hot path in Redis: a hit is one round trip, shares few connections, and never has another caller's answer."""

import asyncio
import ctypes
import threading
from collections import Counter
from contextlib import suppress

from monite_auth import Secret
from monite_auth.stores import Busy
from monite_auth.stores.redis.lanes import CONNECTION_LIMITS
from monite_auth.stores.redis.scripts import SCRIPTS
from tests.at_once import in_threads
from tests.stores.harness import Driver
from tests.stores.live import LiveGround, user
from tests.stores.redis.ground import LONGER
from tests.waiting import PATIENCE, until


def test_a_hit_is_one_command_and_one_round_trip(driver, server):
    driver.put("t")
    driver.peek()  # shows the script to the server
    calls, reads = server.calls(), server.admin.info("stats")["total_reads_processed"]
    for _ in range(100):
        assert driver.peek() == "t"
    more = Counter(server.calls())
    more.subtract(calls)
    of_the_script = {"get": 100, "hget": 100, "time": 100, "zscore": 100}
    assert +more == {"evalsha": 100, **of_the_script}
    assert server.admin.info("stats")["total_reads_processed"] - reads <= 102  # and this test's own


def test_a_call_has_its_token_and_its_turn_by_one_command_and_one_round_trip(driver, server):
    driver.put("t")
    driver.peek_in_turn()  # shows the script to the server
    calls, reads = server.calls(), server.admin.info("stats")["total_reads_processed"]
    for _ in range(10):
        found = driver.peek_in_turn()
        assert found.token is not None
        assert found.admission is not None
    more = Counter(server.calls())
    more.subtract(calls)
    assert (+more)["evalsha"] == 10
    assert server.admin.info("stats")["total_reads_processed"] - reads <= 12  # and this test's own


def test_whoever_waits_for_another_process_asks_without_writing_anything(driver, server):
    driver.claim(owner="another process", seconds=PATIENCE)
    assert isinstance(driver.claim(), Busy)  # shows the script to the server, and the session is known
    calls = server.calls()
    for _ in range(100):
        assert isinstance(driver.claim(), Busy)
    more = Counter(server.calls())
    more.subtract(calls)
    of_the_script = {"get": 200, "time": 100, "zscore": 300, "hmget": 100}
    assert +more == {"evalsha": 100, **of_the_script}


def test_promise_1_threads_and_tasks_get_their_own_tokens_only(server, drive):
    driver = drive(LiveGround(server.url), "blocking")
    for number in range(20):
        driver.put(f"token-{number}", *user(number))
    wrong = []

    def peek(number: int) -> None:
        for turn in range(25):
            found = driver.peek(*user((number + turn) % 20))
            if found != f"token-{(number + turn) % 20}":
                wrong.append(found)

    async def apeek(number: int) -> None:
        ops = driver.store.operations(blocking=False)
        for turn in range(5):
            found = await ops.peek(*user((number + turn) % 20))
            if found is None or found.value != Secret(f"token-{(number + turn) % 20}"):
                wrong.append(found)

    async def main() -> None:
        await asyncio.gather(*(apeek(number) for number in range(200)))

    threads = [threading.Thread(target=peek, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    asyncio.run(main())
    for thread in threads:
        thread.join()
    assert wrong == []


async def test_promise_1_cancelled_tasks_leave_no_answer_behind_for_others(server):
    store = LiveGround(server.url).open()
    ops = store.operations(blocking=False)
    driver = Driver(LiveGround(server.url), "blocking")
    for number in range(10):
        driver.put(f"token-{number}", *user(number))
    driver.close()
    seen = Counter()

    async def peek(number: int) -> None:
        found = await ops.peek(*user(number))
        seen[found is not None and found.value == Secret(f"token-{number}")] += 1

    for turn in range(60):
        tasks = [asyncio.create_task(peek(number)) for number in range(10)]
        for _ in range(turn % 12):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert seen[True] >= 300
    assert seen[False] == 0
    await store.aclose()


def test_promise_1_a_thread_that_is_torn_away_leaves_no_answer_behind_for_others(server, drive):
    # As gevent does it: the exception comes out of the wait for the answer.
    class Torn(BaseException):
        pass

    driver = drive(LiveGround(server.url), "blocking")
    for number in range(2):
        driver.put(f"token-{number}", *user(number))

    def be_torn() -> None:
        with suppress(Torn):
            driver.peek(*user(0))

    connections = driver.store._connections().of_threads._stack
    assert len(connections) == 1
    torn = threading.Thread(target=be_torn)
    with server.paused():
        torn.start()
        until(lambda: not connections)
        thread = ctypes.c_ulong(torn.ident)
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(Torn)) == 1
    torn.join()
    assert driver.peek(*user(1)) == "token-1"
    assert driver.peek(*user(0)) == "token-0"


def test_a_crowd_of_threads_shares_a_few_connections(server, drive):
    driver = drive(LiveGround(server.url), "blocking", timeout=LONGER)
    before = len(server.admin.client_list(_type="normal"))
    driver.put("t")
    assert in_threads(50, lambda _: driver.peek()) == ["t"] * 50
    assert len(server.admin.client_list(_type="normal")) - before <= CONNECTION_LIMITS["peek"]


def test_only_what_lua_needs_is_sent():
    assert all(script.source.startswith("#!lua") for name, script in SCRIPTS.items() if name != "info")
    assert max(len(script.source) for script in SCRIPTS.values()) < 9000
