"""Minting and revoking tokens, and the headers that every call needs."""

import uuid

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_SECRET

DEAD = {"error": {"message": "The token has been revoked, expired or not found."}}


def test_a_mint_answers_with_a_bearer_token_and_its_life(api):
    answer = api.mint(ANNA_ID)
    assert answer.status_code == 200
    assert answer.json() == {
        "access_token": answer.json()["access_token"],
        "token_type": "Bearer",
        "expires_in": 1800,
    }
    assert len(answer.json()["access_token"]) >= 32


def test_the_life_of_tokens_can_be_set_while_running(api, monite):
    monite.token_life = 86_400
    assert api.mint().json()["expires_in"] == 86_400


def test_tokens_of_one_user_are_independent_of_each_other(api):
    first, second = api.token(ANNA_ID), api.token(ANNA_ID)
    assert first != second
    assert api.revoke(first).status_code == 200
    assert api.call("GET", "/entity_users/me", second).status_code == 200


@pytest.mark.parametrize("wrong", [{"client_secret": "wrong"}, {"client_id": str(uuid.uuid4())}])
def test_wrong_credentials_are_refused_with_401(api, wrong):
    assert api.mint(ANNA_ID, **wrong).status_code == 401
    token = api.token(ANNA_ID)
    assert api.revoke(token, **wrong).status_code == 401
    assert api.call("GET", "/entity_users/me", token).status_code == 200


@pytest.mark.parametrize(
    "malformed",
    [
        {"client_id": "no-uuid"},
        {"grant_type": "password"},
        {"grant_type": "entity_user"},
        {"entity_user_id": "no-uuid"},
        {"grant_type": "entity_user", "entity_user_id": None},
        {"scope": "everything"},
        {"client_secret": None},
        {"client_secret": {"nested": DEMO_CLIENT_SECRET}},
    ],
)
def test_a_malformed_mint_is_refused_with_422_and_without_the_secret(api, malformed):
    answer = api.mint(**malformed)
    assert answer.status_code == 422
    assert DEMO_CLIENT_SECRET not in answer.text
    assert all(set(complaint) == {"loc", "msg", "type"} for complaint in answer.json()["detail"])


def test_a_body_that_is_no_json_is_refused_with_422(api):
    answer = api.call("POST", "/auth/token", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 422


def test_a_mint_for_an_unknown_user_is_refused_with_400(api):
    answer = api.mint(str(uuid.uuid4()))
    assert answer.status_code == 400
    assert "entity user" in answer.json()["error"]["message"]


def test_a_deleted_user_gets_no_token_and_loses_those_they_had(api):
    token = api.token(ANNA_ID)
    assert api.call("DELETE", f"/entity_users/{ANNA_ID}", api.token(), BAKERY_ID).status_code == 204
    assert api.mint(ANNA_ID).status_code == 400
    assert api.call("GET", "/entity_users/me", token).json() == DEAD


def test_a_revoked_token_is_dead_at_once(api):
    token = api.token(ANNA_ID)
    assert api.revoke(token).status_code == 200
    assert (answer := api.call("GET", "/entity_users/me", token)).status_code == 401
    assert answer.json() == DEAD


def test_an_expired_token_is_dead(api, monite):
    token = api.token(ANNA_ID)
    monite.clock.advance(1799)
    assert api.call("GET", "/entity_users/me", token).status_code == 200
    monite.clock.advance(1)
    assert api.call("GET", "/entity_users/me", token).json() == DEAD


def test_an_unknown_token_is_dead(api):
    assert api.call("GET", "/entity_users/me", "unknown").json() == DEAD


@pytest.mark.parametrize("status", [401, 403])
def test_the_status_for_dead_tokens_can_be_chosen(api, monite, status):
    monite.dead_token_status = status
    assert (answer := api.call("GET", "/entity_users/me", "unknown")).status_code == status
    assert answer.json() == DEAD


def test_revoking_a_dead_or_unknown_token_or_one_twice_is_refused_with_400(api, monite):
    partner = api.token()
    token = api.token(ANNA_ID)
    assert api.revoke(token, bearer=partner).status_code == 200
    assert api.revoke(token, bearer=partner).json() == DEAD
    assert api.revoke("unknown", bearer=partner).status_code == 400
    monite.token_life = 60
    short = api.token(ANNA_ID)
    monite.clock.advance(60)
    assert api.revoke(short, bearer=partner).status_code == 400


def test_revoking_needs_a_bearer_token_and_accepts_no_other_fields(api):
    token = api.token(ANNA_ID)
    body = {"client_id": "00000000-0000-0000-0000-000000000000", "client_secret": "x", "token": token}
    assert api.call("POST", "/auth/revoke", json=body).status_code == 401
    answer = api.revoke(token, everything=True)
    assert answer.status_code == 422
    assert token not in answer.text


@pytest.mark.parametrize("authorization", [None, "", "Basic abc", "Bearer", "Bearer "])
def test_a_call_without_a_bearer_token_is_refused_with_401(api, authorization):
    headers = {} if authorization is None else {"authorization": authorization}
    assert api.call("GET", "/entity_users/me", headers=headers).status_code == 401


def test_several_credentials_work_at_once_until_they_are_removed(api, monite):
    other = {"client_id": str(uuid.uuid4()).upper(), "client_secret": "another secret"}
    monite.add_credentials(other["client_id"], other["client_secret"])
    token = api.mint(ANNA_ID, **other).json()["access_token"]
    assert api.mint(ANNA_ID).status_code == 200
    monite.remove_credentials(other["client_id"])
    assert api.mint(ANNA_ID, **other).status_code == 401
    assert api.call("GET", "/entity_users/me", token).status_code == 200


@pytest.mark.parametrize("path", ["/auth/token", "/auth/revoke", "/payables"])
def test_every_call_must_name_an_api_version(api, path):
    answer = api.call("POST", path, headers={"x-monite-version": ""})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["header", "x-monite-version"]


@pytest.mark.parametrize("version", ["latest", "2019-01-01"])
def test_an_unknown_api_version_is_refused(api, version):
    assert api.call("POST", "/auth/token", headers={"x-monite-version": version}).status_code == 422


def test_every_answer_names_its_request_and_the_version(api):
    answers = [api.mint(ANNA_ID), api.mint(ANNA_ID, client_secret="wrong"), api.call("GET", "/nothing")]
    assert len({uuid.UUID(answer.headers["x-request-id"]) for answer in answers}) == 3
    for answer in answers:
        assert answer.headers["x-monite-version"] == "2024-05-25"
        assert float(answer.headers["x-process-time"]) >= 0


def test_answers_name_the_entity_where_it_is_known(api):
    token = api.token(ANNA_ID)
    assert api.call("GET", "/entity_users/me", token).headers["x-monite-entity-id"] == BAKERY_ID
    answer = api.call("GET", "/roles", api.token(), BAKERY_ID)
    assert answer.headers["x-monite-entity-id"] == BAKERY_ID
    assert "x-monite-entity-id" not in api.mint(ANNA_ID).headers


def test_unknown_paths_and_methods_are_refused_in_monites_shape(api):
    token = api.token()
    assert (missing := api.call("GET", "/nothing", token)).status_code == 404
    assert (wrong := api.call("PUT", "/entities", token)).status_code == 405
    assert missing.json()["error"]["message"]
    assert wrong.json()["error"]["message"]
    assert api.send("GET", "/nothing").json()["error"]["message"]
