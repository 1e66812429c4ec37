"""`flask monite check`, `drain` and `end-user`."""

import pytest

from monite_auth import EntityUser, Principal, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Fault
from tests.integrations.flask_apps import app_of
from tests.waiting import until

PEOPLE = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}
ANNA = Principal("anna", session_id="one")


@pytest.fixture
def app(emulator, tmp_path):
    app = app_of(directory=PEOPLE)
    app.config.update(
        MONITE_CLIENT_ID=DEMO_CLIENT_ID,
        MONITE_CLIENT_SECRET=DEMO_CLIENT_SECRET,
        MONITE_BASE_URL=emulator.api_url,
        MONITE_STORE_URL=f"sqlite:///{tmp_path}/tokens.db",
    )
    yield app
    state = app.extensions["monite_auth"]
    if state._broker.built is not None:
        state.broker.close()


def flask_monite(app, *arguments):
    return app.test_cli_runner().invoke(args=["monite", *arguments])


def test_check_reports_the_settings_and_that_monite_accepts_them(app, emulator):
    result = flask_monite(app, "check")
    assert result.exit_code == 0
    assert emulator.api_url in result.output
    assert "Tokens: sqlite" in result.output
    assert "Monite accepts the client ID and secret; its tokens live 30 minutes." in result.output
    assert DEMO_CLIENT_SECRET not in result.output


def test_check_reports_that_the_store_does_not_answer(app):
    app.config.update(MONITE_STORE_URL="redis://127.0.0.1:1/0", MONITE_DEADLINE=1)
    result = flask_monite(app, "check")
    assert result.exit_code == 1
    assert "127.0.0.1:1" in result.output
    assert "Monite accepts" not in result.output
    assert "Traceback" not in result.output


def test_check_takes_a_tenant_for_a_user_only(app):
    result = flask_monite(app, "check", "--tenant", "books")
    assert result.exit_code == 64
    assert "add --user" in result.output


def test_check_compares_the_directory_and_monite_for_a_user(app, emulator):
    result = flask_monite(app, "check", "--user", "anna")
    assert result.exit_code == 0
    assert f"anna is the entity user {ANNA_ID} of the entity {BAKERY_ID}" in result.output
    assert result.output.endswith("Monite gives them a token, and says the same.\n")
    result = flask_monite(app, "check", "--user", "anna", "--tenant", "nowhere")
    assert result.exit_code == 1
    assert "knows no entity user" in result.output


def test_check_names_every_wrong_setting_without_a_traceback(app):
    app.config.update(MONITE_CLIENT_ID="nonsense", MONITE_API_VERSION="soon")
    result = flask_monite(app, "check")
    assert result.exit_code == 1
    assert "MONITE_CLIENT_ID is no UUID" in result.output
    assert "MONITE_API_VERSION is a date" in result.output
    assert "Traceback" not in result.output


def test_check_reports_that_monite_refuses_the_secret(app):
    app.config["MONITE_CLIENT_SECRET"] = "not the secret"
    result = flask_monite(app, "check")
    assert result.exit_code == 1
    assert "Check MONITE_CLIENT_ID and MONITE_CLIENT_SECRET" in result.output
    assert "not the secret" not in result.output


@pytest.mark.parametrize("arguments", [["drain"], ["end-user", "anna"]])
def test_the_servers_memory_store_is_reported_as_out_of_reach(app, arguments):
    app.config["MONITE_STORE_URL"] = "memory://"
    result = flask_monite(app, *arguments)
    assert result.exit_code == 1
    assert "names no shared store" in result.output


def test_end_user_ends_every_session_and_revokes(app, emulator):
    settings = app.extensions["monite_auth"].broker.settings
    with TokenBroker(settings, PEOPLE) as server:
        server.token(ANNA)
        server.token(Principal("anna", session_id="two"))
        result = flask_monite(app, "end-user", "anna")
        assert result.exit_code == 0
        assert result.output.startswith("Every session of user anna has ended.\n")
        # The server may still be revoking one of them.
        until(lambda: not emulator.monite.ledger.live(ANNA_ID))
        for session_id in ("one", "two"):
            with pytest.raises(errors.SessionEnded):
                server.token(Principal("anna", session_id=session_id))


def test_end_user_reports_pending_revocations(app, emulator):
    app.extensions["monite_auth"].broker.token(ANNA)
    emulator.monite.faults.add(Fault(kind="status", status=503, path="/auth/revoke"))
    result = flask_monite(app, "end-user", "anna")
    assert result.exit_code == 0
    assert "Revocations still pending: 1." in result.output
    emulator.monite.faults.clear()


def test_drain_reports_what_it_did(app, emulator):
    result = flask_monite(app, "drain", "--within", "5")
    assert result.exit_code == 0
    assert result.output == "settled 0, postponed 0, expired 0\n"
