"""People who are not in Monite yet are found or created once, and remembered."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from monite_auth import EntityUser, Principal, TokenBroker, errors, provisioning
from monite_auth.emulator import ANNA_ID, BAKERY_ID, BOOKS_ID
from monite_auth.emulator.demo.companies import DEFAULT
from monite_auth.provisioning import ProvisioningDirectory
from tests.core.provisioning.app import NINA, PROFILE, everything, role_name, users


def test_provisioning_does_no_io_of_its_own():
    """It has no second runtime: everything goes through the broker's."""
    for file in Path(provisioning.__file__).parent.glob("*.py"):
        imported = set(re.findall(r"^(?:from|import) (\w+)", file.read_text(), re.MULTILINE))
        assert not imported & {"asyncio", "httpx", "httpx2", "threading", "time"}, file.name


def test_somebody_new_is_created_with_their_role_and_gets_a_token(app, monite, call):
    token = call(app.broker, "token", NINA)
    (user,) = users(monite)
    assert token.entity_user == EntityUser(user.id, BAKERY_ID)
    known = {"first_name": "Nina", "last_name": "Novak", "email": "nina@brightside.example"}
    assert known.items() <= user.fields.items()
    assert role_name(monite, user) == "Viewer"
    assert monite.ledger.live(user.id)


def test_somebody_who_is_there_is_found_by_their_login_and_not_created(app, monite, call):
    before = len(everything(monite))
    app.change(login="anna.becker", role="Accountant")
    assert call(app.broker, "entity_user", NINA) == EntityUser(ANNA_ID, BAKERY_ID)
    assert len(everything(monite)) == before


def test_a_found_person_is_remembered_without_asking_monite_again(app, monite, call):
    found = call(app.directory, "find", NINA)
    before = monite.statistics.requests
    assert call(app.directory, "find", NINA) == found
    assert monite.statistics.requests == before


def test_processes_that_share_a_store_share_the_link(emulated, monite, tmp_path, call, open_app):
    shared = replace(emulated, store_url=f"sqlite:///{tmp_path}/store.db")
    found = call(open_app(shared).directory, "find", NINA)
    before = monite.statistics.requests
    assert call(open_app(shared).directory, "find", NINA) == found
    assert monite.statistics.requests == before


def test_a_link_that_was_forgotten_is_found_again(emulated, monite, call, open_app):
    found = call(open_app(emulated).directory, "find", NINA)
    before = everything(monite)
    assert call(open_app(emulated).directory, "find", NINA) == found
    assert everything(monite) == before


def test_a_user_has_an_entity_user_in_each_of_their_tenants(emulated, monite, call):
    directory = ProvisioningDirectory(lambda principal: replace(PROFILE, entity=str(principal.tenant)))
    with TokenBroker(emulated, directory) as broker:
        for _ in range(2):
            for entity_id in (BAKERY_ID, BOOKS_ID):
                found = call(broker, "entity_user", Principal("nina", tenant=entity_id, session_id="s"))
                assert found.entity_id == entity_id
    assert len(users(monite)) == 2


def test_a_person_without_a_profile_is_not_linked(app, monite, call):
    app.profiles.clear()
    before = everything(monite)
    with pytest.raises(errors.NotLinked):
        call(app.broker, "token", NINA)
    assert call(app.directory, "update", NINA) is None
    assert call(app.directory, "plan", NINA) == []
    assert call(app.directory, "remove", NINA) is False
    assert everything(monite) == before


def test_a_profile_may_be_asked_for_by_an_async_def(emulated, monite):
    async def profile(_principal):
        await asyncio.sleep(0)
        return PROFILE

    directory = ProvisioningDirectory(profile)
    with TokenBroker(emulated, directory) as broker:
        with pytest.raises(errors.BlockingCallError, match="profile is an async function"):
            broker.token(NINA)
        assert asyncio.run(broker.atoken(NINA)).entity_user.entity_user_id == users(monite)[0].id


def test_lists_are_read_to_their_last_page(app, monite, call):
    for number in range(250):
        monite.directory.roles.add(
            f"40e00000-0000-4000-9000-{number:012}",
            {"name": f"Role {number}", "permissions": DEFAULT, "status": "active"},
            entity_id=BAKERY_ID,
        )
    app.change(role="missing")
    with pytest.raises(errors.ProvisioningFailed, match="'Role 249'"):
        call(app.directory, "find", NINA)
