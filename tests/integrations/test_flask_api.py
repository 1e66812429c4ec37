"""Monite's API for an app's own pages in Flask, beside whatever else Flask does with a request. The contract has the rest."""

import io

import pytest
from flask import Flask, Response, request, session

from monite_auth.errors import ConfigurationError
from monite_auth.testing.adapters import DIRECTORY
from monite_auth.testing.adapters.site import CALL
from monite_auth.testing.adapters.upstream import Reply, upstream
from monite_auth_flask import MoniteAuth, monite_blueprint
from tests.integrations.flask_apps import config_of
from tests.waiting import until

CALLED = "/monite/api/payables"


@pytest.fixture
def monite():
    with upstream() as running:
        yield running


@pytest.fixture
def app(emulator, monite):
    """An app whose sessions have one call at a time, so that one that is not over refuses the next."""
    app = Flask(__name__)
    app.secret_key = "s"
    app.config.update(
        config_of(emulator), MONITE_BASE_URL=monite.url, MONITE_API_CALLS_PER_SESSION=1, MAX_CONTENT_LENGTH=10
    )
    MoniteAuth(app, directory=DIRECTORY)
    app.register_blueprint(monite_blueprint(api=True), url_prefix="/monite")

    @app.post("/login")
    def login():
        session["user_id"] = "anna"
        return "in"

    with app.extensions["monite_auth"].broker:
        yield app


def page_of(app):
    client = app.test_client()
    client.post("/login")
    return client


@pytest.fixture
def page(app):
    return page_of(app)


def test_without_api_there_is_none(emulator):
    app = Flask(__name__)
    app.config.update(config_of(emulator))
    MoniteAuth(app, directory=DIRECTORY)
    app.register_blueprint(monite_blueprint(), url_prefix="/monite")
    assert app.test_client().get(CALLED, headers=CALL).status_code == 404


@pytest.mark.parametrize(("api", "config"), [(True, {}), (None, {"MONITE_API": True})])
def test_origins_beside_it_are_refused_when_the_blueprint_is_registered(api, config):
    app = Flask(__name__)
    app.config.update(config)
    with pytest.raises(ConfigurationError, match="own pages"):
        app.register_blueprint(monite_blueprint(api=api, allowed_origins=["https://app.example.com"]))


def test_the_config_says_that_an_app_serves_the_api_and_an_argument_is_stronger(emulator, caplog):
    app = Flask(__name__)
    app.config.update(config_of(emulator), MONITE_API=True)
    MoniteAuth(app, directory=DIRECTORY)
    app.register_blueprint(monite_blueprint(), url_prefix="/monite")
    app.register_blueprint(monite_blueprint(api=False), name="without", url_prefix="/without")
    client = app.test_client()
    assert client.get("/monite/api/payables", headers=CALL).status_code == 401
    assert client.get("/without/api/payables", headers=CALL).status_code == 404
    assert not caplog.records


def test_a_config_that_neither_serves_the_api_nor_does_not_is_refused():
    app = Flask(__name__)
    app.config["MONITE_API"] = "no"
    with pytest.raises(ConfigurationError, match=r'app.config\["MONITE_API"\] is True or False, not'):
        app.register_blueprint(monite_blueprint())


def test_limits_of_forms_do_not_count(page, monite):
    answer = page.post(
        CALLED, headers=CALL, data=b"a=1&" * 100, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 200
    assert monite.last.size == 400


@pytest.mark.parametrize(
    "path", ["/monite/api//payables", "/monite//api/payables", "/monite/api/payables//x", "/monite/api"]
)
def test_no_address_is_changed_by_a_redirect(page, monite, path):
    assert page.get(path, headers=CALL).status_code == 404
    assert monite.calls == []


@pytest.mark.parametrize(("shows_end", "status"), [(True, 200), (False, 411)])
def test_a_body_in_chunks_needs_a_server_that_shows_its_end(page, monite, shows_end, status):
    answer = page.post(
        CALLED,
        headers={**CALL, "transfer-encoding": "chunked"},
        input_stream=io.BytesIO(b"some body"),
        environ_overrides={"wsgi.input_terminated": shows_end},
    )
    assert answer.status_code == status
    assert [call.beginning for call in monite.calls] == [b"some body"] * shows_end


@pytest.mark.parametrize("length", [{}, {"transfer-encoding": "chunked"}], ids=["with a length", "in chunks"])
def test_a_body_that_something_else_has_read_is_not_taken_for_an_empty_one(app, monite, length):
    app.config["MAX_CONTENT_LENGTH"] = None

    @app.before_request
    def look():
        request.get_data()

    answer = page_of(app).post(
        CALLED,
        headers={**CALL, **length},
        data=b"some body",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "body_broke_off")
    assert not any(call.is_whole for call in monite.calls)


def test_a_response_that_is_sent_instead_leaves_no_call_open(app, monite):
    monite.reply = lambda _call: Reply(headers={"Content-Type": "application/json"}, body=[b"{}"] * 10)
    app.after_request(
        lambda response: (
            Response("mine", 203) if request.path == CALLED and response.status_code == 200 else response
        )
    )
    page = page_of(app)
    for _ in range(3):
        until(lambda: page.get(CALLED, headers=CALL, buffered=True).status_code == 203)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_answer_that_nobody_reads_leaves_no_call_open(page, monite, method):
    monite.reply = lambda _call: Reply(headers={"Content-Type": "application/pdf"}, body=[b"%PDF"] * 10)
    for _ in range(3):
        answer = page.open(CALLED, method=method, headers=CALL)
        assert answer.status_code == 200
        answer.close()
