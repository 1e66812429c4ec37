"""The code on the pages about Flask runs, in order, as one program, and does what they say."""

import time
from datetime import timedelta

import pytest
from flask import Flask, session

from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.errors import SessionEnded
from monite_auth_flask import MoniteAuth, current_monite
from tests.redis_server import RedisServer
from tests.test_documentation import run_page
from tests.waiting import until


@pytest.fixture
def names(emulator, monkeypatch):
    """The names that the pages' code defines."""
    monkeypatch.setenv("MONITE_BASE_URL", emulator.api_url)
    monkeypatch.setenv("MONITE_CLIENT_ID", DEMO_CLIENT_ID)
    monkeypatch.setenv("MONITE_CLIENT_SECRET", DEMO_CLIENT_SECRET)
    names = {"__name__": "app"}
    for page in ("start-flask", "flask", "flask-sessions"):
        run_page(f"docs/{page}.md", names)
    for page in ("server-side-sessions", "jwt", "organizations", "jobs", "roles"):
        run_page(f"docs/{page}.md", names, section="Flask")
    yield names
    names["app"].extensions["monite_auth"].broker.close()


def test_the_page_on_flask(names, emulator):
    app = names["app"]
    client = app.test_client()
    assert client.get("/invoices").location == "/login"  # the page's own error handler
    client.post("/login", data={"user": "anna"})
    assert len(client.get("/invoices").json["data"]) > 0
    version = {"x-monite-version": "2024-05-25"}
    assert client.get("/monite/api/payables?limit=3", headers=version).json["data"]
    checked = app.test_cli_runner().invoke(args=["monite", "check", "--user", "anna"]).output
    assert "its tokens live 30 minutes" in checked
    assert checked.endswith("and says the same.\n")
    assert client.post("/invoices", json={"document_id": "X-1"}).json["was_created_by_user_id"] == ANNA_ID
    client.post("/organization", data={"organization": "books"})
    app.extensions["monite_auth"].broker.end_user("anna")
    assert client.get("/invoices").location == "/login"
    client.post("/oauth/callback", data={"user": "anna"})
    assert client.get("/invoices").status_code == 200
    client.post("/logout")
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    app.extensions["monite_auth"].broker.close()

    assert "monite" in names["create_app"]().blueprints
    with app.test_request_context(headers={"x-user": "anna", "x-session": "one"}):
        assert names["who"]().session_id == "one"
        assert names["who_and_where"]() is None


def test_the_pages_jobs(names, emulator):
    app = names["app"]
    with app.test_request_context():
        session["user_id"] = "anna"
        job = names["queue_export"]()
        broker = current_monite.broker
    names["monite"] = type("OfThatApp", (), {"broker": broker})
    assert len(names["export"](job)) > 0
    broker.end_user("anna")
    with pytest.raises(SessionEnded):
        names["export"](job)
    broker.close()


def test_the_pages_jwts(names, emulator):
    api = names["create_api"]("secret" * 8)
    client = api.test_client()

    def get(token, path="/invoices", **more):
        return client.open(path, headers={"authorization": f"Bearer {token}"}, **more)

    assert client.get("/invoices").status_code == 401
    assert get("nonsense").status_code in (401, 422)
    given = client.post("/login", data={"user": "anna"}).json
    assert len(get(given["access"]).json["data"]) > 0
    refreshed = get(given["refresh"], "/refresh", method="POST").json["access"]
    assert get(refreshed).status_code == 200
    assert get(refreshed, "/logout", method="POST").status_code == 200
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    assert get(given["access"]).json["error"]["code"] == "session_ended"
    assert get(refreshed).json["error"]["code"] == "session_ended"
    again = get(given["refresh"], "/refresh", method="POST").json["access"]
    assert get(again).json["error"]["code"] == "session_ended"

    broker = api.extensions["monite_auth"].broker
    other = client.post("/login", data={"user": "anna"}).json
    assert get(other["access"]).status_code == 200
    broker.end_user("anna")
    again = get(other["refresh"], "/refresh", method="POST").json["access"]
    assert get(again).json["error"]["code"] == "session_ended"
    assert get(client.post("/login", data={"user": "anna"}).json["access"]).status_code == 200
    broker.close()


def test_promise_4_the_pages_jwt_that_runs_out_during_a_request_is_no_logout(names, emulator):
    api = names["create_api"]("secret" * 8)
    api.config["JWT_DECODE_LEEWAY"] = 60

    @api.get("/slow")
    def slow():
        api.config["JWT_DECODE_LEEWAY"] = 0  # as if so much time had passed
        return current_monite.token().fingerprint

    with api.app_context():
        claims = {"sid": "1", "auth_time": time.time()}
        token = names["create_access_token"](
            "anna", expires_delta=timedelta(seconds=-9), additional_claims=claims
        )
    client, bearer = api.test_client(), {"authorization": f"Bearer {token}"}
    assert client.get("/slow", headers=bearer).status_code == 200
    assert client.get("/invoices", headers=bearer).json == {"msg": "Token has expired"}
    api.config["JWT_DECODE_LEEWAY"] = 60  # as if it had been refreshed
    assert client.get("/invoices", headers=bearer).status_code == 200
    api.extensions["monite_auth"].broker.close()


def test_the_pages_sessions_in_redis(names, emulator):
    server = RedisServer().start()
    try:
        sessions = names["RedisSessions"](f"redis://127.0.0.1:{server.port}/0")
        app = Flask("redis-sessions")
        monite = MoniteAuth(app, directory=names["PEOPLE"], identify=sessions.principal)
        app.add_url_rule("/me", "me", lambda: current_monite.client.get("/entity_users/me").json()["id"])
        client, key = app.test_client(), sessions.begin("anna")

        def leave():
            sessions.end(key)
            raise RuntimeError

        app.add_url_rule("/leave", "leave", leave)
        app.logger.disabled = True
        assert client.get("/me").status_code == 401
        client.set_cookie("key", key)
        assert client.get("/me").text == ANNA_ID
        assert sessions.redis.ttl(f"session:{key}") > 0
        kept = sessions.redis.hgetall(f"session:{key}")
        assert client.get("/leave").status_code == 500
        until(lambda: not emulator.monite.ledger.live(ANNA_ID))
        sessions.redis.hset(f"session:{key}", mapping=kept)
        assert client.get("/me").json["error"]["code"] == "session_ended"
        client.set_cookie("key", sessions.begin("anna"))
        assert client.get("/me").text == ANNA_ID
        assert float(kept["began_at"]) <= time.time()
        with app.app_context():
            monite.broker.close()
        sessions.redis.close()
    finally:
        server.close()
