"""Flask apps for the tests: the same views as `def` and as `async def`, with plain sessions or Flask-Login."""

import pytest
from flask import Flask, Response, current_app, jsonify, request, session, stream_with_context
from flask_login import (
    LoginManager,
    UserMixin,
    login_user,
    logout_user,
)

from monite_auth import TokenBroker, errors
from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth_flask import MoniteAuth, current_monite, monite_blueprint

SYNC, ASYNC = "", "/async"
"""The URL prefixes of the `def` and the `async def` views."""

both = pytest.mark.parametrize("views", [SYNC, ASYNC], ids=["def", "async def"])


def log_in(client, user="anna", **query):
    assert client.post("/login", query_string={"user": user, **query}).status_code == 200


def logged_in(app, user="anna"):
    """Return a client of an app in which somebody has logged in."""
    client = app.test_client()
    log_in(client, user)
    return client


def cookie_of(client):
    return client.get_cookie("session").value


def config_of(emulator):
    """Return what an app's config needs to have a broker of its own."""
    return {
        "MONITE_CLIENT_ID": DEMO_CLIENT_ID,
        "MONITE_CLIENT_SECRET": DEMO_CLIENT_SECRET,
        "MONITE_BASE_URL": emulator.api_url,
        "MONITE_REQUESTS_PER_SECOND": 1000,
    }


def live(emulator, entity_user_id=ANNA_ID):
    return len(emulator.monite.ledger.live(entity_user_id))


def app_of(broker: TokenBroker | None = None, *, allowed_origins=(), flask_login=False, **given) -> Flask:
    """Return a new app. Without `broker` it builds one from its config."""
    app = Flask(__name__)
    app.secret_key = "s"
    if flask_login:
        add_flask_login(app)
    else:
        add_plain_login(app)
    add_views(app)
    MoniteAuth(app, broker=broker, **given)
    app.register_blueprint(monite_blueprint(allowed_origins=allowed_origins), url_prefix="/monite")
    return app


def add_plain_login(app):
    @app.post("/login")
    @app.post("/async/login", endpoint="alogin")
    def login():
        session["user_id"] = request.args["user"]
        return "in"

    @app.post("/logout")
    def logout():
        session.clear()
        return "out"

    @app.post("/async/logout")
    async def alogout():
        session.clear()
        return "out"

    @app.post("/logout-by-hand")
    def logout_by_hand():
        current_monite.logout()
        session.pop("user_id")
        return "out"

    @app.post("/async/logout-by-hand")
    async def alogout_by_hand():
        await current_monite.alogout()
        session.pop("user_id")
        return "out"


class User(UserMixin):  # type: ignore[misc]  # see above
    def __init__(self, name):
        self.id = name


def add_flask_login(app):
    manager = LoginManager(app)
    app.loaded = []

    @manager.user_loader
    def load(name):
        app.loaded.append(name)
        return None if name == "gone" else User(name)

    @manager.request_loader
    def load_by_key(asked):
        name = asked.headers.get("x-api-key")
        return User(name) if name else None

    @app.post("/login")
    @app.post("/async/login", endpoint="alogin")
    def login():
        login_user(User(request.args["user"]), remember="remember" in request.args)
        return "in"

    @app.post("/logout")
    def logout():
        logout_user()
        return "out"

    @app.post("/async/logout")
    async def alogout():
        logout_user()
        return "out"

    @app.post("/logout-and-ask")
    def logout_and_ask():
        access = current_monite._get_current_object()
        logout_user()
        return access.token().authorization


def add_views(app):
    @app.post("/note")
    def note():
        session["note"] = session.get("note", 0) + 1
        return current_monite.client.get("/entity_users/me").json()["id"]

    @app.get("/plain")
    def plain():
        return "nothing to do with anybody"

    @app.get("/me")
    def me():
        answer = current_monite.client.get("/entity_users/me")
        return answer.json(), answer.status_code

    @app.get("/async/me")
    async def ame():
        answer = await current_monite.aclient.get("/entity_users/me")
        return answer.json(), answer.status_code

    @app.get("/entity-user")
    def entity_user():
        assert current_monite.headers()["x-monite-entity-id"] == current_monite.entity_user().entity_id
        return current_monite.entity_user().entity_user_id

    @app.get("/async/entity-user")
    async def aentity_user():
        headers = await current_monite.aheaders()
        found = await current_monite.aentity_user()
        assert headers["x-monite-entity-id"] == found.entity_id
        return found.entity_user_id

    @app.get("/async/token")
    async def atoken():
        return str((await current_monite.atoken()).expires_in)

    @app.get("/facts")
    def facts():
        return facts_now()

    @app.get("/async/facts")
    async def afacts():
        return facts_now()

    @app.post("/switch")
    def switch():
        before = current_monite.client.get("/entity_users/me").json()["id"]
        session["user_id"] = request.args["user"]
        return jsonify([before, current_monite.client.get("/entity_users/me").json()["id"]])

    @app.get("/stream")
    def stream():
        def parts():
            yield "a"
            yield str(current_monite.token().expires_in > 0)

        return Response(stream_with_context(parts()))

    @app.get("/broken")
    def broken():
        current_monite.token()
        raise errors.ConfigurationError("something is set wrongly")

    @app.post("/logout-and-fail")
    def logout_and_fail():
        session.clear()
        current_app.no_such_thing  # noqa: B018


def facts_now():
    principal = current_monite.principal
    return {
        "logged_in": bool(current_monite),
        "user": principal and principal.user_id,
        "session": principal and principal.session_id,
    }
