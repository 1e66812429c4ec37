"""Promise 5 in Flask: a login that the session had before a request and has no more after it has ended, in whatever way."""

import asyncio

import pytest
from cachelib import SimpleCache
from flask import Blueprint, Flask, Response, abort, after_this_request, request, session, stream_with_context
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin
from flask_session import Session

from monite_auth import Principal, TokenBroker
from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth.testing.adapters.fixtures import StoreWithoutLogouts
from monite_auth_flask import MoniteAuth, current_monite, identify
from tests.integrations.flask_apps import log_in
from tests.waiting import until

# -- ways in which an app keeps who is logged in: how to log in, and how to forget it


class CookieSessions:
    """Flask's own sessions, with the extension's defaults."""

    def prepare(self, app):
        return {}

    def enter(self, user):
        session["user_id"] = user

    def leave(self):
        session.clear()


class OwnWord(CookieSessions):
    """The same, with the app's own `identify`."""

    def prepare(self, app):
        return {"identify": lambda: identify(tenant=session.get("organization"))}


class CarelessWord(CookieSessions):
    """An `identify` that fails if nobody is logged in any more."""

    def prepare(self, app):
        def who():
            if "begun" not in session:
                return None
            return Principal(session["user_id"], session_id=session["begun"]) if session["user_id"] else None

        self.count = 0
        return {"identify": who}

    def enter(self, user):
        self.count += 1
        session.update(user_id=user, begun=str(self.count))

    def leave(self):
        session["user_id"] = None
        del session["user_id"]


class OnTheServer(CookieSessions):
    """Flask-Session: the cookie has only the id of the session."""

    def prepare(self, app):
        app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=SimpleCache())
        Session(app)
        return {}


class ByFlaskLogin(CookieSessions):
    """Flask-Login, with a session that is emptied by hand."""

    def prepare(self, app):
        @LoginManager(app).user_loader
        def load(name):
            user = UserMixin()
            user.id = name
            return user

        return {}

    def enter(self, user):
        session["_user_id"] = user


class OwnSessions:
    """The app's own sessions, such as a table, with a cookie that Flask does not manage."""

    def prepare(self, app):
        self.open = {}
        return {"identify": self.who}

    def who(self):
        sid = request.cookies.get("sid")
        return Principal(self.open[sid], session_id=sid) if sid in self.open else None

    def enter(self, user):
        sid = str(len(self.open))
        self.open[sid] = user

        @after_this_request
        def set_cookie(response):
            response.set_cookie("sid", sid)
            return response

    def leave(self):
        self.open.pop(request.cookies["sid"])


class AbortingSessions(OwnSessions):
    """An `identify` that aborts with 401 if the session of the cookie has ended."""

    def who(self):
        found = super().who()
        if found is None and "sid" in request.cookies:
            abort(401)
        return found


KINDS = [
    CookieSessions,
    OwnWord,
    CarelessWord,
    OnTheServer,
    ByFlaskLogin,
    OwnSessions,
    AbortingSessions,
]

# -- places at which a request logs out


class AppError(Exception):
    """An error of the app."""


class Places:
    """The app's functions. The path of a request tells which of them logs out."""

    def __init__(self, kind):
        self.kind = kind

    def here(self, name):
        """Log out if the request names this place. Return whether it did."""
        if request.path == f"/leave/{name}":
            self.kind.leave()
            return True
        return False

    def before(self):
        self.here("before")
        if self.here("before_raises"):
            raise AppError

    def after(self, response):
        self.here("after")
        if self.here("after_raises"):
            raise AppError
        return response

    def teardown(self, _error=None):
        self.here("teardown")

    def view(self, place):
        if self.here("view"):
            return "out"
        if self.here("view_raises"):
            raise AppError
        if self.here("view_aborts"):
            abort(404)
        if self.here("handled"):
            raise LookupError
        if self.here("interrupted"):
            raise KeyboardInterrupt
        if place.startswith("stream"):
            return Response(stream_with_context(self.parts()))
        return "in"

    async def aview(self, place):
        self.here(f"async/{place}")
        if place == "raises":
            raise AppError
        if place == "cancelled":
            asyncio.current_task().cancel()
            await asyncio.sleep(0)
        return "out"

    def parts(self):
        yield "a"
        self.here("stream")
        self.here("stream_stopped")
        yield "b"
        yield "c"


def site_of(kind, broker):
    """Return a client of an app with that kind of session."""
    app = Flask(__name__)
    app.secret_key = "s"
    app.logger.disabled = True
    given = kind.prepare(app)
    places = Places(kind)
    app.before_request(places.before)
    app.after_request(places.after)  # registered before the extension's, so it runs after it
    app.teardown_request(places.teardown)
    MoniteAuth(app, broker=broker, **given)

    @app.post("/login")
    def login():
        kind.enter(request.args["user"])
        return "in"

    @app.get("/me")
    def me():
        return current_monite.client.get("/entity_users/me").json()["id"]

    blueprint = Blueprint("leaving", __name__, url_prefix="/leave")
    blueprint.errorhandler(LookupError)(lambda _: ("handled", 200))
    blueprint.add_url_rule("/<place>", view_func=places.view)
    blueprint.add_url_rule("/async/<place>", view_func=places.aview)
    app.register_blueprint(blueprint)
    return app.test_client()


def cookies_of(client):
    return {cookie.key: cookie.value for cookie in client._cookies.values()}


def put(client, cookies):
    for name, value in cookies.items():
        client.set_cookie(name, value)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param()


PLACES = [
    *("view", "view_raises", "view_aborts", "handled", "interrupted", "before", "before_raises"),
    *("after", "after_raises", "teardown", "stream", "stream_stopped"),
    *("async/returns", "async/raises", "async/cancelled"),
]


@pytest.mark.parametrize("place", PLACES)
def test_promise_5_a_session_that_a_request_forgets_has_ended(broker, emulator, kind, place):
    client = site_of(kind, broker)
    client.application.config["PROPAGATE_EXCEPTIONS"] = kind.__class__ in (CookieSessions, OwnSessions)
    log_in(client)
    assert client.get("/me").text == ANNA_ID
    cookies = cookies_of(client)
    try:
        answer = client.get(f"/leave/{place}", buffered=False)
        if place == "stream_stopped":
            iterator = iter(answer.response)
            assert [next(iterator), next(iterator)] == [b"a", b"b"]
        else:
            _ = answer.data
        answer.close()
    except (AppError, KeyboardInterrupt, asyncio.CancelledError):
        pass
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    put(client, cookies)
    assert client.get("/me").status_code == 401
    assert len(emulator.monite.ledger.mints(ANNA_ID)) == 1


@pytest.mark.parametrize("place", ["nowhere", "stream_nothing"])
def test_a_session_that_is_kept_goes_on(broker, emulator, kind, place):
    client = site_of(kind, broker)
    log_in(client)
    for _ in range(2):
        assert client.get("/me").text == ANNA_ID
        assert client.get(f"/leave/{place}").status_code == 200
    assert len(emulator.monite.ledger.tokens) == 1
    assert emulator.monite.ledger.live(ANNA_ID)


def test_an_identify_that_raises_an_http_answer_is_answered_with_it(broker, emulator):
    client = site_of(kind := AbortingSessions(), broker)
    log_in(client)
    assert client.get("/me").text == ANNA_ID
    kind.open.clear()
    assert client.get("/me").status_code == 401
    assert client.get("/leave/nowhere").status_code == 401


def test_a_session_interface_that_empties_the_session_when_it_saves_it_ends_it(broker, emulator):
    class Saving(SecureCookieSessionInterface):
        def save_session(self, app, session, response):
            if request.path == "/leave/nowhere":
                session.clear()
            super().save_session(app, session, response)

    client = site_of(CookieSessions(), broker)
    client.application.session_interface = Saving()
    log_in(client)
    client.get("/me")
    assert client.get("/leave/nowhere").status_code == 200
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))


def test_a_store_that_is_down_at_the_very_end_breaks_no_answer(emulated, caplog):
    client = site_of(CookieSessions(), TokenBroker(emulated, {}, store=StoreWithoutLogouts()))
    log_in(client)
    assert client.get("/leave/teardown").status_code == 200
    assert "A logout could not be recorded" in caplog.text


# -- impersonation


def test_an_impersonation_ends_with_its_session_and_so_does_the_administrators(broker, emulator):
    """The session's user changes from the administrator to the customer and back."""
    client = site_of(CookieSessions(), broker)
    log_in(client, "viktor")
    assert client.get("/me").text == VIKTOR_ID
    log_in(client, "anna")
    until(lambda: not emulator.monite.ledger.live(VIKTOR_ID))
    assert client.get("/me").text == ANNA_ID
    log_in(client, "viktor")
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    assert client.get("/me").text == VIKTOR_ID


def test_flask_logins_request_user_acts_and_ends_with_the_administrators_session(broker, emulator):
    """The request's user differs from the session's user while the session names a customer."""
    client = site_of(ByFlaskLogin(), broker)
    app = client.application

    @app.before_request
    def see_as_customer():
        if "customer" in session:
            user = UserMixin()
            user.id = session["customer"]
            app.login_manager._update_request_context_with_user(user)

    @app.post("/customer")
    def see_as():
        session["customer"] = request.args["user"]
        return "seeing"

    @app.post("/back")
    def back():
        session.pop("customer")
        return "back"

    @app.post("/note")
    def note():
        session["note"] = session.get("note", 0) + 1
        return "noted"

    log_in(client, "viktor")
    assert client.get("/me").text == VIKTOR_ID
    for leave in ("/back", "/leave/view"):
        client.post("/customer", query_string={"user": "anna"})
        for _ in range(2):
            assert client.get("/me").text == ANNA_ID
            client.post("/note")
        assert len(emulator.monite.ledger.live(ANNA_ID)) == 1
        until(lambda: not emulator.monite.ledger.live(VIKTOR_ID))  # in the background
        client.open(leave, method="GET" if "view" in leave else "POST")
        if leave == "/back":
            assert client.get("/me").text == VIKTOR_ID
        until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    assert len(emulator.monite.ledger.mints(ANNA_ID)) == 2
