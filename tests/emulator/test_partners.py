"""Several partners side by side: each has its own entities, people and tokens, and none sees another's."""

import uuid

from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID

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


def test_a_new_partner_can_begin_with_the_seed(api):
    api.monite.add_partner(CLIENT, SECRET, seed=True)
    token = api.mint(client_id=CLIENT, client_secret=SECRET).json()["access_token"]
    path, first = f"/entities/{BAKERY_ID}", api.token()
    before = api.call("GET", path, first).json()
    assert api.call("PATCH", path, token, json={"phone": "+49 30"}).json()["phone"] == "+49 30"
    assert api.call("GET", path, first).json() == before


def test_partners_whose_users_have_the_same_ids_are_apart(api, monite):
    """Both partners have begun with the seed, where ids are fixed."""
    monite.add_partner(CLIENT, SECRET, seed=True)
    first, other = api.token(ANNA_ID), api.mint(ANNA_ID, client_id=CLIENT, client_secret=SECRET)
    assert api.call("DELETE", f"/entity_users/{ANNA_ID}", api.token(), BAKERY_ID).status_code == 204
    assert api.call("GET", "/entity_users/me", first).status_code == 401
    assert api.call("GET", "/entity_users/me", other.json()["access_token"]).status_code == 200


def test_a_client_id_has_several_secrets_during_a_rotation(api, monite):
    api.send("POST", "/_emulator/partners", json={"client_id": CLIENT, "client_secret": SECRET})
    path = f"/_emulator/partners/{CLIENT}/credentials"
    added = api.send("POST", path, json={"client_id": CLIENT}).json()["client_secret"]
    for secret in (SECRET, added):
        assert api.mint(client_id=CLIENT, client_secret=secret).status_code == 200
    monite.add_credentials(CLIENT, "the only one", monite.partners[1])
    for secret in (SECRET, added):
        assert api.mint(client_id=CLIENT, client_secret=secret).status_code == 401


def test_partners_are_made_and_lose_credentials_over_http(api):
    made = api.send("POST", "/_emulator/partners", json={"seed": True}).json()
    pair = {name: made[name] for name in ("client_id", "client_secret")}
    assert api.mint(ANNA_ID, **pair).status_code == 200
    listed = api.send("GET", "/_emulator/partners")
    assert listed.json()["partners"][1]["client_ids"] == [pair["client_id"]]
    assert pair["client_secret"] not in listed.text
    path = f"/_emulator/partners/{pair['client_id']}/credentials"
    more = api.send("POST", path, json={}).json()
    assert api.mint(ANNA_ID, **more).status_code == 200
    assert api.send("DELETE", f"/_emulator/credentials/{pair['client_id']}").status_code == 204
    assert api.mint(ANNA_ID, **pair).status_code == 401
    assert api.mint(ANNA_ID, **more).status_code == 200


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
