"""A creation of an entity that broke off gives nobody else a right to it, and wedges nothing."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from monite_auth import Principal, TokenBroker, errors
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Fault
from monite_auth.provisioning import EntityProfile, ProvisioningDirectory
from tests.core.provisioning.app import CAFE
from tests.core.provisioning.form import companies, create_by_other_means, profile_of
from tests.scripted import settings
from tests.waiting import PATIENCE, until

OWNER, STRANGER = Principal("ida", tenant="cafe"), Principal("eve", tenant="rival")


class JustBefore(Mapping[str, Any]):
    """More fields of an entity, none: something happens when the request is built."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens

    def __iter__(self) -> Iterator[str]:
        self._happens()
        return iter(())

    def __len__(self) -> int:
        return 0

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)


def meeting(emulator, **fault: Any) -> EntityProfile:
    """Return a company whose creation meets with trouble."""
    trouble = Fault(path="/entities", times=1, **fault)
    return replace(CAFE, more=JustBefore(lambda: emulator.monite.faults.add(trouble)))


@pytest.fixture
def store(tmp_path):
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def create(open_form, emulator, call, store):
    """Have somebody create the company, whose answer from Monite is cut."""

    def broken_off(principal: Principal, cut: str) -> None:
        with pytest.raises(errors.MoniteUnavailable):
            call(open_form(meeting(emulator, kind=cut), store_url=store), "find", principal)

    return broken_off


def test_promise_2_an_entity_whose_answer_was_lost_is_found_by_its_creator(
    create, open_form, emulator, call, store
):
    create(OWNER, "cut_after")
    (created,) = companies(emulator)
    app = open_form(store_url=store)
    with pytest.raises(errors.ProvisioningFailed):
        call(app, "find", STRANGER)
    assert call(app, "plan", OWNER)[0].startswith("Join the entity")
    assert call(app, "find", Principal("otto", tenant="cafe")).entity_id == created.id
    assert call(app, "find", OWNER).entity_id == created.id
    with pytest.raises(errors.ProvisioningFailed):
        call(app, "find", STRANGER)
    assert len(companies(emulator)) == 1


def test_promise_1_a_creation_that_came_to_nothing_gives_no_right_to_anothers_entity(
    create, open_form, emulator, call, store
):
    """The stranger's request never got through; then the company's own people come."""
    create(STRANGER, "cut_before")
    assert companies(emulator) == []
    create(OWNER, "cut_after")
    app = open_form(store_url=store)
    with pytest.raises(errors.ProvisioningFailed):
        call(app, "find", STRANGER)
    assert call(app, "find", OWNER).entity_id == companies(emulator)[0].id
    with pytest.raises(errors.ProvisioningFailed):
        call(app, "find", STRANGER)


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 403}, {"kind": "throttle", "retry_after": 4}])
def test_promise_1_a_refused_creation_leaves_no_note(open_form, emulator, call, fault, store):
    with pytest.raises((errors.ProvisioningFailed, errors.RateLimited)):
        # The deadline is shorter than the wait that Monite asks for, and no shorter than a busy machine needs.
        call(open_form(meeting(emulator, **fault), store_url=store, deadline=3.5), "find", STRANGER)
    create_by_other_means(emulator)
    with pytest.raises(errors.ProvisioningFailed, match="has not noted"):
        call(open_form(store_url=store), "find", STRANGER)


def _create_and_die(changes, reached, go):
    ours = settings(client_id=DEMO_CLIENT_ID, client_secret=DEMO_CLIENT_SECRET, **changes)
    company = replace(CAFE, more=JustBefore(lambda: (reached.set(), go.wait(PATIENCE))))
    directory = ProvisioningDirectory(lambda principal: profile_of(principal, company))
    TokenBroker(ours, directory)
    directory.find(OWNER)


def test_promise_6_a_process_that_dies_between_creation_and_note_wedges_nothing(open_form, emulator, store):
    spawn = multiprocessing.get_context("spawn")
    reached, go = spawn.Event(), spawn.Event()
    changes = {"base_url": emulator.api_url, "store_url": store, "read_timeout": 300, "deadline": 300}
    child = spawn.Process(target=_create_and_die, args=(changes, reached, go))
    child.start()
    assert reached.wait(PATIENCE)
    order = emulator.monite.faults.add(Fault(kind="latency", path="/entities", seconds=300))
    go.set()
    until(lambda: companies(emulator))
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    child.close()
    emulator.monite.faults.remove(order.id)
    app = open_form(store_url=store)
    with pytest.raises(errors.ProvisioningFailed):
        app.find(STRANGER)
    assert app.find(Principal("otto", tenant="cafe")).entity_id == companies(emulator)[0].id
