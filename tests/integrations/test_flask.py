"""The Flask adapter in its own apps, against the emulator: the scenarios of the contract, in `def` and `async def` views."""

from datetime import timedelta

import pytest
from flask import Flask, redirect, session

from monite_auth import TokenBroker, errors
from monite_auth.emulator import ANNA_ID, VIKTOR_ID, Fault
from monite_auth.testing.adapters.fixtures import StoreWithoutLogouts
from monite_auth_flask import MoniteAuth, current_monite, identify, monite_blueprint
from tests.integrations.flask_apps import app_of, both, cookie_of, live, log_in
from tests.waiting import until

ways_out = pytest.mark.parametrize("way", ["/logout", "/logout-by-hand"])


@pytest.fixture
def app(broker):
    return app_of(broker)


@pytest.fixture
def client(app):
    return app.test_client()


# -- anonymous, first use, second use


@both
def test_an_anonymous_visitor_costs_nothing_and_gets_a_401(client, emulator, views):
    assert client.get(views + "/facts").json == {"logged_in": False, "user": None, "session": None}
    refusal = client.get(views + "/me")
    assert refusal.status_code == 401
    assert refusal.json == {"error": {"code": "not_logged_in", "message": "Please log in."}}
    assert refusal.headers["cache-control"] == "private, no-store"
    assert client.get(views + "/entity-user").status_code == 401
    assert emulator.monite.ledger.tokens == []


@both
def test_a_logged_in_user_costs_nothing_until_monite_is_used_and_then_one_mint(client, emulator, views):
    log_in(client)
    client.get(views + "/facts")
    assert emulator.monite.ledger.tokens == []
    for _ in range(3):
        assert client.get(views + "/me").json["id"] == ANNA_ID
    (token,) = emulator.monite.ledger.tokens
    assert token.uses == 3
    assert client.get(views + "/entity-user").text == ANNA_ID


@both
def test_each_user_has_their_own_token(client, app, views):
    log_in(client)
    assert client.get(views + "/me").json["id"] == ANNA_ID
    other = app.test_client()
    log_in(other, "viktor")
    assert other.get(views + "/me").json["id"] == VIKTOR_ID
    assert client.get(views + "/me").json["id"] == ANNA_ID


@both
def test_an_unlinked_user_gets_a_403_in_plain_words(client, views):
    log_in(client, "stranger")
    refusal = client.get(views + "/me", headers={"accept": "text/html,*/*"})
    assert refusal.status_code == 403
    assert refusal.content_type.startswith("text/plain")
    assert refusal.text == "Your account is not set up for invoices and payments yet."


# -- logout


@both
@ways_out
def test_promise_5_a_logout_revokes_and_an_old_cookie_is_worth_nothing(client, emulator, views, way):
    log_in(client)
    client.get(views + "/me")
    old = cookie_of(client)
    assert client.post(views + way).text == "out"
    until(lambda: live(emulator) == 0)
    assert client.get(views + "/me").status_code == 401
    client.set_cookie("session", old)
    replayed = client.get(views + "/me")
    assert replayed.status_code == 401
    assert replayed.json["error"]["code"] == "session_ended"
    assert len(emulator.monite.ledger.tokens) == 1


@both
@ways_out
def test_logging_in_again_begins_a_new_session(client, views, way):
    log_in(client)
    first = client.get(views + "/facts").json["session"]
    client.get(views + "/me")
    client.post(views + way)
    log_in(client)
    assert client.get(views + "/facts").json["session"] not in (first, None)
    assert client.get(views + "/me").status_code == 200


@both
def test_another_user_in_the_same_session_logs_the_first_one_out(client, emulator, views):
    log_in(client, "anna")
    client.get(views + "/me")
    log_in(client, "viktor")
    until(lambda: live(emulator, ANNA_ID) == 0)
    assert client.get(views + "/me").json["id"] == VIKTOR_ID


def test_promise_1_a_user_who_changes_within_a_request_acts_as_themselves(client, emulator):
    log_in(client, "anna")
    answer = client.post("/switch", query_string={"user": "viktor"})
    assert answer.json == [ANNA_ID, VIKTOR_ID]
    until(lambda: live(emulator, ANNA_ID) == 0)
    assert live(emulator, VIKTOR_ID) == 1
    assert client.get("/me").json["id"] == VIKTOR_ID


@both
def test_a_logout_leaves_the_users_other_browser_logged_in(client, app, emulator, views):
    log_in(client)
    client.get(views + "/me")
    other = app.test_client()
    log_in(other)
    other.get(views + "/me")
    client.post(views + "/logout")
    until(lambda: live(emulator) == 0)
    assert other.get(views + "/me").json["id"] == ANNA_ID
    assert client.get(views + "/me").status_code == 401
    assert len(emulator.monite.ledger.mints(ANNA_ID)) == 2


@both
def test_a_logout_elsewhere_ends_this_session_too(client, broker, emulator, views):
    log_in(client)
    client.get(views + "/me")
    broker.end_user("anna")
    refusal = client.get(views + "/me")
    assert (refusal.status_code, refusal.json["error"]["code"]) == (401, "session_ended")
    until(lambda: live(emulator) == 0)


@both
def test_an_expired_session_is_anonymous(client, app, emulator, views):
    log_in(client)
    client.get(views + "/me")
    app.permanent_session_lifetime = timedelta(seconds=-1)
    assert client.get(views + "/facts").json["logged_in"] is False
    assert client.get(views + "/me").status_code == 401
    assert len(emulator.monite.ledger.tokens) == 1


@both
@ways_out
def test_promise_7_a_logout_does_not_wait_for_a_monite_that_is_down(client, emulator, views, way):
    log_in(client)
    client.get(views + "/me")
    emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))
    assert client.post(views + way).status_code == 200
    emulator.monite.faults.clear()


@both
@ways_out
def test_promise_7_a_logout_that_the_store_cannot_record_leaves_the_apps_answer_alone(
    broker, views, way, caplog
):
    client = app_of(TokenBroker(broker.settings, {}, store=StoreWithoutLogouts())).test_client()
    log_in(client)
    assert client.post(views + way).status_code == 200
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert "A logout could not be recorded" in record.message


def test_a_logout_counts_even_if_the_view_fails_after_it(client, app, emulator):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.logger.disabled = True
    log_in(client)
    client.get("/me")
    assert client.post("/logout-and-fail").status_code == 500
    until(lambda: live(emulator) == 0)


@pytest.mark.parametrize("answers", [False, True])
@pytest.mark.parametrize("own", [None, lambda: identify(tenant=session.get("organization"))])
def test_a_logout_counts_even_if_the_app_empties_the_session_before_everything_else(
    broker, emulator, own, answers
):
    app = Flask(__name__)
    app.secret_key = "s"
    MoniteAuth(app, broker=broker, identify=own)

    def leave_if_idle():
        if session.get("idle"):
            session.clear()
            return ("idle", 401) if answers else None
        return None

    app.before_request_funcs[None].insert(0, leave_if_idle)

    @app.get("/me")
    def me():
        return current_monite.client.get("/entity_users/me").json()

    client = app.test_client()
    with client.session_transaction() as arriving:
        arriving["user_id"] = "anna"
    assert client.get("/me").json["id"] == ANNA_ID
    with client.session_transaction() as arriving:
        arriving["idle"] = True
    assert client.get("/me").status_code == 401
    until(lambda: live(emulator) == 0)


# -- errors


@both
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(kind="status", status=401, path="/auth/token"), 502, "credentials_rejected"),
        (Fault(kind="status", status=404, path="/auth/token"), 403, "entity_user_rejected"),
        (Fault(kind="throttle", path="/auth/token", retry_after=60), 503, "rate_limited"),
    ],
)
def test_an_error_of_monites_becomes_an_answer_that_tells_users_no_details(
    client, emulator, views, fault, status, code
):
    emulator.monite.faults.add(fault)
    log_in(client)
    answer = client.get(views + "/me")
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert int(answer.headers["retry-after"]) > 0
    assert "MONITE" not in answer.text
    emulator.monite.faults.clear()


@both
def test_a_monite_that_is_down_is_a_503(emulated, emulator, views):
    from dataclasses import replace

    from monite_auth import EntityUser
    from monite_auth.emulator import BAKERY_ID

    people = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}
    with TokenBroker(replace(emulated, deadline=0.2), people) as impatient:
        client = app_of(impatient).test_client()
        log_in(client)
        emulator.monite.faults.add(Fault(kind="status", status=503, path="/auth/token"))
        answer = client.get(views + "/me")
        assert (answer.status_code, answer.json["error"]["code"]) == (503, "monite_unavailable")
        assert int(answer.headers["retry-after"]) > 0
        emulator.monite.faults.clear()


@pytest.mark.parametrize("first", ["app", "extension"])
def test_the_apps_own_error_handler_comes_first_wherever_it_was_registered(broker, first):
    app = Flask(__name__)
    app.secret_key = "s"
    if first == "extension":
        MoniteAuth(app, broker=broker)
    app.register_error_handler(errors.MoniteAuthError, lambda error: ("mine", error.status_hint))
    if first == "app":
        MoniteAuth(app, broker=broker)
    app.add_url_rule("/me", view_func=lambda: current_monite.token().authorization)
    answer = app.test_client().get("/me")
    assert (answer.text, answer.status_code) == ("mine", 401)


def test_a_handler_for_one_kind_of_error_leaves_the_others_to_the_extension(app):
    app.register_error_handler(errors.NotLoggedIn, lambda _: redirect("/login"))
    client = app.test_client()
    assert client.get("/me").location == "/login"
    log_in(client, "stranger")
    assert client.get("/me").status_code == 403


def test_a_developers_mistake_stays_an_exception(client, app):
    app.testing = True
    log_in(client)
    with pytest.raises(errors.ConfigurationError, match="set wrongly"):
        client.get("/broken")


# -- the token endpoint


def test_the_token_endpoint_answers_as_monites_browser_sdk_wants(client, emulator):
    log_in(client)
    for answer in (client.get("/monite/token"), client.post("/monite/token")):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.json.keys() == {"access_token", "token_type", "expires_in"}
        assert answer.json["token_type"] == "Bearer"
        assert answer.json["expires_in"] >= 600
        assert emulator.monite.ledger.find(answer.json["access_token"]).entity_user_id == ANNA_ID
    assert len(emulator.monite.ledger.tokens) == 1


def test_promise_3_a_token_for_a_browser_has_ten_minutes_left(client, emulator):
    emulator.monite.token_life = 500
    log_in(client)
    answer = client.get("/monite/token")
    assert (answer.status_code, answer.json["error"]["code"]) == (502, "token_too_short")


def test_an_anonymous_visitor_gets_no_token_whatever_the_apps_handlers_do(client, app):
    app.register_error_handler(errors.MoniteAuthError, lambda _: redirect("/login"))
    answer = client.get("/monite/token", headers={"accept": "text/html"})
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "not_logged_in")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "PATCH"])
def test_the_token_endpoint_allows_only_get_and_post(client, emulator, method):
    log_in(client)
    answer = client.open("/monite/token", method=method)
    assert answer.status_code == 405
    assert method == "HEAD" or answer.json["error"]["code"] == "method_not_allowed"
    assert {"GET", "POST"} <= set(answer.headers["allow"].replace(" ", "").split(","))
    assert emulator.monite.ledger.tokens == []


def test_malformed_origins_are_refused_at_start_up():
    with pytest.raises(errors.ConfigurationError, match="list of origins"):
        monite_blueprint(allowed_origins="https://app.example")


# -- sessions


def test_a_page_that_uses_no_session_stays_cacheable(client, emulator):
    for _ in range(2):
        answer = client.get("/plain")
        assert "Vary" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        log_in(client)
    assert client.get("/facts").headers["Vary"] == "Cookie"


def test_the_id_of_a_session_comes_with_the_cookie_of_the_login(client):
    log_in(client)
    at_login = cookie_of(client)
    first = client.get("/facts")
    assert first.json["session"] is not None
    assert "Set-Cookie" not in first.headers
    assert cookie_of(client) == at_login


def test_a_session_from_before_the_library_was_added_gets_its_id_at_first_use(client):
    with client.session_transaction() as arriving:
        arriving["user_id"] = "anna"
    first = client.get("/facts").json["session"]
    assert first is not None
    assert client.get("/facts").json["session"] == first


def test_a_user_id_of_any_kind_becomes_text(client):
    with client.session_transaction() as arriving:
        arriving["user_id"] = 7
    assert client.get("/facts").json["user"] == "7"


def test_an_app_without_a_secret_key_has_no_sessions_and_no_trouble(broker):
    app = app_of(broker)
    app.secret_key = None
    client = app.test_client()
    assert client.get("/plain").status_code == 200
    assert client.get("/me").status_code == 401


def test_a_response_may_stream(client):
    log_in(client)
    assert client.get("/stream").text == "aTrue"
    with client.session_transaction() as arriving:
        arriving.pop("_monite")
    assert client.get("/stream").text == "aTrue"


def test_one_request_does_not_see_anothers_user_where_a_test_keeps_a_context_open(app):
    with app.app_context():
        for user in ("anna", "viktor"):
            client = app.test_client()
            log_in(client, user)
            assert client.get("/facts").json["user"] == user


def test_a_request_context_of_a_test_is_enough(app):
    with app.test_request_context():
        assert not current_monite
        session["user_id"] = "anna"
        assert current_monite.principal.user_id == "anna"
        assert repr(
            current_monite
        ) == "<MoniteAccess of Principal(user_id='anna', tenant=None, authenticated_at=%r)>" % (
            current_monite.principal.authenticated_at
        )


def test_a_missing_extension_is_explained():
    app = Flask(__name__)
    app.register_blueprint(monite_blueprint(), url_prefix="/monite")
    app.testing = True
    with pytest.raises(errors.ConfigurationError, match="call MoniteAuth.app."):
        app.test_client().get("/monite/token")
