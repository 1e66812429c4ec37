"""People who are not in Monite yet: found or created once, kept up to date, removed; and what goes wrong on the way."""

import asyncio
import json
import multiprocessing
import re
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from monite_auth import EntityUser, MemoryStore, Principal, Settings, TokenBroker, errors, provisioning
from monite_auth.emulator import (
    ANNA_ID,
    BAKERY_ID,
    BOOKS_ID,
    DEMO_CLIENT_ID,
    DEMO_CLIENT_SECRET,
    Fault,
    Monite,
    serve,
)
from monite_auth.emulator.directory import Role as MoniteRole
from monite_auth.emulator.seed import DEFAULT
from monite_auth.engine.runtime import run
from monite_auth.identity import PARTNER
from monite_auth.monite_api.answers import Response
from monite_auth.monite_api.requests import Call, Request
from monite_auth.provisioning import EntityProfile, Profile, ProvisioningDirectory
from monite_auth.provisioning.ownership import Owner
from monite_auth.provisioning.partner import PartnerApi
from monite_auth.provisioning.steps import Steps
from monite_auth.rbac import Role
from monite_auth.stores import PARTNER_SLOT, Cooldown, Slot
from monite_auth.stores.memory.operations import MemoryOperations
from monite_auth.tokens import AccessToken, Secret
from tests.scripted import reply, settings
from tests.waiting import until

NINA = Principal("nina", session_id="nina-1")
AUDITOR = Role("Auditor", {"payable": "read", "entity": ["read"]})
PROFILE = Profile(
    login="user-7",
    first_name="Nina",
    last_name="Novak",
    email="nina@brightside.example",
    role="Viewer",
    entity=BAKERY_ID,
)
CAFE = EntityProfile(
    email="hello@cafe.example",
    legal_name="Corner Café GmbH",
    address={"country": "DE", "city": "Berlin", "postal_code": "10115", "line1": "Invalidenstraße 1"},
    more={"phone": "+49 30 1234"},
)


OWNER = Owner("tenant", "cafe")


@pytest.fixture(scope="module")
def serving():
    with serve(Monite(requests_per_second=100_000)) as running:
        yield running


@pytest.fixture
def emulator(serving):
    """A Monite for many tests, each with its beginning: to start one takes longer than most of them."""
    serving.monite.reset()
    return serving


@pytest.fixture(params=["blocking", "async"])
def call(request) -> Iterator[Callable[..., Any]]:
    """Return a function that calls a method in one of its two forms; those of a test run on one event loop."""

    def in_thread(owner, method, *arguments):
        return getattr(owner, method)(*arguments)

    if request.param == "blocking":
        yield in_thread
        return
    with asyncio.Runner() as runner:
        yield lambda owner, method, *arguments: runner.run(getattr(owner, f"a{method}")(*arguments))


@dataclass
class App:
    """The application: what it says about whom, and its broker."""

    settings: Settings
    profiles: dict[str, Profile | None] = field(default_factory=lambda: {"nina": PROFILE})

    def __post_init__(self):
        self.directory = ProvisioningDirectory(lambda principal: self.profiles.get(principal.user_id))
        self.broker = TokenBroker(self.settings, self.directory)

    def change(self, **changes):
        self.profiles["nina"] = replace(self.profiles["nina"], **changes)


@pytest.fixture
def open_app():
    """Return a function that makes an App; its broker is closed at the end of the test."""
    apps = []

    def make(*arguments):
        apps.append(App(*arguments))
        return apps[-1]

    yield make
    for app in apps:
        app.broker.close()


@pytest.fixture
def app(emulated, open_app):
    return open_app(emulated)


@pytest.fixture
def monite(emulator):
    return emulator.monite


def users(monite, login="user-7"):
    return [user for user in monite.directory.users.all() if user.login == login]


def roles(monite, name="Auditor"):
    return [role for role in monite.directory.roles.all() if role.name == name]


def role_name(monite, user):
    return monite.directory.roles.get(user.role_id).name


def everything(monite):
    directory = monite.directory
    tables = (directory.entities, directory.users, directory.roles, directory.payables)
    return [record.shown() for table in tables for record in table.all()]


def test_provisioning_does_no_io_of_its_own():
    """It has no second runtime: everything goes through the broker's."""
    for file in Path(provisioning.__file__).parent.glob("*.py"):
        imported = set(re.findall(r"^(?:from|import) (\w+)", file.read_text(), re.MULTILINE))
        assert not imported & {"asyncio", "httpx", "httpx2", "threading", "time"}, file.name


# -- found, created, remembered


def test_somebody_new_is_created_with_their_role_and_gets_a_token(app, monite, call):
    token = call(app.broker, "token", NINA)
    (user,) = users(monite)
    assert token.entity_user == EntityUser(user.id, BAKERY_ID)
    assert user.fields == {"first_name": "Nina", "last_name": "Novak", "email": "nina@brightside.example"}
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
            MoniteRole,
            f"40e00000-0000-4000-9000-{number:012}",
            entity_id=BAKERY_ID,
            name=f"Role {number}",
            permissions=DEFAULT,
        )
    app.change(role="missing")
    with pytest.raises(errors.ProvisioningFailed, match="'Role 249'"):
        call(app.directory, "find", NINA)


# -- roles


def test_a_role_that_is_missing_is_created_from_its_definition_and_then_used_by_all(app, monite, call):
    app.change(role=AUDITOR)
    app.profiles["otto"] = replace(PROFILE, login="user-8", role=AUDITOR)
    for name in ("nina", "otto"):
        call(app.broker, "token", Principal(name, session_id="s"))
    (role,) = roles(monite)
    assert Role.from_json(json.loads(json.dumps(role.shown()))).diff(AUDITOR).changes == ()
    assert {users(monite)[0].role_id, users(monite, "user-8")[0].role_id} == {role.id}


def test_a_role_that_is_there_keeps_its_permissions(app, monite, call):
    app.change(role=Role("Viewer", {"payable": "read create delete"}))
    before = [role.shown() for role in monite.directory.roles.all()]
    call(app.broker, "token", NINA)
    assert [role.shown() for role in monite.directory.roles.all()] == before


def test_an_unknown_role_is_an_error_that_lists_the_existing_roles(app, monite, call):
    app.change(role="Acountant")
    before = everything(monite)
    with pytest.raises(
        errors.ProvisioningFailed, match="no role 'Acountant'.*'Accountant', 'Default', 'Purchaser', 'Viewer'"
    ) as caught:
        call(app.broker, "token", NINA)
    assert caught.value.fields == ("role",)
    assert everything(monite) == before


class CreatedMeanwhile:
    """A role that somebody else creates just before us."""

    name = "Auditor"

    def __init__(self, monite) -> None:
        self.monite = monite

    def to_json(self):
        self.monite.directory.roles.add(
            MoniteRole,
            "40e00000-0000-4000-9000-000000000001",
            entity_id=BAKERY_ID,
            name=self.name,
            permissions=DEFAULT,
        )
        return AUDITOR.to_json()


def test_of_two_roles_with_one_name_the_older_stays_and_ours_goes(app, monite, call):
    app.change(role=CreatedMeanwhile(monite))
    call(app.broker, "token", NINA)
    (role,) = roles(monite)
    assert role.id == "40e00000-0000-4000-9000-000000000001"
    assert users(monite)[0].role_id == role.id


# -- the app's user changes


def test_a_change_in_the_app_reaches_monite_with_the_next_find(app, monite, call):
    found = call(app.directory, "find", NINA)
    app.change(first_name="Nina Maria", email="nm@brightside.example", role="Accountant", login="user-7b")
    assert call(app.directory, "find", NINA) == found
    (user,) = users(monite, "user-7b")
    assert (user.id, user.fields["first_name"]) == (found.entity_user_id, "Nina Maria")
    assert (user.fields["email"], user.fields["last_name"]) == ("nm@brightside.example", "Novak")
    assert role_name(monite, user) == "Accountant"
    assert users(monite) == []


def test_fields_that_the_profile_leaves_out_stay_as_they_are(app, monite, call):
    call(app.directory, "find", NINA)
    app.change(last_name=None, email=None, first_name="N.")
    call(app.directory, "find", NINA)
    (user,) = users(monite)
    assert user.fields == {"first_name": "N.", "last_name": "Novak", "email": "nina@brightside.example"}


def test_nothing_is_sent_when_monite_has_it_already(app, monite, call):
    call(app.directory, "find", NINA)
    before = everything(monite)
    call(app.directory, "update", NINA)
    assert everything(monite) == before  # `updated_at` too


def test_an_update_reverts_a_change_made_in_monite(app, monite, call):
    found = call(app.directory, "find", NINA)
    (user,) = users(monite)
    monite.directory.users.change(user, {"first_name": "Changed"})
    assert call(app.directory, "find", NINA) == found
    assert user.fields["first_name"] == "Changed"
    assert call(app.directory, "update", NINA) == found
    assert user.fields["first_name"] == "Nina"


def test_an_update_recreates_a_deleted_person_and_revokes_old_tokens(app, monite, call):
    first = call(app.broker, "token", NINA)
    monite.remove_user(users(monite)[0])
    assert call(app.directory, "find", NINA) == first.entity_user
    again = call(app.directory, "update", NINA)
    assert again != first.entity_user
    assert [user.id for user in users(monite)] == [again.entity_user_id]
    assert call(app.broker, "token", NINA).entity_user == again


def test_a_person_who_moves_to_another_entity_has_a_new_entity_user_there(app, monite, call):
    first = call(app.broker, "token", NINA)
    app.change(entity=BOOKS_ID)
    second = call(app.directory, "update", NINA)
    assert second.entity_id == BOOKS_ID
    token = call(app.broker, "token", NINA)
    assert token.entity_user == second
    assert len(users(monite)) == 2
    until(lambda: call(app.broker, "drain") and not monite.ledger.live(first.entity_user.entity_user_id))


def test_promise_5_a_mint_that_finds_somebody_new_leaves_no_token_of_the_old_one(app, monite, call):
    abroad = Principal("nina", tenant="abroad", session_id="nina-1")
    old = call(app.broker, "token", abroad).entity_user
    app.change(entity=BOOKS_ID)
    app.broker.reject(abroad, app.broker.token(abroad))
    token = call(app.broker, "token", abroad)
    assert token.entity_user.entity_id == BOOKS_ID
    until(lambda: call(app.broker, "drain") and not monite.ledger.live(old.entity_user_id))
    until(
        lambda: call(app.broker, "drain") and len(monite.ledger.live(token.entity_user.entity_user_id)) == 1
    )


# -- removal


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


def test_the_next_call_finishes_a_relink_that_was_broken_off(app, monite, call, monkeypatch):
    call(app.broker, "token", NINA)
    monite.remove_user(users(monite)[0])
    relink = MemoryOperations.relink

    async def breaks_off(_store, _user):
        monkeypatch.setattr(MemoryOperations, "relink", relink)
        raise asyncio.CancelledError

    monkeypatch.setattr(MemoryOperations, "relink", breaks_off)
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


# -- entities


def test_an_entity_is_created_once_and_found_by_its_email_and_name(app, monite, call):
    app.change(entity=CAFE, role="Default")
    app.profiles["otto"] = replace(
        PROFILE, login="user-8", entity=replace(CAFE, email="HELLO@cafe.example"), role="Default"
    )
    found = [call(app.directory, "find", Principal(name, tenant="cafe")) for name in ("nina", "otto")]
    (cafe,) = (each for each in monite.directory.entities.all() if each.name == "Corner Café GmbH")
    assert {each.entity_id for each in found} == {cafe.id}
    assert cafe.fields["phone"] == "+49 30 1234"


def test_an_individual_is_an_entity_too(app, monite, call):
    sole = EntityProfile(email="ida@example.org", first_name="Ida", last_name="Iversen", address=CAFE.address)
    app.change(entity=sole, role=AUDITOR)
    found = call(app.directory, "find", NINA)
    assert monite.directory.entities.get(found.entity_id).name == "Ida Iversen"
    assert call(app.directory, "update", NINA) == found


def test_promise_1_another_name_behind_the_same_email_is_refused_not_guessed(app, monite, call):
    app.change(entity=CAFE, role="Default")
    call(app.directory, "find", NINA)
    app.change(entity=replace(CAFE, legal_name="Another Café GmbH"))
    before = everything(monite)
    with pytest.raises(errors.ProvisioningFailed, match="has another name in Monite") as caught:
        call(app.directory, "find", NINA)
    assert caught.value.fields == ("entity.organization.legal_name",)
    assert "Café" not in str(caught.value)
    assert everything(monite) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"legal_name": "A GmbH", "first_name": "A", "last_name": "B"},
        {"first_name": "A"},
        {},
        {"legal_name": "A GmbH", "email": ""},
    ],
)
def test_an_entity_profile_has_one_kind_of_name_and_an_email(wrong):
    with pytest.raises(ValueError, match="EntityProfile"):
        EntityProfile(**{"email": "a@b.example", "address": {}, **wrong})


@pytest.mark.parametrize("wrong", [{"login": ""}, {"first_name": 7}, {"role": ""}, {"entity": "the bakery"}])
def test_a_wrong_profile_is_refused_when_it_is_made(wrong):
    with pytest.raises(ValueError, match="text|UUID"):
        replace(PROFILE, **wrong)


def test_promise_9_personal_data_of_a_profile_does_not_print():
    assert not any(word in repr(PROFILE) for word in ("Nina", "Novak", "nina@", "user-7"))


# -- the dry run


def test_a_plan_for_somebody_new_says_what_would_be_created(app, monite, call):
    app.change(role=AUDITOR)
    before = everything(monite)
    assert call(app.directory, "plan", NINA) == [
        "Create the role 'Auditor'.",
        "Create an entity user with the role 'Auditor'.",
    ]
    assert everything(monite) == before


def test_a_plan_for_a_new_entity_goes_as_far_as_it_can_be_known(app, monite, call):
    before = everything(monite)
    app.change(entity=CAFE)
    assert call(app.directory, "plan", NINA) == [
        "Create the entity, an organization.",
        "Give the role 'Viewer', which the new entity has to come with.",
        "Create an entity user with the role 'Viewer'.",
    ]
    app.change(role=AUDITOR)
    assert call(app.directory, "plan", NINA)[1] == "Create the role 'Auditor'."
    assert everything(monite) == before


def test_a_plan_for_somebody_who_has_changed_says_what_would_change(app, monite, call):
    call(app.directory, "find", NINA)
    assert call(app.directory, "plan", NINA) == []
    app.change(first_name="Maria", role="Accountant")
    before = everything(monite)
    assert call(app.directory, "plan", NINA) == ["Change first_name, role of the entity user."]
    assert everything(monite) == before
    call(app.directory, "find", NINA)
    assert call(app.directory, "plan", NINA) == []


def test_a_plan_remembers_nothing(app, monite, call):
    app.change(login="anna.becker", role="Accountant", first_name="Anna", last_name="Becker", email=None)
    assert call(app.directory, "plan", NINA) == []
    assert run(app.broker.store.operations(blocking=True).get_note("nina", "link")) is None


def test_a_plan_fails_as_the_real_thing_would(app, monite, call):
    app.change(role="missing")
    with pytest.raises(errors.ProvisioningFailed, match="no role 'missing'"):
        call(app.directory, "plan", NINA)


# -- what Monite refuses


def test_an_error_about_a_taken_login_names_the_field_without_the_value(app, monite, call):
    call(app.directory, "find", NINA)
    app.change(login="anna.becker")
    with pytest.raises(
        errors.ProvisioningFailed, match=r"refuses to change login of the entity user \(409"
    ) as caught:
        call(app.directory, "find", NINA)
    assert (caught.value.fields, caught.value.monite_status) == (("login",), 409)
    assert caught.value.request_id in str(caught.value)
    assert "anna" not in str(caught.value)


def test_an_error_about_a_malformed_address_names_the_field_without_the_value(app, monite, call):
    app.change(email="nina at home")
    before = everything(monite)
    with pytest.raises(errors.ProvisioningFailed, match="create an entity user") as caught:
        call(app.directory, "find", NINA)
    assert (caught.value.fields, caught.value.monite_status) == (("email",), 422)
    assert "at home" not in str(caught.value)
    assert everything(monite) == before


def test_a_field_of_an_entity_is_named_as_one(app, call):
    app.change(entity=replace(CAFE, address={**CAFE.address, "country": "Germany", "city": ""}))
    with pytest.raises(errors.ProvisioningFailed, match="create the entity") as caught:
        call(app.directory, "find", NINA)
    assert set(caught.value.fields) == {"entity.address.country", "entity.address.city"}


def test_an_error_about_a_missing_entity_names_the_field(app, call):
    app.change(entity="e0000000-0000-4000-8000-00000000dead")
    with pytest.raises(errors.ProvisioningFailed, match="There is no entity") as caught:
        call(app.directory, "find", NINA)
    assert caught.value.fields == ("entity",)


def test_the_error_of_a_mint_is_the_error_of_the_directory(app, call):
    app.change(role="missing")
    with pytest.raises(errors.ProvisioningFailed):
        call(app.broker, "token", NINA)
    app.change(role="Viewer")
    call(app.broker, "relink", "nina")  # or a moment later
    assert call(app.broker, "token", NINA)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 500}, errors.MoniteUnavailable),
        ({"kind": "status", "status": 503}, errors.MoniteUnavailable),
        ({"kind": "status", "status": 408}, errors.MoniteUnavailable),
        ({"kind": "cut_before"}, errors.MoniteUnavailable),
        ({"kind": "truncated"}, errors.MoniteUnavailable),
        ({"kind": "invalid_json"}, errors.MoniteUnavailable),
        ({"kind": "wrong_fields"}, errors.MoniteUnavailable),
        ({"kind": "wrong_fields", "body": {"data": [{"id": "7"}]}}, errors.MoniteUnavailable),
        ({"kind": "wrong_fields", "body": {"data": ["x"]}}, errors.MoniteUnavailable),
        ({"kind": "dead_token", "status": 401}, errors.CredentialsRejected),
        ({"kind": "status", "status": 403}, errors.ProvisioningFailed),
    ],
)
@pytest.mark.parametrize("path", ["/roles", "/entity_users"])
def test_each_failure_has_its_error_and_the_next_call_recovers(app, monite, call, fault, error, path):
    order = monite.faults.add(Fault(path=path, **fault))
    with pytest.raises(error) as caught:
        call(app.directory, "find", NINA)
    assert caught.value.__cause__ is None
    assert not any(word in str(caught.value) for word in ("Nina", "nina@", "user-7"))
    monite.faults.remove(order.id)
    call(app.directory, "find", NINA)
    assert len(users(monite)) == 1


def test_a_dead_partner_token_is_replaced(app, monite, call):
    monite.faults.add(Fault(kind="dead_token", path="/entity_users", times=1))
    call(app.directory, "find", NINA)
    assert len(users(monite)) == 1


def test_promise_8_a_429_makes_all_wait_as_long_as_monite_says(app, monite, call):
    monite.faults.add(Fault(kind="throttle", path="/roles", retry_after=1, times=1))
    call(app.directory, "find", NINA)
    assert len(users(monite)) == 1


def test_promise_8_a_wait_beyond_the_deadline_is_an_error_that_says_how_long(app, monite, call):
    monite.faults.add(Fault(kind="throttle", path="/roles", retry_after=60))
    with pytest.raises(errors.RateLimited, match="look for the role 'Viewer'") as caught:
        call(app.directory, "find", NINA)
    assert caught.value.retry_after == pytest.approx(60, abs=2)


def test_a_directory_without_a_broker_says_so(call):
    with pytest.raises(errors.ConfigurationError, match="give it to a TokenBroker"):
        call(ProvisioningDirectory(lambda _principal: PROFILE), "find", NINA)


# -- the steps over a runtime that is scripted


ID = "0e0e0000-0000-4000-8000-000000000001"
OTHER = "0e0e0000-0000-4000-8000-000000000002"
ROLE = {"id": "40e00000-0000-4000-8000-000000000001", "name": "Viewer", "status": "active"}


def listed(*records):
    return reply(200, {"data": list(records)})


class OneToken:
    """The partner's token, which is always at hand."""

    async def token(self, runtime, actor):
        return AccessToken.granted(Secret("partner"), life=1800, sent_at=runtime.clock(), jitter=0.5)


class Scripted:
    """A runtime that answers in order; each answer is what Monite says to the next request."""

    def __init__(self, *answers: Response) -> None:
        self.settings = settings()
        self.now = 1_700_000_000.0
        self.memory = MemoryStore(clock=self.clock, requests_per_second=1_000_000).operations(blocking=True)
        self.store = self.memory
        self.answers = list(answers)
        self.calls: list[Call] = []

    def clock(self) -> float:
        return self.now

    async def send(self, request: Request, *, within: float) -> Response:
        assert 0 < within <= self.settings.deadline
        url, _, query = request.url.removeprefix(self.settings.base_url).partition("?")
        body = json.loads(request.body.reveal() or "{}")
        entity_id = request.headers.get("x-monite-entity-id")
        self.calls.append(Call(request.method, url, entity_id, dict(parse_qsl(query)), body))
        return self.answers.pop(0)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    @property
    def steps(self):
        return Steps(PartnerApi(self, self.settings, OneToken()), OWNER)

    def provide(self, profile=PROFILE, known=None):
        found = run(self.steps.provide(profile, known))
        assert not self.answers
        return found

    @property
    def lines(self):
        return [f"{call.method} {call.path}" for call in self.calls]


def somebody(**fields):
    return {"id": ID, "role_id": ROLE["id"], "status": "active", **PROFILE.fields, **fields}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_promise_8_any_failure_may_ask_for_a_pause(status):
    later = reply(status, {"error": {"message": "Later."}}, {"retry-after": "3"})
    monite = Scripted(later, listed(ROLE), listed(somebody()))
    started = monite.now
    assert monite.provide() == EntityUser(ID, BAKERY_ID)
    assert monite.now - started >= 3


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_user_created_meanwhile_is_found(status):
    monite = Scripted(listed(ROLE), listed(), reply(status, {"error": {"message": "x"}}), listed(somebody()))
    assert monite.provide() == EntityUser(ID, BAKERY_ID)
    assert monite.lines == ["GET /roles", "GET /entity_users", "POST /entity_users", "GET /entity_users"]


def test_a_role_created_meanwhile_is_found():
    auditor = {**ROLE, "name": "Auditor"}
    refused = reply(409, {"error": {"message": "There is a role of this name."}})
    monite = Scripted(listed(), listed(), refused, listed(auditor), listed(somebody()))
    assert monite.provide(replace(PROFILE, role=AUDITOR)) == EntityUser(ID, BAKERY_ID)


def test_a_deleted_user_is_not_found_and_can_be_created_again():
    gone = somebody(status="deleted")
    monite = Scripted(listed(ROLE), reply(200, gone), listed(gone), reply(200, somebody(id=OTHER)))
    assert monite.provide(known=EntityUser(ID, BAKERY_ID)) == EntityUser(OTHER, BAKERY_ID)


def test_a_filter_that_monite_takes_loosely_does_not_let_another_in():
    others = [somebody(login="USER-7"), somebody(login="user-77")]
    loose = [{**ROLE, "id": OTHER, "name": "viewer"}, ROLE]
    monite = Scripted(listed(*loose), listed(*others), reply(200, somebody()))
    assert monite.provide() == EntityUser(ID, BAKERY_ID)
    assert monite.calls[-1].body["role_id"] == ROLE["id"]


def test_a_second_page_is_asked_for_with_its_token_alone():
    first = reply(200, {"data": [], "next_pagination_token": "page-2"})
    monite = Scripted(listed(ROLE), first, listed(somebody()))
    monite.provide()
    assert [call.query for call in monite.calls[1:]] == [{"login": "user-7"}, {"pagination_token": "page-2"}]


def test_personal_data_that_monite_repeats_is_taken_out():
    said = "No: NINA Novak <nina@brightside.example>, user-7, other@example.org; first name is odd"
    monite = Scripted(listed(ROLE), listed(), reply(400, {"error": {"message": said}}), listed())
    with pytest.raises(errors.ProvisioningFailed) as caught:
        monite.provide()
    assert not any(word in str(caught.value).lower() for word in ("nina", "novak", "@", "user-7"))
    assert caught.value.fields == ("first_name",)


def test_there_is_an_end_to_answers_without_end():
    class Endless(Scripted):
        async def send(self, request, *, within):
            self.now += 1
            return reply(200, {"data": [], "next_pagination_token": f"page-{self.now}"})

    with pytest.raises(errors.MoniteUnavailable, match="to look for the role 'Viewer': no time was left"):
        run(Endless().steps.provide(PROFILE, None))


def test_waiting_for_another_processs_creation_ends_with_the_deadline():
    auditor = replace(PROFILE, role=AUDITOR)
    monite = Scripted(listed())
    slot = Slot(PARTNER, f"role {BAKERY_ID} Auditor", None, "creation")
    run(monite.memory.claim(slot, PARTNER, owner="another", seconds=1000, min_life=0))
    with pytest.raises(errors.MoniteUnavailable, match="to create the role 'Auditor': no time was left"):
        monite.provide(auditor)


def test_a_failed_creation_releases_its_claim_at_once():
    auditor = replace(PROFILE, role=AUDITOR)
    monite = Scripted(listed(), listed(), reply(500, {}))
    with pytest.raises(errors.MoniteUnavailable):
        monite.provide(auditor)
    made = {**ROLE, "name": "Auditor"}
    monite.answers = [listed(), listed(), reply(200, made), listed(made), listed(somebody())]
    before = monite.now
    monite.provide(auditor)
    assert monite.now - before < 0.001


def test_a_second_role_that_is_in_use_is_kept():
    older, ours = ({**ROLE, "name": "Auditor", "id": each, "created_at": each} for each in (ID, OTHER))
    in_use = reply(409, {"error": {"message": "The role is in use."}})
    monite = Scripted(
        listed(), listed(), reply(200, ours), listed(older, ours), in_use, listed(somebody(role_id=ID))
    )
    assert monite.provide(replace(PROFILE, role=AUDITOR)) == EntityUser(ID, BAKERY_ID)


def test_nothing_is_created_while_monite_refuses_our_credentials():
    monite = Scripted(listed())
    lease = run(monite.memory.claim(PARTNER_SLOT, PARTNER, owner="x", seconds=5, min_life=0)).lease
    run(monite.memory.abandon(lease, Cooldown(30, "credentials_rejected", "Wrong secret.", everyone=True)))
    with pytest.raises(errors.CredentialsRejected, match="Wrong secret") as caught:
        monite.provide(replace(PROFILE, role=AUDITOR))
    assert caught.value.retry_after == pytest.approx(30, abs=1)


@types.coroutine
def never():
    yield


def test_promise_2_a_creation_whose_event_loop_is_gone_loses_its_claim_in_time():
    class Stuck(Scripted):
        async def send(self, request, *, within):
            await never() if not self.answers else None
            return await super().send(request, within=within)

    stuck = Stuck(listed(), listed())
    flow = stuck.steps.provide(replace(PROFILE, role=AUDITOR), None)
    flow.send(None)  # it is creating the role
    flow.close()
    slot = Slot(PARTNER, f"role {BAKERY_ID} Auditor", None, "creation")
    claim = run(stuck.memory.claim(slot, PARTNER, owner="another", seconds=5, min_life=0))
    assert claim.retry_in < 20


# -- races


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


def test_a_refusal_cools_down_and_every_caller_gets_the_same_error(app, emulator):
    app.change(role="missing")
    refused = []
    for _ in range(3):
        with pytest.raises(errors.ProvisioningFailed, match="no role 'missing'") as caught:
            app.broker.token(NINA)
        refused.append((caught.value.fields, caught.value.monite_status))
    assert refused == [(("role",), 0)] * 3
    assert 0 < caught.value.retry_after <= 2
    before = len(emulator.monite.ledger.tokens)
    app.change(role="Viewer")
    app.broker.relink("nina")  # it has been mended
    app.broker.token(NINA)
    assert len(emulator.monite.ledger.tokens) == before + 1
