"""Answers to errors in Flask, and answers that no cache may keep."""

import asyncio
import logging

import httpx
import httpx2
import pytest
from flask import Blueprint, Flask, Response, make_response, request, session, stream_with_context
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from monite_auth import EntityUser, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, Fault
from monite_auth_flask import MoniteAuth, current_monite, forward, monite_blueprint


def site_of(broker, *blueprints, **given):
    """Return an app whose views fail in several ways."""
    app = Flask(__name__)
    app.secret_key = "s"
    app.logger.disabled = True
    MoniteAuth(app, broker=broker, **given)
    app.register_blueprint(monite_blueprint(), url_prefix="/monite")
    for blueprint in (app, *blueprints):
        add_views(blueprint)
        if blueprint is not app:
            app.register_blueprint(blueprint, url_prefix="/inner")
    return app


def add_views(app):
    @app.post("/login")
    def login():
        session["user_id"] = request.args["user"]
        return "in"

    @app.get("/me")
    def me():
        return forward(current_monite.client.get("/entity_users/me"))

    @app.get("/async/me")
    async def ame():
        return forward(await current_monite.aclient.get("/entity_users/me"))

    @app.get("/together")
    async def together():
        async with asyncio.TaskGroup() as group:
            first = group.create_task(current_monite.aclient.get("/entity_users/me"))
            group.create_task(current_monite.aclient.get("/payables"))
        return forward(first.result())

    @app.get("/raise/<name>")
    def raise_it(name):
        raise RAISED[name]


RAISED = {
    "ours": ExceptionGroup("", [errors.NotLinked("a"), errors.NotLinked("b")]),
    "nested": ExceptionGroup("", [ExceptionGroup("", [errors.NotLinked("a")]), errors.SessionEnded("b")]),
    "mixed": ExceptionGroup("", [errors.NotLinked("a"), LookupError("b")]),
    "theirs": ExceptionGroup("", [LookupError("a")]),
    "elsewhere": httpx.ConnectError("x", request=httpx.Request("GET", "https://other.example/")),
    "no request": httpx.ConnectError("x"),
    "misconfigured": ExceptionGroup("", [errors.ConfigurationError("something is set wrongly")]),
}


def logged_in(app, user="anna", where=""):
    client = app.test_client()
    assert client.post(where + "/login", query_string={"user": user}).status_code == 200
    return client


def refusal(answer):
    return answer.status_code, answer.json["error"]["code"]


# -- groups of errors


def test_errors_of_tasks_get_their_own_status(broker):
    app = site_of(broker)
    assert logged_in(app).get("/together").json["id"] == ANNA_ID
    assert refusal(logged_in(app, "stranger").get("/together")) == (403, "not_linked")
    assert refusal(app.test_client().get("/together")) == (401, "not_logged_in")


@pytest.mark.parametrize(
    ("name", "status"), [("ours", 403), ("nested", 403), ("mixed", 500), ("theirs", 500), ("elsewhere", 500)]
)
def test_a_group_is_answered_only_if_all_its_errors_are_ours(broker, name, status):
    assert site_of(broker).test_client().get(f"/raise/{name}").status_code == status


def test_errors_that_are_not_ours_are_left_to_the_app(broker):
    app = site_of(broker)
    app.testing = True
    for name in ("mixed", "theirs", "elsewhere", "no request"):
        with pytest.raises(type(RAISED[name])) as caught:
            app.test_client().get(f"/raise/{name}")
        assert caught.value is RAISED[name]
    with pytest.raises(errors.ConfigurationError, match="set wrongly"):
        app.test_client().get("/raise/misconfigured")


@pytest.mark.parametrize("first", ["handlers", "extension"])
def test_the_apps_own_handlers_come_first_whenever_they_are_registered(broker, first):
    app = Flask(__name__)
    app.secret_key = "s"
    if first == "extension":
        MoniteAuth(app, broker=broker)
    app.register_error_handler(ExceptionGroup, lambda error: (f"group of {len(error.exceptions)}", 418))
    app.register_error_handler(httpx.HTTPError, lambda error: (type(error).__name__, 418))
    if first == "handlers":
        MoniteAuth(app, broker=broker)
    add_views(app)
    client = app.test_client()
    assert client.get("/raise/ours").text == "group of 2"
    assert client.get("/raise/theirs").text == "group of 1"
    assert client.get("/raise/elsewhere").text == "ConnectError"


@pytest.mark.parametrize("form", ["def", "async def"])
def test_a_catch_all_handler_gets_errors_that_are_not_ours(broker, form):
    def sorry(error):
        return "sorry", 418

    async def asorry(error):
        return sorry(error)

    app = site_of(broker)
    app.register_error_handler(Exception, sorry if form == "def" else asorry)
    client = app.test_client()
    for name in ("mixed", "theirs", "elsewhere", "no request"):
        assert client.get(f"/raise/{name}").status_code == 418
    assert refusal(client.get("/raise/ours")) == (403, "not_linked")
    assert refusal(client.get("/me")) == (401, "not_logged_in")


def test_a_blueprints_own_handler_is_asked_about_the_errors_in_a_group(broker):
    inner = Blueprint("inner", __name__)
    inner.register_error_handler(errors.NotLinked, lambda _: ("not here", 418))
    app = site_of(broker, inner)
    client = app.test_client()
    assert client.get("/inner/raise/ours").text == "not here"
    assert refusal(client.get("/raise/ours")) == (403, "not_linked")
    assert refusal(client.get("/inner/me")) == (401, "not_logged_in")


# -- apps inside of apps


def test_an_app_beside_another_has_users_and_errors_of_its_own(broker, emulated):
    with TokenBroker(emulated, {"anna": EntityUser(ANNA_ID, BAKERY_ID)}) as another:
        outer, inner, stranger = site_of(broker), site_of(another), Flask("stranger")
        inner.config["SESSION_COOKIE_NAME"] = "inner"
        stranger.add_url_rule("/", view_func=lambda: "unknown")

        @outer.get("/inside")
        def inside():
            return make_response(inner.wsgi_app)  # it gets this request's environ

        inner.add_url_rule("/inside", "inside", lambda: str(current_monite.principal))
        both = DispatcherMiddleware(outer, {"/inner": inner, "/stranger": stranger})
        client = Client(both)
        client.post("/login?user=anna")
        assert client.get("/me").json["id"] == ANNA_ID
        assert refusal(client.get("/inner/me")) == (401, "not_logged_in")
        assert client.get("/inside").text == "None"
        client.post("/inner/login?user=stranger")
        assert refusal(client.get("/inner/raise/ours")) == (403, "not_linked")
        assert refusal(client.get("/inner/me")) == (403, "not_linked")
        assert client.get("/stranger/").text == "unknown"
        assert client.get("/me").json["id"] == ANNA_ID


# -- calls to Monite


@pytest.mark.parametrize("path", ["/me", "/async/me", "/together"])
def test_a_call_that_breaks_off_is_a_503(broker, emulator, path):
    client = logged_in(site_of(broker))
    assert client.get(path).json["id"] == ANNA_ID
    order = emulator.monite.faults.add(Fault(kind="cut_before", path="/entity_users/me"))
    answer = client.get(path)
    assert refusal(answer) == (503, "monite_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    emulator.monite.faults.remove(order.id)


def test_a_call_by_httpx2_that_breaks_off_is_a_503(broker):
    app = site_of(broker)
    here = httpx2.Request("GET", broker.settings.base_url + "/payables")
    app.add_url_rule("/two", "two", lambda: raise_(httpx2.ConnectError("x", request=here)))
    assert refusal(app.test_client().get("/two")) == (503, "monite_unavailable")


def raise_(error):
    raise error


@pytest.mark.parametrize(("status", "passed_on"), [(404, 404), (409, 409), (401, 502), (503, 503)])
def test_monites_answer_is_passed_on_with_its_status(broker, emulator, status, passed_on):
    client = logged_in(site_of(broker))
    client.get("/me")
    order = emulator.monite.faults.add(Fault(kind="status", status=status, path="/entity_users/me"))
    for path in ("/me", "/async/me"):
        answer = client.get(path)
        assert answer.status_code == passed_on
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.content_type == "application/json"
    emulator.monite.faults.remove(order.id)


# -- caches


def test_answers_that_depend_on_a_token_are_not_cached(broker):
    app = site_of(broker)
    app.add_url_rule("/page", "page", lambda: str(current_monite.can("payable", "create")))
    app.add_url_rule("/own-word", "own-word", own_word)
    app.add_url_rule(
        "/name", view_func=lambda: str(current_monite.principal and current_monite.principal.user_id)
    )
    app.add_url_rule("/plain", "plain", lambda: "nothing")
    client = logged_in(app)
    page = client.get("/page")
    assert page.headers["cache-control"] == "private, no-store"
    assert {"Cookie", "Authorization"} <= page.vary.as_set(preserve_casing=True)
    assert client.get("/own-word").headers["cache-control"] == "private, max-age=5"
    assert "cookie" in client.get("/own-word").vary
    name = client.get("/name")
    assert "cache-control" not in name.headers
    assert name.headers["vary"] == "Cookie"
    plain = client.get("/plain")
    assert not {"cache-control", "vary", "set-cookie"} & {name.lower() for name, _ in plain.headers}


@pytest.mark.parametrize(
    ("said", "kept"),
    [("max-age=5", "max-age=5, private"), ("no-cache", "no-cache, private"), ("public", "public")],
)
def test_a_cache_control_without_public_or_private_is_made_private(broker, said, kept):
    app = site_of(broker)

    def view():
        current_monite.token()
        return "page", 200, {"Cache-Control": said}

    app.add_url_rule("/said", "said", view)
    assert logged_in(app).get("/said").headers["cache-control"] == kept


def own_word():
    current_monite.token()
    return "page", 200, {"Cache-Control": "private, max-age=5"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Length": "4"},
        {"ETag": '"v7"'},
        {"Last-Modified": "Thu, 26 Nov 2026 02:00:00 GMT"},
    ],
    ids=["no headers", "a length", "an ETag", "a date"],
)
def test_a_stream_that_may_still_use_a_token_is_not_cached(broker, headers):
    app = site_of(broker)

    def parts():
        yield str(current_monite.token().expires_in > 0)

    app.add_url_rule("/stream", "stream", lambda: Response(stream_with_context(parts()), headers=headers))
    app.add_url_rule("/lines", "lines", lambda: Response(iter(["a", "b"])))
    answer = logged_in(app).get("/stream")
    assert answer.text == "True"
    assert answer.headers["cache-control"] == "private, no-store"
    assert {"Cookie", "Authorization"} <= answer.vary.as_set(preserve_casing=True)
    assert "cache-control" not in app.test_client().get("/lines").headers


# -- the log


def test_an_error_that_becomes_an_answer_leaves_the_developers_sentence_in_the_log(broker, caplog):
    class NotLinkedHere(errors.NotLinked):
        code = "not_linked_here"  # the log has one line a minute for each code in the process

    app = site_of(broker)
    app.add_url_rule("/one", "one", lambda: raise_(NotLinkedHere("Link the user.")))
    app.add_url_rule("/group", "group", lambda: raise_(ExceptionGroup("", [NotLinkedHere("Link the user.")])))
    for path in ("/group", "/one", "/one"):
        assert app.test_client().get(path).status_code == 403
    (record,) = [each for each in caplog.records if each.name == "monite_auth"]
    assert record.levelno == logging.WARNING
    assert "Link the user." in record.getMessage()


# -- malformed requests


@pytest.mark.parametrize("host", ["[", "a b", "x:y:z", "", "a,b", "\x7f", "host:99999"])
@pytest.mark.parametrize("origin", [None, "http://[", "//", "\x7f", "http://host:99999"])
def test_a_malformed_host_or_origin_breaks_nothing(broker, host, origin):
    client = logged_in(site_of(broker))
    headers = {"Host": host} | ({} if origin is None else {"Origin": origin})
    answer = client.get("/monite/token", headers=headers)
    assert answer.status_code in ((200, 400, 401) if origin is None else (400, 401, 403)), answer.text


@pytest.mark.parametrize("found", ["anna", ("anna", None), {"user_id": "anna"}])
def test_an_identify_that_returns_something_else_is_explained(broker, found):
    app = site_of(broker, identify=lambda: found)
    app.testing = True
    with pytest.raises(errors.ConfigurationError, match="identify"):
        app.test_client().get("/me")
