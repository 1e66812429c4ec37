"""Several partners side by side: each has its own entities, people and tokens, and none sees another's."""

import uuid

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, Monite

CLIENT, SECRET = str(uuid.UUID(int=5, version=4)), "the other partner's secret"


def own(api):
    """Return a token of the other partner."""
    api.monite.add_partner(CLIENT, SECRET)
    return api.mint(client_id=CLIENT, client_secret=SECRET).json()["access_token"]


def test_a_partner_sees_no_other_partners_entities(api):
    other = own(api)
    assert api.call("GET", "/entities", other).json()["data"] == []
    assert api.call("GET", f"/entities/{BAKERY_ID}", other).status_code == 404
    assert api.call("GET", "/payables", other, BAKERY_ID).status_code == 404
    assert len(api.call("GET", "/entities", api.token()).json()["data"]) == 3


def test_a_partner_mints_no_token_for_another_partners_user(api):
    own(api)
    assert api.mint(ANNA_ID, client_id=CLIENT, client_secret=SECRET).status_code == 400


def test_a_partner_revokes_no_other_partners_token(api):
    other = own(api)
    annas = api.token(ANNA_ID)
    assert api.revoke(annas, client_id=CLIENT, client_secret=SECRET).status_code == 400
    assert api.call("GET", "/entity_users/me", annas).status_code == 200
    assert api.revoke(other).status_code == 400
    assert api.revoke(other, client_id=CLIENT, client_secret=SECRET).status_code == 200


def test_a_second_pair_of_credentials_belongs_to_the_same_partner(api):
    api.monite.add_credentials(CLIENT, SECRET)
    token = api.mint(client_id=CLIENT, client_secret=SECRET).json()["access_token"]
    assert len(api.call("GET", "/entities", token).json()["data"]) == 3
    api.monite.remove_credentials(CLIENT)
    assert api.mint(client_id=CLIENT, client_secret=SECRET).status_code == 401
    assert api.call("GET", "/entities", token).status_code == 200


def test_a_new_partner_begins_with_the_demos_people_under_ids_of_its_own(api, monite):
    """No two records at Monite share an id: the ledger, the faults and the page ask for a user by the id alone."""
    other = monite.add_partner(CLIENT, SECRET, seed=True)
    (anna,) = (
        each
        for each in other.directory.users.all()
        if each.fields["email"] == "anna.becker@brightside.example"
    )
    ours = {record.id for _, record in monite.directory.saved()}
    assert not ours & {record.id for _, record in other.directory.saved()}
    assert [each.name for each in other.directory.entities.all()] == [
        each.name for each in monite.directory.entities.all()
    ]
    first = api.token(ANNA_ID)
    token = api.mint(anna.id, client_id=CLIENT, client_secret=SECRET).json()["access_token"]
    assert [each.value for each in monite.ledger.mints(ANNA_ID)] == [first]
    bills = api.call("GET", "/payables", token, anna.entity_id).json()["data"]
    assert {each["entity_id"] for each in bills} == {anna.entity_id}
    ours = api.call("GET", "/payables", first, BAKERY_ID).json()["data"]
    assert [each["document_id"] for each in bills] == [each["document_id"] for each in ours]
    users = f"/entity_users/{ANNA_ID}"
    assert api.call("DELETE", users, api.token(), BAKERY_ID).status_code == 204
    assert api.call("GET", "/entity_users/me", token, anna.entity_id).status_code == 200


def test_a_partner_has_the_demos_fixed_ids_if_nobody_else_has_them():
    monite = Monite(seed=False)
    assert monite.add_partner(CLIENT, SECRET, seed=True).directory.users.get(ANNA_ID)


def test_a_client_id_is_a_uuid(monite):
    for add in (monite.add_partner, monite.add_credentials):
        with pytest.raises(ValueError, match="a client id is a UUID, and 'studio' is none"):
            add("studio", SECRET)
    assert len(monite.partners) == 1
    monite.add_partner(CLIENT.replace("-", "").upper(), SECRET)
    assert monite.authenticated(CLIENT, SECRET)


def test_a_client_id_has_several_secrets_during_a_rotation(api, monite):
    api.send("POST", "/_emulator/partners", json={"client_id": CLIENT, "client_secret": SECRET})
    path = f"/_emulator/partners/{CLIENT}/credentials"
    added = api.send("POST", path, json={"client_id": CLIENT}).json()["client_secret"]
    for secret in (SECRET, added):
        assert api.mint(client_id=CLIENT, client_secret=secret).status_code == 200
    monite.add_credentials(CLIENT, "the only one", monite.partners[1])
    for secret in (SECRET, added):
        assert api.mint(client_id=CLIENT, client_secret=secret).status_code == 401


def test_partners_are_made_and_lose_credentials_over_http(api, monite):
    made = api.send("POST", "/_emulator/partners", json={"seed": True}).json()
    pair = {name: made[name] for name in ("client_id", "client_secret")}
    assert api.mint(**pair).status_code == 200
    assert len(monite.partners[1].directory.entities.all()) == 3
    listed = api.send("GET", "/_emulator/partners")
    assert listed.json()["partners"][1]["client_ids"] == [pair["client_id"]]
    assert pair["client_secret"] not in listed.text
    path = f"/_emulator/partners/{pair['client_id']}/credentials"
    more = api.send("POST", path, json={}).json()
    assert api.mint(**more).status_code == 200
    assert api.send("DELETE", f"/_emulator/credentials/{pair['client_id']}").status_code == 204
    assert api.mint(**pair).status_code == 401
    assert api.mint(**more).status_code == 200


def test_a_client_id_belongs_to_one_partner(api, monite):
    told = []
    monite.partner_watchers.append(told.append)
    other = api.send("POST", "/_emulator/partners", json={"client_id": DEMO_CLIENT_ID})
    assert other.status_code == 422
    assert "another partner" in other.text
    assert (len(monite.partners), told) == (1, [])
    unknown = uuid.uuid4()
    assert api.send("POST", f"/_emulator/partners/{unknown}/credentials", json={}).status_code == 404
    assert api.send("DELETE", f"/_emulator/credentials/{unknown}").status_code == 404
