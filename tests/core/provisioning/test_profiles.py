"""Profiles of people and of entities: what they may say, and that an entity is created once."""

from dataclasses import replace

import pytest

from monite_auth import Principal, errors
from monite_auth.provisioning import EntityProfile
from tests.core.provisioning.app import AUDITOR, CAFE, NINA, PROFILE, everything


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
