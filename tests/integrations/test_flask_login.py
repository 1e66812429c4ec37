"""Flask-Login with the Flask extension: its users, its logout, and users it remembers."""

import pytest
from flask import Response, session, stream_with_context
from flask_login import current_user

from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth_flask import current_monite
from tests.integrations.flask_apps import User, app_of, both, live, log_in
from tests.waiting import until


@pytest.fixture
def app(broker):
    return app_of(broker, flask_login=True)


@pytest.fixture
def client(app):
    return app.test_client()


@both
def test_flask_logins_user_is_the_principal(client, emulator, views):
    assert client.get(views + "/me").status_code == 401
    log_in(client)
    facts = client.get(views + "/facts").json
    assert (facts["logged_in"], facts["user"]) == (True, "anna")
    assert facts["session"] is not None
    for _ in range(2):
        assert client.get(views + "/me").json["id"] == ANNA_ID
    assert len(emulator.monite.ledger.tokens) == 1


def test_a_page_that_does_not_use_monite_loads_no_user(client, app):
    log_in(client)
    app.loaded.clear()
    client.get("/plain")
    assert app.loaded == []


@both
def test_promise_5_logout_user_revokes_and_an_old_cookie_is_worth_nothing(client, emulator, views):
    log_in(client)
    client.get(views + "/me")
    old = client.get_cookie("session").value
    client.post(views + "/logout")
    until(lambda: live(emulator) == 0)
    client.set_cookie("session", old)
    refusal = client.get(views + "/me")
    assert (refusal.status_code, refusal.json["error"]["code"]) == (401, "session_ended")
    assert len(emulator.monite.ledger.tokens) == 1


def test_logout_user_takes_effect_within_the_request(client, emulator):
    log_in(client)
    client.get("/me")
    refusal = client.post("/logout-and-ask")
    assert (refusal.status_code, refusal.json["error"]["code"]) == (401, "session_ended")
    assert len(emulator.monite.ledger.tokens) == 1


@both
def test_another_login_in_the_same_session_logs_the_first_one_out(client, emulator, views):
    log_in(client, "anna")
    client.get(views + "/me")
    log_in(client, "viktor")
    until(lambda: live(emulator) == 0)
    assert client.get(views + "/me").json["id"] == VIKTOR_ID


def test_a_login_after_a_logout_elsewhere_is_a_session_that_has_not_ended(client, broker):
    log_in(client)
    client.get("/me")
    broker.end_user("anna")
    assert client.get("/me").json["error"]["code"] == "session_ended"
    log_in(client)  # without a logout, and without emptying the session
    assert client.get("/me").json["id"] == ANNA_ID


def test_a_user_whose_account_is_deleted_is_anonymous_and_their_tokens_end(client, broker, emulator):
    from monite_auth import Principal

    log_in(client, "gone")
    with client.session_transaction() as arriving:
        session_id = arriving["_monite"][1]
    assert client.get("/facts").json["logged_in"] is False
    with pytest.raises(Exception, match="has ended"):
        broker.token(Principal("gone", session_id=session_id))


def test_an_api_key_has_no_session_and_gets_none(client, emulator):
    headers = {"x-api-key": "anna"}
    for _ in range(2):
        assert client.get("/me", headers=headers).json["id"] == ANNA_ID
    answer = client.get("/facts", headers=headers)
    assert answer.json == {"logged_in": True, "user": "anna", "session": None}
    assert "Set-Cookie" not in answer.headers
    assert live(emulator) == 1


def test_an_api_keys_user_stays_when_the_session_is_used_for_something_else(client, emulator):
    headers = {"x-api-key": "anna"}
    for _ in range(2):
        assert client.post("/note", headers=headers).text == ANNA_ID
    assert len(emulator.monite.ledger.tokens) == 1


def test_a_user_object_that_has_lost_its_database_session_breaks_no_answer_and_no_stream(broker, emulator):
    class Row(User):
        detached = False

        def get_id(self):
            assert not self.detached
            return self.id

    app = app_of(broker, flask_login=True)
    app.login_manager.user_loader(Row)

    @app.get("/last-look")
    def last_look():
        def parts():
            yield str(current_monite.token().expires_in > 0)

        session["note"] = current_monite.principal.user_id
        current_user.detached = True
        return Response(stream_with_context(parts()))

    client = app.test_client()
    log_in(client)
    first = client.get("/facts").json["session"]
    answer = client.get("/last-look")
    assert (answer.status_code, answer.text) == (200, "True")
    assert client.get("/facts").json["session"] == first
