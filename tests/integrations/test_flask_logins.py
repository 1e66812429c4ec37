"""New logins in Flask: how an app reports one without emptying the session, and what the store is told."""

import pytest
from flask import Flask, request, session
from flask_login import LoginManager, UserMixin, login_user

from monite_auth import MemoryStore, Principal, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth.stores.memory.operations import MemoryOperations
from monite_auth_flask import MoniteAuth, current_monite, identify
from tests.waiting import until

both = pytest.mark.parametrize("path", ["/login", "/async/login"], ids=["def", "async def"])


def in_tenant():
    return identify(tenant=session.get("organization"))


async def ain_tenant():
    return in_tenant()


own_or_not = pytest.mark.parametrize("own", [None, in_tenant, ain_tenant])


def site_of(broker, **given):
    """Return a client of an app whose login does not empty the session."""
    app = Flask(__name__)
    app.secret_key = "s"
    MoniteAuth(app, broker=broker, **given)

    @app.post("/login")
    def login():
        session["user_id"] = request.args["user"]
        current_monite.login()
        return current_monite.client.get("/entity_users/me").json()["id"]

    @app.post("/async/login")
    async def alogin():
        session["user_id"] = request.args["user"]
        await current_monite.alogin()
        return (await current_monite.aclient.get("/entity_users/me")).json()["id"]

    @app.post("/silent-login")
    def silent_login():
        session["user_id"] = request.args["user"]
        return "in"

    @app.post("/logout-by-hand")
    def logout_by_hand():
        current_monite.logout()
        return "out"

    @app.get("/plain")
    def plain():
        return "nothing"

    @app.get("/me")
    def me():
        return current_monite.client.get("/entity_users/me").json()["id"]

    return app.test_client()


@both
@own_or_not
def test_a_second_login_in_the_same_session_gets_tokens_again(broker, path, own):
    client = site_of(broker, identify=own)
    assert client.post(path, query_string={"user": "anna"}).text == ANNA_ID
    broker.end_user("anna")
    assert client.get("/me").json["error"]["code"] == "session_ended"
    assert client.post(path, query_string={"user": "anna"}).text == ANNA_ID
    client.post("/logout-by-hand")
    assert client.get("/me").json["error"]["code"] == "session_ended"
    assert client.post(path, query_string={"user": "anna"}).text == ANNA_ID
    assert client.get("/me").text == ANNA_ID


@both
@own_or_not
def test_a_login_ends_the_sessions_earlier_login(broker, emulator, path, own):
    client = site_of(broker, identify=own)
    client.post(path, query_string={"user": "anna"})
    old = client.get_cookie("session").value
    assert client.post(path, query_string={"user": "viktor"}).text == VIKTOR_ID
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    client.post(path, query_string={"user": "viktor"})
    assert client.get("/me").text == VIKTOR_ID
    client.set_cookie("session", old)
    assert client.get("/me").json["error"]["code"] == "session_ended"


def test_a_login_without_a_user_is_a_mistake(broker):
    client = site_of(broker)
    client.application.add_url_rule("/mistake", view_func=lambda: current_monite.login() or "in")
    assert client.get("/mistake").json["error"]["code"] == "not_logged_in"


def test_an_own_identify_that_names_the_same_session_again_is_explained(broker):
    client = site_of(broker, identify=lambda: Principal("anna", session_id="always"))
    client.application.testing = True
    with pytest.raises(errors.ConfigurationError, match="name a new session_id"):
        client.post("/login", query_string={"user": "anna"})
    assert client.get("/me").text == ANNA_ID


def test_an_own_identify_with_its_own_session_ids_reports_logins_too(broker, emulator):
    ids = ["one"]
    client = site_of(broker, identify=lambda: Principal("anna", session_id=ids[-1]))

    def log_in_again():
        ids.append("two")
        current_monite.login()
        return str(current_monite.principal.session_id)

    client.application.add_url_rule("/again", view_func=log_in_again)
    assert client.get("/me").text == ANNA_ID
    assert client.get("/again").text == "two"
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    assert client.get("/me").text == ANNA_ID
    ids.append("one")
    assert client.get("/me").json["error"]["code"] == "session_ended"


def told_store(told):
    """Return a memory store that records which sessions it is told of."""

    class ToldOperations(MemoryOperations):
        async def begin_session(self, principal):
            told.append((principal.user_id, principal.session_id))
            await super().begin_session(principal)

    return MemoryStore(make_operations=ToldOperations)


@pytest.fixture
def told():
    return []


@pytest.fixture
def telling(emulated, told, broker):
    with TokenBroker(emulated, broker._directory, store=told_store(told)) as telling:
        yield telling


@pytest.mark.parametrize("path", ["/login", "/async/login", "/silent-login"])
@own_or_not
def test_the_store_is_told_of_a_login_once_and_of_nothing_else(telling, told, path, own):
    client = site_of(telling, identify=own)
    client.get("/plain")
    assert told == []
    client.post(path, query_string={"user": "anna"})
    with client.session_transaction() as kept:
        assert told == [("anna", kept["_monite"][1])]
    client.get("/me")
    client.get("/plain")
    client.post("/silent-login", query_string={"user": "anna"})
    assert len(told) == 1
    client.post(path, query_string={"user": "viktor"})
    assert [user for user, _ in told] == ["anna", "viktor"]


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # Flask-Login's
def test_flask_login_reports_logins_to_the_store_but_not_remembered_ones(telling, told):
    client = site_of(telling)
    LoginManager(client.application).user_loader(user_of)
    client.application.add_url_rule(
        "/in", view_func=lambda: str(login_user(user_of("anna"), remember=True)), methods=["POST"]
    )
    client.post("/in")
    assert client.get("/me").text == ANNA_ID
    assert len(told) == 1
    client.delete_cookie("session")
    assert client.get("/me").text == ANNA_ID
    assert len(told) == 1
    client.post("/in")
    assert len(told) == 2


def user_of(name):
    user = UserMixin()
    user.id = name
    return user


def test_a_login_works_where_monite_is_not_configured(monkeypatch):
    for name in ("CLIENT_ID", "CLIENT_SECRET", "BASE_URL", "ENVIRONMENT"):
        monkeypatch.delenv("MONITE_" + name, raising=False)
    app = Flask(__name__)
    app.secret_key = "s"
    app.testing = True
    MoniteAuth(app, directory={})
    app.add_url_rule("/in", view_func=lambda: session.update(user_id="anna") or "in")
    assert app.test_client().get("/in").text == "in"
