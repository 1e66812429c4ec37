"""People who are removed leave no entity user and no token; a removal or relink that broke off is finished."""

import asyncio
from dataclasses import replace

import pytest

from monite_auth import MemoryStore, Principal, TokenBroker, errors
from monite_auth.emulator import BAKERY_ID, BOOKS_ID, Fault
from monite_auth.provisioning import ProvisioningDirectory
from monite_auth.stores.memory.operations import MemoryOperations
from tests.core.provisioning.app import AUDITOR, CAFE, NINA, PROFILE, everything, users


def test_a_removal_deletes_the_entity_user_and_revokes_their_tokens(app, monite, call):
    call(app.broker, "token", NINA)
    app.profiles["nina"] = None
    assert call(app.directory, "remove", NINA) is True
    assert users(monite) == []
    with pytest.raises(errors.NotLinked):
        call(app.broker, "token", NINA)
    assert call(app.directory, "remove", NINA) is False


def test_a_person_who_was_never_linked_is_removed_by_their_profile(app, monite, call, open_app):
    open_app(app.settings).directory.find(NINA)
    assert call(app.directory, "remove", NINA) is True
    assert users(monite) == []


def test_nobody_is_created_in_order_to_be_removed(app, monite, call):
    app.change(entity=CAFE, role=AUDITOR)
    before = everything(monite)
    assert call(app.directory, "remove", NINA) is False
    assert everything(monite) == before


def test_a_person_who_is_already_gone_can_be_removed(app, monite, call):
    call(app.broker, "token", NINA)
    monite.remove_user(users(monite)[0])
    assert call(app.directory, "remove", NINA) is False
    assert call(app.broker, "token", NINA).entity_user.entity_user_id == users(monite)[0].id  # linked anew


class RelinkBreaksOff(MemoryOperations):
    """A store whose first relink is broken off before it has done anything."""

    has_broken_off = False

    async def relink(self, user):
        if not self.has_broken_off:
            self.has_broken_off = True
            raise asyncio.CancelledError
        return await super().relink(user)


def test_the_next_call_finishes_a_relink_that_was_broken_off(emulated, open_app, monite, call):
    store = MemoryStore(make_operations=RelinkBreaksOff, requests_per_second=emulated.requests_per_second)
    app = open_app(emulated, store=store)
    call(app.broker, "token", NINA)
    monite.remove_user(users(monite)[0])
    with pytest.raises(asyncio.CancelledError):
        call(app.directory, "update", NINA)
    call(app.directory, "find", NINA)
    token = call(app.broker, "token", NINA)
    assert token.entity_user.entity_user_id == users(monite)[0].id
    call(app.directory, "find", NINA)
    assert call(app.broker, "token", NINA).fingerprint == token.fingerprint  # it is taken away once


def test_the_next_removal_finishes_a_failed_one(app, emulator, monite, call):
    call(app.broker, "token", NINA)
    app.profiles["nina"] = None
    monite.faults.add(Fault(kind="cut_after", path="/entity_users", times=1))
    with pytest.raises(errors.MoniteUnavailable):
        call(app.directory, "remove", NINA)
    assert call(app.directory, "remove", NINA) is False
    with pytest.raises(errors.NotLinked):
        call(app.broker, "token", NINA)


def test_a_refused_removal_is_an_error_and_keeps_the_link(app, monite, call):
    found = call(app.directory, "find", NINA)
    order = monite.faults.add(Fault(kind="status", status=403, path="/entity_users", message="No."))
    with pytest.raises(errors.ProvisioningFailed, match=r"refuses to remove the entity user \(403 'No.'\)"):
        call(app.directory, "remove", NINA)
    monite.faults.remove(order.id)
    assert call(app.directory, "find", NINA) == found


def test_removal_in_one_tenant_leaves_the_others(emulated, monite, call):
    directory = ProvisioningDirectory(lambda principal: replace(PROFILE, entity=str(principal.tenant)))
    bakery, books = (Principal("nina", tenant=each, session_id="s") for each in (BAKERY_ID, BOOKS_ID))
    with TokenBroker(emulated, directory) as broker:
        for principal in (bakery, books):
            call(broker, "token", principal)
        assert call(directory, "remove", bakery) is True
        assert call(broker, "token", books).entity_user.entity_id == BOOKS_ID
    assert [user.entity_id for user in users(monite)] == [BOOKS_ID]
