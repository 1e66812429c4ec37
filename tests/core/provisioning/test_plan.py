"""The dry run of provisioning says what would be done, and does nothing."""

import pytest

from monite_auth import errors
from monite_auth.engine.runtime import run
from tests.core.provisioning.app import AUDITOR, CAFE, NINA, everything


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
