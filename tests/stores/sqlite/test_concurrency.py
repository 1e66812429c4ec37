"""Many threads, tasks and processes share one SQLite file: none gets another's token, and none loses anything."""

import asyncio
import itertools
import random
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from monite_auth.engine.runtime import run
from monite_auth.stores import Claimed, Priority
from monite_auth.stores.sqlite import SQLiteStore, connections
from tests.at_once import in_processes
from tests.stores.sqlite.steps import claim, intact, patient_store, principal, python, slot, token


def mixed(store: SQLiteStore, number: int):
    """Return operations of all kinds, on a few slots that everybody wants."""
    operations = store.operations(blocking=False)
    name = f"user-{number % 5}"
    pick = random.Random(number)

    async def flow() -> None:
        for _ in range(6):
            claimed = await operations.claim(
                slot(name), principal(name), owner=str(number), seconds=60, min_life=pick.choice([0, 1e9])
            )
            if isinstance(claimed, Claimed):
                await operations.commit(claimed.lease, token(f"{name} {pick.random()}"))
            found = await operations.peek(slot(name), principal(name))
            assert found is None or found.value.reveal().startswith(name)
            await operations.admit(Priority.USER, None, patience=60)
            if pick.random() < 0.2:
                await operations.relink(name)
            for pending in (await operations.due(2, seconds=60)).batch:
                await operations.settle(pending)

    return flow


def test_promise_1_many_threads_do_not_get_in_each_others_way(path):
    with closing(patient_store(path)) as store:

        def work(number: int) -> None:
            store.operations = lambda *, blocking: SQLiteStore.operations(store, blocking=True)
            run(mixed(store, number)())

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(work, range(32)))
        assert store._connections._open <= connections.IDLE_LIMIT
        assert intact(path)


async def test_promise_1_many_tasks_do_not_get_in_each_others_way(path):
    store = patient_store(path)
    await asyncio.gather(*(mixed(store, number)() for number in range(200)))
    await store.aclose()
    assert intact(path)


def opened(work, path):
    """Return what `work(store, number)` comes to in three processes at the same moment."""
    return in_processes(3, _in_step, work, path)


def _in_step(begin, number, work, path):
    with closing(patient_store(path)) as store:
        begin()
        return work(store, number)


def _claim_all(store, number):
    return [type(claim(store, f"user-{each}", owner=str(number))).__name__ for each in range(50)]


def test_promise_2_of_many_processes_one_claims_a_slot(path):
    """The file is not there before: that all make it together is part of the race."""
    found = opened(_claim_all, path)
    for each in range(50):
        assert Counter(claims[each] for claims in found) == {"Claimed": 1, "Busy": 2}
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM keys").fetchone() == (1,)


def _admit_some(store, _number):
    operations = store.operations(blocking=True)
    admissions = [run(operations.admit(Priority.USER, None, patience=60)) for _ in range(20)]
    return [admission.ticket.moment for admission in admissions]


def test_promise_8_many_processes_keep_to_one_budget(path):
    moments = sorted(moment for found in opened(_admit_some, path) for moment in found)
    assert len(moments) == 60
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert min(gaps) > 0.999 / 30


def _drain(store, _number):
    taken = []
    while batch := run(store.operations(blocking=True).due(2, seconds=60)).batch:
        taken += [pending.token.reveal() for pending in batch]
    return taken


def test_promise_6_every_revocation_is_given_to_one_process(path):
    values = [f"token-{number}" for number in range(100)]
    with closing(patient_store(path)) as store:
        for value in values:
            run(store.operations(blocking=True).commit(claim(store, min_life=1e9).lease, token(value)))
        run(store.operations(blocking=True).end_session(principal("alice")))
    assert sorted(value for taken in opened(_drain, path) for value in taken) == sorted(values)


def test_promise_6_what_was_recorded_survives_kill_9(path):
    code = """
        import sys
        from monite_auth.engine.runtime import run
        from tests.stores.sqlite.steps import claim, patient_store, token

        store = patient_store(sys.argv[1])
        operations = store.operations(blocking=True)
        number = 0
        while True:
            value = f"{sys.argv[2]}-{number}"
            run(operations.commit(claim(store, min_life=1e9).lease, token(value)))
            run(operations.relink("alice"))
            print(value, flush=True)
            number += 1
        """
    recorded = []
    for attempt in range(3):
        with python(code, path, attempt) as process:
            recorded += [process.stdout.readline().strip() for _ in range(20 + 7 * attempt)]
            process.kill()
            recorded += process.stdout.read().splitlines()
    assert len(recorded) >= 81
    assert path.with_name("store.db-wal").exists()
    with closing(patient_store(path)) as store:
        due = run(store.operations(blocking=True).due(100_000, seconds=60)).batch
        assert {pending.token.reveal() for pending in due} >= set(recorded)
    assert intact(path)
