"""Roles of people who are created: found by name, created from a definition, never changed."""

import json
from dataclasses import replace

import pytest

from monite_auth import Principal, errors
from monite_auth.emulator import BAKERY_ID
from monite_auth.emulator.demo.companies import DEFAULT
from monite_auth.rbac import Role
from tests.core.provisioning.app import AUDITOR, NINA, PROFILE, everything, roles, users


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
            "40e00000-0000-4000-9000-000000000001",
            {"name": self.name, "permissions": DEFAULT, "status": "active"},
            entity_id=BAKERY_ID,
        )
        return AUDITOR.to_json()


def test_a_role_that_somebody_created_meanwhile_is_taken(app, monite, call):
    app.change(role=CreatedMeanwhile(monite))
    call(app.broker, "token", NINA)
    (role,) = roles(monite)
    assert role.id == "40e00000-0000-4000-9000-000000000001"
    assert users(monite)[0].role_id == role.id
