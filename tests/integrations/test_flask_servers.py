"""The Flask adapter under gunicorn, with sync, gthread and gevent workers that share one SQLite file."""

from pathlib import Path

import pytest

from monite_auth.emulator import ANNA_ID, Fault
from tests.integrations.gunicorn_server import Gunicorn
from tests.waiting import until


@pytest.mark.parametrize(
    ("worker_class", "options"), [("sync", []), ("gthread", ["--preload"]), ("gevent", [])]
)
def test_workers_share_one_token_and_a_logout_in_one_holds_in_all(emulator, tmp_path, worker_class, options):
    ledger = emulator.monite.ledger
    store_url = f"sqlite:///{tmp_path}/tokens.db"
    with Gunicorn(worker_class, emulator.api_url, store_url, *options) as server:
        with server.browser() as client:
            assert client.post("/login", params={"user": "anna"}).status_code == 200
            for answer in server.ask_every_worker(client, "/me"):
                assert answer.json()["id"] == ANNA_ID
            assert len(ledger.mints(ANNA_ID)) == 1

            before_the_logout = dict(client.cookies)
            assert client.post("/logout").text == "out"
            until(lambda: not ledger.live(ANNA_ID))
            client.cookies.update(before_the_logout)
            for answer in server.ask_every_worker(client, "/me"):
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "session_ended")
            assert len(ledger.mints(ANNA_ID)) == 1
        workers = server.children()
        assert len(workers) == 2
        assert server.stop() == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
        assert "Traceback" not in server.log
        assert "ERROR" not in server.log


@pytest.mark.parametrize("worker_class", ["sync", "gthread"])
def test_async_views_share_the_token_too(emulator, tmp_path, worker_class):
    ledger = emulator.monite.ledger
    with (
        Gunicorn(worker_class, emulator.api_url, f"sqlite:///{tmp_path}/tokens.db") as server,
        server.browser() as client,
    ):
        client.post("/async/login", params={"user": "anna"})
        for answer in server.ask_every_worker(client, "/async/me"):
            assert answer.json()["id"] == ANNA_ID
        assert len(ledger.mints(ANNA_ID)) == 1
        client.post("/async/logout-by-hand")
        until(lambda: not ledger.live(ANNA_ID))
        assert "Traceback" not in server.log


@pytest.mark.parametrize("worker_class", ["sync", "gthread", "gevent"])
def test_a_server_that_stops_right_after_a_logout_finishes_the_revocation(emulator, worker_class):
    with Gunicorn(worker_class, emulator.api_url, "memory://", workers=1) as server:
        with server.browser() as client:
            client.post("/login", params={"user": "anna"})
            assert client.get("/me").status_code == 200
            order = emulator.monite.faults.add(Fault(kind="hang", path="/auth/revoke"))
            assert client.post("/logout").text == "out"
        until(lambda: order.hits)
        server.terminate()
        until(lambda: "Worker exiting" in server.log)
        with pytest.raises(AssertionError):  # the server does not stop yet: it waits for Monite
            until(lambda: not server.children(), seconds=1)
        emulator.monite.faults.clear()
        assert server.stop() == 0
        assert "Traceback" not in server.log
    assert not emulator.monite.ledger.live(ANNA_ID)
