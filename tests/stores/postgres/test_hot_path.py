"""The hot path in PostgreSQL: a hit is one statement, uses two indexes, and never has another caller's answer."""

import asyncio

from monite_auth import Secret
from monite_auth.stores import Busy
from monite_auth.stores.postgres.connections import LANE_LIMITS
from monite_auth.stores.postgres.tokens import PEEK_BY_SESSION
from tests.at_once import in_threads
from tests.postgres_server import PostgresServer
from tests.stores.live import LiveGround, user
from tests.waiting import until


def test_a_hit_is_one_statement_that_reads_two_indexes(server, form, drive):
    driver = drive(LiveGround(server.url), form)
    driver.put("t")
    text = PEEK_BY_SESSION.text.decode()
    server.query("ANALYZE monite_auth.tokens, monite_auth.sessions")
    server.query("SET enable_seqscan = off")  # of one row each, PostgreSQL would read the whole tables
    server.query("SET plan_cache_mode = force_generic_plan")
    server.query("DEALLOCATE ALL")
    server.query(f"PREPARE peek AS {text}")
    plan = "\n".join(line for (line,) in server.query("EXPLAIN EXECUTE peek ('a', 'b', 'c')"))
    assert "using tokens_live" in plan
    assert "using sessions_pkey" in plan


def test_whoever_waits_for_another_process_asks_without_writing_anything(driver, server):
    driver.claim(owner="another process", seconds=300)
    until(lambda: driver.claim().mint is not None)  # the session is known now, and that somebody listens
    before = written(server)
    for _ in range(10):
        assert isinstance(driver.claim(), Busy)
    assert written(server) == before


def test_a_call_gets_its_token_and_its_turn_in_one_step(driver):
    assert driver.peek_in_turn() == (None, None)
    driver.put("t")
    found = driver.peek_in_turn()
    assert found.token.value.reveal() == "t"
    assert found.admission.admitted
    assert found.admission.wait == 0


def written(server: PostgresServer) -> object:
    """Return the ID of the next transaction that writes; those that only read get none."""
    return server.query("SELECT pg_snapshot_xmax(pg_current_snapshot())")


def test_promise_1_threads_and_tasks_get_their_own_tokens_only(server, drive):
    driver = drive(LiveGround(server.url), "blocking")
    for number in range(20):
        driver.put(f"token-{number}", *user(number))

    def peek(number: int) -> list[str | None]:
        return [driver.peek(*user((number + turn) % 20)) for turn in range(25)]

    async def apeek(number: int) -> list[str]:
        ops = driver.store.operations(blocking=False)
        found = [await ops.peek(*user((number + turn) % 20)) for turn in range(5)]
        return [each.value.reveal() if each is not None else "" for each in found]

    async def main() -> list[list[str]]:
        return await asyncio.gather(*(apeek(number) for number in range(100)))

    for number, found in enumerate(in_threads(8, peek)):
        assert found == [f"token-{(number + turn) % 20}" for turn in range(25)]
    for number, found in enumerate(asyncio.run(main())):
        assert found == [f"token-{(number + turn) % 20}" for turn in range(5)]
    ((many,),) = server.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'monite-auth'")
    assert many <= sum(LANE_LIMITS.values())  # those of the event loop went with it


def test_a_caller_that_is_cancelled_disturbs_no_other(server, drive):
    driver = drive(LiveGround(server.url), "blocking")
    for number in range(4):
        driver.put(f"token-{number}", *user(number))

    async def main() -> None:
        ops = driver.store.operations(blocking=False)
        for turn in range(50):
            cancelled = [asyncio.ensure_future(ops.peek(*user(number))) for number in range(4)]
            await asyncio.sleep(0 if turn % 2 else 0.0001)
            for each in cancelled:
                each.cancel()
            await asyncio.gather(*cancelled, return_exceptions=True)
            found = await ops.peek(*user(turn % 4))
            assert found is not None
            assert found.value == Secret(f"token-{turn % 4}")

    asyncio.run(main())
