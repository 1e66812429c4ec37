"""The code on docs/flask.md runs, in order, as one program, and does what the page says."""

from monite_auth.emulator import ANNA_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.test_documentation import run_page
from tests.waiting import until


def test_the_page_on_flask(emulator, monkeypatch):
    monkeypatch.setenv("MONITE_BASE_URL", emulator.api_url)
    monkeypatch.setenv("MONITE_CLIENT_ID", DEMO_CLIENT_ID)
    monkeypatch.setenv("MONITE_CLIENT_SECRET", DEMO_CLIENT_SECRET)
    names = run_page("docs/flask.md", {"__name__": "app"})
    app = names["app"]
    client = app.test_client()
    assert client.get("/invoices").location == "/login"  # the page's own error handler
    client.post("/login", data={"user": "anna"})
    assert len(client.get("/invoices").json["data"]) > 0
    assert client.get("/monite/token").json["expires_in"] >= 600
    assert "its tokens live 30 minutes" in app.test_cli_runner().invoke(args=["monite", "check"]).output
    assert client.post("/invoices", json={"document_id": "X-1"}).json["was_created_by_user_id"] == ANNA_ID
    client.post("/organization", data={"organization": "books"})
    client.post("/logout")
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    app.extensions["monite_auth"].broker.close()

    assert "monite" in names["create_app"]().blueprints
    with app.test_request_context(headers={"x-user": "anna", "x-session": "one"}):
        assert names["who"]().session_id == "one"
        assert names["who_and_where"]() is None
