"""Whose entity it is: who knows a company's name and e-mail address does not get into it."""

from dataclasses import replace

import pytest

from monite_auth import Principal, errors
from monite_auth.emulator import BAKERY_ID
from monite_auth.provisioning import EntityProfile
from tests.at_once import in_threads
from tests.core.provisioning.app import CAFE
from tests.core.provisioning.form import companies, create_by_other_means, people
from tests.redis_server import RedisServer
from tests.waiting import until

BY_HAND = replace(CAFE, join_existing=True)
OWNERS = [
    pytest.param(
        Principal("ida", tenant="cafe"), Principal("ida", tenant="rival"), id="two tenants of one user"
    ),
    pytest.param(Principal("ida", tenant="cafe"), Principal("eve", tenant="rival"), id="tenants"),
    pytest.param(Principal("ida"), Principal("eve"), id="users without a tenant"),
    pytest.param(Principal("ida"), Principal("ida", tenant="ida"), id="a user and a tenant"),
    pytest.param(Principal("tenant"), Principal("x", tenant="tenant"), id="a user named like a tenant"),
]


@pytest.mark.parametrize(("owner", "stranger"), OWNERS)
def test_promise_1_knowing_a_companys_name_and_address_lets_nobody_in(
    open_form, emulator, call, owner, stranger
):
    app = open_form()
    entity_id = call(app, "find", owner).entity_id
    before = people(emulator)
    for form in (
        CAFE,
        replace(CAFE, email="HELLO@cafe.EXAMPLE"),
        replace(CAFE, address={**CAFE.address, "city": "X"}),
    ):
        app.company = form
        for method in ("find", "update", "remove"):
            with pytest.raises(errors.ProvisioningFailed, match="join_existing") as caught:
                call(app, method, stranger)
            assert caught.value.fields == ("entity",)
            assert f'Profile(entity="{entity_id}")' in str(caught.value)
            assert "Café" not in str(caught.value)
            assert "cafe.example" not in str(caught.value)
    assert people(emulator) == before
    assert len(companies(emulator)) == 1


def test_promise_1_an_entity_made_by_other_means_has_no_owner(open_form, emulator, call):
    bakery = emulator.monite.directory.entities.get(BAKERY_ID)
    company = EntityProfile(
        email=bakery.fields["email"], legal_name=bakery.name, address=CAFE.address, join_existing=False
    )
    with pytest.raises(errors.ProvisioningFailed, match=f"{BAKERY_ID}.*has not noted that it was created"):
        call(open_form(company), "find", Principal("eve", tenant="bakery"))


def test_colleagues_share_what_one_of_them_has_created_for_their_tenant(open_form, emulator, tmp_path, call):
    store = f"sqlite:///{tmp_path}/store.db"
    first = call(open_form(store_url=store), "find", Principal("ida", tenant="cafe"))
    second = call(open_form(store_url=store), "find", Principal("otto", tenant="cafe"))  # after a restart
    assert first.entity_id == second.entity_id
    assert first.entity_user_id != second.entity_user_id
    assert len(companies(emulator)) == 1


def test_the_creator_is_let_in_again_when_their_profile_changes(open_form, emulator, call):
    app = open_form()
    first = call(app, "find", Principal("ida"))
    app.first_name = "Ida Maria"
    assert call(app, "find", Principal("ida")) == first


def test_a_company_that_is_renamed_here_and_there_stays_its_owners(open_form, emulator, call):
    app = open_form()
    first = call(app, "find", Principal("ida"))
    emulator.monite.directory.entities.change(
        companies(emulator)[0], {"organization": {"legal_name": "New GmbH"}}
    )
    app.company = replace(CAFE, legal_name="New GmbH")
    assert call(app, "find", Principal("ida")) == first


def test_of_two_with_one_name_each_owner_gets_their_own(open_form, emulator, call):
    """The second one was created by other means, since here the stranger is refused."""
    app = open_form()
    first = call(app, "find", Principal("ida", tenant="cafe"))
    create_by_other_means(emulator)
    assert call(app, "update", Principal("ida", tenant="cafe")) == first


def test_promise_1_of_many_tenants_that_describe_one_company_at_once_one_gets_it(open_form, emulator):
    app = open_form()

    def find(number: int) -> str | None:
        try:
            found = app.find(Principal(f"user-{number}", tenant=f"tenant-{number // 2}"))
        except errors.ProvisioningFailed:
            return None
        return found.entity_id if found is not None else None

    found = in_threads(8, find)
    (company,) = companies(emulator)
    (owner,) = {number // 2 for number, each in enumerate(found) if each is not None}  # both of one tenant
    assert found[2 * owner : 2 * owner + 2] == [company.id] * 2
    assert len([login for login in people(emulator) if login.startswith("app-")]) == 2


def test_an_existing_entity_is_joined_where_the_app_says_so(open_form, emulator, call):
    owner, guest = Principal("ida", tenant="cafe"), Principal("gast", tenant="guests")
    found = call(open_form(), "find", owner)
    assert call(open_form(BY_HAND), "find", guest).entity_id == found.entity_id
    assert len(companies(emulator)) == 1
    # The word is the profile's, each time, and makes nobody an owner.
    with pytest.raises(errors.ProvisioningFailed):
        call(open_form(), "find", Principal("eve", tenant="guests"))


def test_an_entity_to_join_is_created_where_there_is_none(open_form, emulator, call):
    app = open_form(BY_HAND)
    assert call(app, "find", Principal("ida")).entity_id == companies(emulator)[0].id
    assert call(app, "update", Principal("ida")).entity_id == companies(emulator)[0].id


@pytest.mark.parametrize("word", ["yes", 1, None])
def test_to_join_has_to_be_said_clearly(word):
    with pytest.raises(ValueError, match="join_existing is True or False"):
        replace(CAFE, join_existing=word)


def test_a_plan_says_whether_an_entity_is_created_joined_or_refused_and_why(open_form, emulator, call):
    owner, other = Principal("ida", tenant="cafe"), Principal("eve", tenant="rival")
    app = open_form()
    assert call(app, "plan", owner)[0] == "Create the entity, an organization."
    entity_id = call(app, "find", owner).entity_id
    assert call(app, "plan", owner) == []
    assert call(app, "plan", Principal("otto", tenant="cafe")) == [
        f"Join the entity {entity_id}: this store created it for this tenant.",
        "Create an entity user with the role 'Clerk'.",
    ]
    (refusal,) = call(app, "plan", other)
    assert refusal.startswith("Refuse: Monite already has an entity of this type")
    assert "join_existing=True" in refusal
    assert call(open_form(BY_HAND), "plan", other) == [
        f"Join the entity {entity_id}: the profile says join_existing.",
        "Create an entity user with the role 'Clerk'.",
    ]
    assert people(emulator).count("app-ida") == 1
    assert not {"app-otto", "app-eve"} & set(people(emulator))


def test_a_plan_notes_nothing(open_form, emulator, call):
    app = open_form()
    call(app, "plan", Principal("ida"))
    create_by_other_means(emulator)
    with pytest.raises(errors.ProvisioningFailed):
        call(app, "find", Principal("ida"))


def test_a_lost_note_is_a_refusal_that_says_how_to_go_on(open_form, emulator, call):
    owner = Principal("ida", tenant="cafe")
    entity_id = call(open_form(), "find", owner).entity_id
    emptied = open_form()  # each has a store of its own, in memory
    with pytest.raises(errors.ProvisioningFailed, match=f'entity="{entity_id}"'):
        call(emptied, "find", owner)
    assert len(companies(emulator)) == 1
    assert call(open_form(BY_HAND), "find", owner).entity_id == entity_id


def test_while_redis_is_down_no_entity_is_created_and_none_is_refused_for_good(open_form, emulator, call):
    owner = Principal("ida", tenant="cafe")
    with RedisServer() as server:
        app = open_form(store_url=server.url)
        server.kill()
        with pytest.raises(errors.StoreUnavailable):
            call(app, "find", owner)
        assert companies(emulator) == []
        server.start()
        until(lambda: _answers(app, owner))
        entity_id = call(app, "find", owner).entity_id
        server.kill()
        with pytest.raises(errors.StoreUnavailable):
            call(app, "update", Principal("otto", tenant="cafe"))
    assert [each.id for each in companies(emulator)] == [entity_id]


def _answers(app, owner) -> bool:
    try:
        return app.find(owner) is not None
    except errors.StoreUnavailable:
        return False
