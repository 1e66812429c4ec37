"""Flask-Login's "remember me": a cookie that restores a session restores the same login, ended or not."""

import time

import pytest
from flask import Flask, request, session
from flask_login import LoginManager, UserMixin, confirm_login, login_user, logout_user

from monite_auth import MemoryStore, TokenBroker
from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth.tokens import steady_clock
from monite_auth_flask import MoniteAuth, current_monite
from tests.waiting import until

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # Flask-Login's

REMEMBER, BESIDE = "remember_token", "remember_token_monite"


class User(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    def __init__(self, name):
        self.id = name


@pytest.fixture
def app(broker):
    return app_of(broker)


def app_of(broker):
    app = Flask(__name__)
    app.secret_key = "s"
    MoniteAuth(app, broker=broker)  # first, so that Flask-Login registers its functions after ours
    manager = LoginManager(app)
    manager.user_loader(User)

    @app.post("/login")
    def login():
        login_user(User(request.args["user"]), remember="remember" in request.args)
        return "in"

    @app.post("/confirm")
    def confirm():
        confirm_login()
        return "confirmed"

    @app.post("/new-login")
    def new_login():
        current_monite.login()
        return "in"

    @app.post("/logout")
    def logout():
        logout_user()
        return "out"

    @app.get("/me")
    def me():
        return current_monite.client.get("/entity_users/me").json()["id"]

    @app.get("/session")
    def session_id():
        return session["_monite"][1] if current_monite else ""

    return app


@pytest.fixture
def client(app):
    client = app.test_client()
    log_in(client)
    assert client.get("/me").text == ANNA_ID
    return client


def log_in(client, user="anna", *, remember=True):
    query = {"user": user} | ({"remember": "1"} if remember else {})
    assert client.post("/login", query_string=query).status_code == 200


def restart(client):
    """Close and reopen the browser: it keeps only the persistent cookies."""
    client.delete_cookie("session")


def copy_of(client):
    """Return another browser with the same persistent cookies."""
    other = client.application.test_client()
    for name in (REMEMBER, BESIDE):
        if (found := client.get_cookie(name)) is not None:
            other.set_cookie(name, found.value)
    return other


def refusal(client):
    answer = client.get("/me")
    return answer.status_code, answer.json["error"]["code"]


def test_a_remembered_user_is_in_the_session_of_their_login(client, emulator):
    first = client.get("/session").text
    restart(client)
    assert client.get("/session").text == first
    assert client.get("/me").text == ANNA_ID
    assert len(emulator.monite.ledger.tokens) == 1
    client.post("/logout")
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    assert client.get_cookie(REMEMBER) is None
    assert client.get_cookie(BESIDE) is None


def test_promise_5_a_remember_cookie_from_before_the_logout_brings_nothing_back(client, emulator):
    thief = copy_of(client)
    client.post("/logout")
    assert refusal(thief) == (401, "session_ended")
    log_in(client)
    assert client.get("/me").text == ANNA_ID
    assert refusal(thief) == (401, "session_ended")


def test_promise_5_a_remember_cookie_from_before_the_end_of_the_user_brings_nothing_back(client, broker):
    never_seen = copy_of(client)
    broker.end_user("anna")
    restart(client)
    assert refusal(client) == (401, "session_ended")
    log_in(client)
    assert client.get("/me").text == ANNA_ID
    restart(client)
    assert client.get("/me").text == ANNA_ID
    assert refusal(never_seen) == (401, "session_ended")


@pytest.mark.parametrize(
    "value",
    [None, "", "nonsense", "someone else's", "signed with another key"],
    ids=lambda value: value or "none",
)
def test_a_remember_cookie_without_the_date_of_its_login_is_too_old(client, app, value):
    if value == "someone else's":
        other = app.test_client()
        log_in(other, "viktor")
        value = other.get_cookie(BESIDE).value
    if value == "signed with another key":
        value = client.get_cookie(BESIDE).value[:-3] + "abc"
    thief = copy_of(client)
    thief.delete_cookie(BESIDE)
    if value is not None:
        thief.set_cookie(BESIDE, value)
    for _ in range(2):
        assert refusal(thief) == (401, "session_ended")
    thief.post("/new-login")  # the app accepts the remembered user as logged in
    assert thief.get("/me").text == ANNA_ID
    restart(thief)
    assert thief.get("/me").text == ANNA_ID


@pytest.mark.parametrize("again", ["/confirm", "/new-login", "/login?user=anna"])
def test_a_login_in_a_browser_that_is_remembered_is_remembered(client, broker, again):
    broker.end_user("anna")
    restart(client)
    assert refusal(client) == (401, "session_ended")
    client.post(again)
    assert client.get("/me").text == ANNA_ID
    restart(client)
    assert client.get("/me").text == ANNA_ID


def test_another_user_in_the_same_browser_is_remembered_as_themselves(client, emulator):
    log_in(client, "viktor")
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    restart(client)
    assert client.get("/me").text == VIKTOR_ID


def test_our_cookie_follows_the_settings_of_flask_logins_cookie(app):
    app.config.update(
        REMEMBER_COOKIE_SECURE=True, REMEMBER_COOKIE_SAMESITE="Strict", REMEMBER_COOKIE_PATH="/in"
    )
    answer = app.test_client().post("/login?user=anna&remember=1")
    (ours,) = [each for each in answer.headers.getlist("set-cookie") if each.startswith(BESIDE)]
    assert {"Secure", "HttpOnly", "Path=/in", "SameSite=Strict"} <= set(ours.split("; "))


def test_a_login_without_remember_me_gets_no_remember_cookie(app):
    client = app.test_client()
    log_in(client, remember=False)
    assert client.get_cookie(BESIDE) is None


def test_the_secret_key_can_be_changed(client, app):
    app.config["SECRET_KEY_FALLBACKS"] = [app.secret_key]
    app.secret_key = "another"
    beside = client.get_cookie(BESIDE).value
    other = app.test_client()
    log_in(other)  # Flask-Login has no fallback keys, so its cookie is new
    other.set_cookie(BESIDE, beside)
    restart(other)
    assert other.get("/session").text
    assert other.get("/me").text == ANNA_ID


# -- cookies without an end


@pytest.fixture
def aging(emulated, broker):
    """An app whose store keeps endings for an hour, and a function that moves the store's clock."""
    ahead = [0.0]

    def clock():
        return steady_clock() + ahead[0]

    store = MemoryStore(session_memory=3600, clock=clock, wall_clock=lambda: time.time() + ahead[0])
    with TokenBroker(emulated, broker._directory, store=store, clock=clock) as aging:

        def wait(seconds):
            ahead[0] += seconds

        yield app_of(aging), wait


def test_promise_5_an_ended_session_stays_ended_however_often_its_cookie_is_signed_anew(aging):
    app, wait = aging
    app.add_url_rule("/note", "note", lambda: session.update(note=1) or "noted")
    client = app.test_client()
    log_in(client)
    client.get("/me")
    kept = {name: client.get_cookie(name).value for name in ("session", REMEMBER, BESIDE)}
    client.post("/logout")
    for name, value in kept.items():
        client.set_cookie(name, value)
    for _ in range(8):
        assert refusal(client) == (401, "session_ended")
        wait(1200)
        assert client.get("/note").headers["set-cookie"].startswith("session=")
    restart(client)  # now with the remember cookie
    for _ in range(8):
        assert refusal(client) == (401, "session_ended")
        wait(1200)
        restart(client)
    log_in(client)
    assert client.get("/me").text == ANNA_ID


def test_a_session_in_use_outlives_the_time_for_which_endings_are_kept(aging):
    app, wait = aging
    client = app.test_client()
    log_in(client)
    for _ in range(6):
        wait(2400)
        restart(client)
        assert client.get("/me").text == ANNA_ID
