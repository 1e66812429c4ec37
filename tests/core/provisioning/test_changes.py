"""People who change in the application change in Monite, and tokens of whom they were are revoked."""

from monite_auth import Principal
from monite_auth.emulator import BOOKS_ID
from tests.core.provisioning.app import NINA, everything, role_name, users
from tests.waiting import until


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
    known = {"first_name": "N.", "last_name": "Novak", "email": "nina@brightside.example"}
    assert known.items() <= user.fields.items()


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
