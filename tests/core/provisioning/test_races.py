"""Many threads, tasks and processes that need the same person at once create that person once."""

import asyncio
from dataclasses import replace

import pytest

from monite_auth import Principal
from monite_auth.emulator import BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.at_once import in_processes, in_threads
from tests.core.provisioning.app import AUDITOR, CAFE, NINA, PROFILE, App, roles, users
from tests.scripted import settings

NEW = replace(PROFILE, role=AUDITOR)


def test_promise_2_of_many_threads_one_creates(app, monite):
    app.profiles["nina"] = NEW
    found = in_threads(16, lambda number: app.directory.find(Principal("nina", session_id=f"s-{number}")))
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
    found = in_threads(12, lambda number: apps[number].directory.find(NINA))
    assert len(set(found)) == 1
    assert (len(users(monite)), len(roles(monite))) == (1, 1)


def _process(begin, _number, changes, profile, count):
    ours = settings(client_id=DEMO_CLIENT_ID, client_secret=DEMO_CLIENT_SECRET, **changes)
    app = App(ours, {f"user-{number}": profile for number in range(count)} | {"nina": profile})

    def token(number):
        user_id = "nina" if number % 2 else f"user-{number}"
        return app.broker.token(Principal(user_id, tenant="cafe"))

    with app.broker:
        begin()
        return [token.entity_user for token in in_threads(count, token)]


@pytest.mark.parametrize("entity", [BAKERY_ID, CAFE])
def test_promise_2_of_many_processes_one_creates(emulated, monite, tmp_path, entity):
    """Nobody, no role and, the second time, no entity is there before."""
    shared = {"base_url": emulated.base_url, "store_url": f"sqlite:///{tmp_path}/store.db"}
    found = in_processes(4, _process, shared, replace(NEW, entity=entity), 8)
    assert len({person for each in found for person in each}) == 1
    assert (len(users(monite)), len(roles(monite))) == (1, 1)
    assert len([each for each in monite.directory.entities.all() if each.name == "Corner Café GmbH"]) == (
        entity is CAFE
    )
