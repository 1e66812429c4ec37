"""Flask apps that say themselves who is logged in, by an `identify` of their own."""

import pytest
from flask import Flask, request, session

from monite_auth import Principal
from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth_flask import MoniteAuth, current_monite, identify
from tests.integrations.flask_apps import ASYNC, SYNC, app_of, cookie_of, live, log_in
from tests.waiting import until


@pytest.mark.parametrize("is_async", [False, True])
def test_an_app_can_identify_its_users_itself(broker, emulator, is_async):

    def identify():
        user = request.headers.get("x-user")
        return Principal(user, session_id=request.headers["x-session"]) if user else None

    async def aidentify():
        return identify()

    client = app_of(broker, identify=aidentify if is_async else identify).test_client()
    headers = {"x-user": "anna", "x-session": "one"}
    for views in (SYNC, ASYNC):
        answer = client.get(views + "/facts", headers=headers)
        assert answer.json == {"logged_in": True, "user": "anna", "session": "one"}
        assert client.get(views + "/me", headers=headers).json["id"] == ANNA_ID
    assert client.get("/facts").json["logged_in"] is False


def test_promise_5_a_user_whom_identify_no_longer_names_after_the_view_is_logged_out(broker, emulator):
    app = Flask(__name__)
    monite = MoniteAuth(broker=broker)
    people = {"one": "anna"}

    @monite.identify
    def identify():
        return Principal(people["one"], session_id="one") if "one" in people else None

    monite.init_app(app)

    @app.get("/me")
    def me():
        return current_monite.client.get("/entity_users/me").json()

    @app.post("/leave")
    def leave():
        return people.pop("one")

    client = app.test_client()
    assert client.get("/me").json["id"] == ANNA_ID
    client.post("/leave")
    until(lambda: live(emulator) == 0)
    people["one"] = "anna"
    assert client.get("/me").json["error"]["code"] == "session_ended"


def test_the_app_names_the_tenant_and_the_session_gets_its_id_at_login(broker):
    from monite_auth.adapter.sessions import bind_principal

    def identify():
        return bind_principal(session, session.get("user_id"), tenant=session.get("organization"))

    app = app_of(broker, identify=identify)
    client = app.test_client()
    log_in(client)
    at_login = cookie_of(client)
    first = client.get("/facts").json["session"]
    assert first is not None
    assert cookie_of(client) == at_login
    client.post("/logout")
    log_in(client)
    assert client.get("/facts").json["session"] not in (first, None)


@pytest.mark.parametrize("form", ["def", "async def"])
def test_pages_vary_by_cookie_only_if_they_use_an_identify_that_reads_the_session(broker, form):
    def who():
        return identify(tenant=session.get("organization"))

    async def awho():
        return who()

    client = app_of(broker, identify=who if form == "def" else awho).test_client()
    log_in(client)
    assert "vary" not in client.get("/plain").headers
    assert client.get("/facts").headers["vary"] == "Cookie"
    client.post("/logout")
    assert "vary" not in client.get("/plain").headers
    assert client.get("/facts").headers["vary"] == "Cookie"


def test_a_session_that_an_own_identify_does_not_ask_about_goes_on(broker, emulator):
    """A request with an API key acts as another user. It logs nobody out."""

    def who():
        key = request.headers.get("x-key")
        return Principal(key, session_id="key") if key else identify()

    client = app_of(broker, identify=who).test_client()
    log_in(client)
    assert client.get("/me").json["id"] == ANNA_ID
    assert client.get("/me", headers={"x-key": "viktor"}).json["id"] == VIKTOR_ID
    assert client.get("/me").json["id"] == ANNA_ID
    assert len(emulator.monite.ledger.tokens) == 2


def test_an_app_that_answers_before_its_own_identify_is_asked_is_not_asked_afterwards(broker):
    from flask import g

    app = Flask(__name__)
    app.before_request(lambda: "maintenance")
    MoniteAuth(app, broker=broker, identify=lambda: Principal(g.user, session_id="one"))
    assert app.test_client().get("/anything").text == "maintenance"
