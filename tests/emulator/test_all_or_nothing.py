"""A request that is refused leaves the records as they were, in memory, on the disk and for who subscribed."""

import json

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, VIKTOR_ID, serve
from monite_auth.emulator.state.disk import Disk


class RefusedBlock(Exception):
    """What the block raises."""


def change(directory):
    """Create, change twice, amend and delete."""
    directory.table("tags").add("7a9fffff-0000-4000-8000-000000000001", {"name": "new"}, entity_id=BAKERY_ID)
    anna = directory.users.get(ANNA_ID)
    directory.users.change(anna, {"email": "first@elsewhere.example"})
    directory.users.amend(anna, {"email": "second@elsewhere.example"})
    directory.users.remove(directory.users.get(VIKTOR_ID), anna)


def saved(monite):
    return json.dumps([[name, record.saved()] for name, record in monite.directory.saved()])


def test_what_is_refused_is_taken_back_in_its_order(monite):
    body = {
        "object_type": "entity_user",
        "url": "http://127.0.0.1:9/",
        "status": "enabled",
        "event_types": [],
    }
    monite.directory.table("webhook_subscriptions").add("s", {**body, "secret": "whsec_"})
    monite.directory.table("tags")
    before = saved(monite)
    monite.clock.advance(10)
    with pytest.raises(RefusedBlock), monite.lock, monite.directory.all_or_nothing():
        change(monite.directory)
        raise RefusedBlock
    assert saved(monite) == before
    assert monite.directory.table("webhook_deliveries").all() == []


def test_what_is_not_refused_stays(monite):
    with monite.directory.all_or_nothing():
        change(monite.directory)
    assert monite.directory.users.get(ANNA_ID) is None
    assert monite.directory.table("tags").get("7a9fffff-0000-4000-8000-000000000001")


def test_the_disk_has_nothing_of_what_was_refused(monite, tmp_path):
    disk = Disk(tmp_path, monite)
    with pytest.raises(RefusedBlock), monite.directory.all_or_nothing():
        change(monite.directory)
        raise RefusedBlock
    before = saved(monite)
    disk.close()
    with serve(data=tmp_path) as emulator:
        assert saved(emulator.monite) == before
