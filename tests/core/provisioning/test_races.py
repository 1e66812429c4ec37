"""Many threads, tasks and processes that need the same person at once create that person once."""

import asyncio
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from monite_auth import Principal
from monite_auth.emulator import BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.core.provisioning.app import AUDITOR, CAFE, NINA, PROFILE, App, roles, users
from tests.scripted import settings


def at_once(count, work):
    """Do `work(number)` in so many threads at the same moment."""
    barrier = threading.Barrier(count)

    def step(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(step, range(count)))


NEW = replace(PROFILE, role=AUDITOR)


def test_promise_2_of_many_threads_one_creates(app, monite):
    app.profiles["nina"] = NEW
    found = at_once(16, lambda number: app.directory.find(Principal("nina", session_id=f"s-{number}")))
    assert len(set(found)) == 1
    assert (len(users(monite)), len(roles(monite))) == (1, 1)


async def test_promise_2_of_many_tasks_one_creates(emulated, monite, open_app):
    app = open_app(emulated, {f"user-{number}": NEW for number in range(30)})
    async with app.broker:
        find = app.broker.aentity_user
        found = await asyncio.gather(*(find(Principal(f"user-{number}")) for number in range(30)))
    assert len(set(found)) == 1
    assert (len(users(monite)), len(roles(monite))) == (1, 1)


def test_promise_2_threads_without_a_shared_store_still_end_with_one(emulated, monite, open_app):
    apps = [open_app(emulated, {"nina": NEW}) for _ in range(12)]
    found = at_once(12, lambda number: apps[number].directory.find(NINA))
    assert len(set(found)) == 1
    assert (len(users(monite)), len(roles(monite))) == (1, 1)


spawn = multiprocessing.get_context("spawn")


def _process(changes, profile, count, start, results):
    ours = settings(client_id=DEMO_CLIENT_ID, client_secret=DEMO_CLIENT_SECRET, **changes)
    app = App(ours, {f"user-{number}": profile for number in range(count)} | {"nina": profile})
    try:
        start.wait(timeout=60)
        found = at_once(
            count,
            lambda number: (
                app.broker.token(
                    Principal("nina" if number % 2 else f"user-{number}", tenant="cafe")
                ).entity_user
            ),
        )
        results.put([(each.entity_user_id, each.entity_id) for each in found])
    except Exception as error:  # noqa: BLE001 - the parent reads what it was
        results.put(repr(error))
    finally:
        app.broker.close()


@pytest.mark.parametrize("entity", [BAKERY_ID, CAFE])
def test_promise_2_of_many_processes_one_creates(emulated, monite, tmp_path, entity):
    """Nobody, no role and, the second time, no entity is there before."""
    shared = {"base_url": emulated.base_url, "store_url": f"sqlite:///{tmp_path}/store.db"}
    start, results = spawn.Barrier(4), spawn.SimpleQueue()
    arguments = (shared, replace(NEW, entity=entity), 8, start, results)
    children = [spawn.Process(target=_process, args=arguments) for _ in range(4)]
    for child in children:
        child.start()
    found = [results.get() for _ in children]
    for child in children:
        child.join()
        child.close()
    results.close()
    assert all(isinstance(each, list) for each in found), found
    assert len({person for each in found for person in each}) == 1
    assert (len(users(monite)), len(roles(monite))) == (1, 1)
    assert len([each for each in monite.directory.entities.all() if each.name == "Corner Café GmbH"]) == (
        entity is CAFE
    )
