"""`monite_required` in Flask; `monite_allowed` is in the contract of all adapters."""

import pytest

from monite_auth.emulator import ANNA_ID
from monite_auth_flask import current_monite, monite_required
from tests.integrations.flask_apps import app_of


@pytest.fixture
def app(broker):
    app = app_of(broker)

    @app.get("/bills")
    @monite_required
    def bills():
        return current_monite.entity_user().entity_user_id

    @app.get("/async/bills")
    @monite_required
    async def abills():
        return (await current_monite.aentity_user()).entity_user_id

    return app


@pytest.mark.parametrize("path", ["/bills", "/async/bills"])
def test_monite_required_lets_logged_in_and_linked_users_in(app, emulator, path):
    browser = app.test_client()
    refusal = browser.get(path)
    assert (refusal.status_code, refusal.json["error"]["code"]) == (401, "not_logged_in")
    browser.post("/login", query_string={"user": "anna"})
    assert browser.get(path).text == ANNA_ID
    browser.post("/login", query_string={"user": "nobody we know"})
    refusal = browser.get(path)
    assert (refusal.status_code, refusal.json["error"]["code"]) == (403, "not_linked")
    assert emulator.monite.ledger.tokens == []  # no token was needed
