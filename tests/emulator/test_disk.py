"""What `--data` keeps: everything whose answer was received, also when the process is killed."""

import json
import resource
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import httpx
import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, VIKTOR_ID, Clock, Monite, serve
from tests.emulator.conftest import CREDENTIALS, VERSION
from tests.waiting import PATIENCE


class Client:
    def __init__(self, url):
        self._http = httpx.Client(base_url=url, timeout=PATIENCE)

    def mint(self, user=None):
        grant = {"grant_type": "client_credentials"}
        if user:
            grant = {"grant_type": "entity_user", "entity_user_id": user}
        answer = self._http.post("/v1/auth/token", json=CREDENTIALS | grant, headers=VERSION)
        return answer.json()["access_token"]

    def call(self, method, path, token, **options):
        headers = {"authorization": f"Bearer {token}", "x-monite-entity-id": BAKERY_ID} | VERSION
        return self._http.request(method, f"/v1{path}", headers=headers, **options)

    def control(self, method, path, **options):
        return self._http.request(method, f"/_emulator{path}", **options)

    def close(self):
        self._http.close()


@pytest.fixture
def open_client():
    clients = []

    def opened(url):
        clients.append(Client(url))
        return clients[-1]

    yield opened
    for client in clients:
        client.close()


def test_what_was_answered_survives_a_kill(run, open_client):
    process, url = run("--requests-per-second", "1000")
    client = open_client(url)
    live, dead, partner = client.mint(ANNA_ID), client.mint(ANNA_ID), client.mint()
    client.call("POST", "/auth/revoke", live, json=CREDENTIALS | {"token": dead})
    bill = client.call("POST", "/payables", live, json={"currency": "EUR"}).json()
    first = client.call("GET", "/payables", live, params={"order": "asc"}).json()["data"][0]
    client.call("DELETE", f"/entity_users/{VIKTOR_ID}", partner)
    client.call("PATCH", "/settings", partner, json={"website": "https://example.com/"})
    client.control("POST", "/clock", json={"advance": 600})
    other = client.control("POST", "/partners", json={"seed": True}).json()
    process.send_signal(signal.SIGKILL)
    process.wait()

    _, url = run()
    client = open_client(url)
    assert client.call("GET", "/entity_users/me", live).status_code == 200
    assert client.call("GET", "/entity_users/me", dead).status_code == 401
    assert client.call("GET", f"/payables/{bill['id']}", live).json() == bill
    assert client.call("GET", "/payables", live, params={"order": "asc"}).json()["data"][0] == first
    assert client.call("GET", f"/entity_users/{VIKTOR_ID}", partner).status_code == 404
    assert client.call("GET", "/settings", partner).json()["website"] == "https://example.com/"
    assert client.control("GET", "/clock").json()["ahead"] == pytest.approx(600)
    partners = client.control("GET", "/partners").json()["partners"]
    assert partners[1]["client_ids"] == [other["client_id"]]
    assert len(partners[1]["entities"]) == 3


def test_a_reset_and_a_restored_snapshot_survive_too(tmp_path, open_client):
    with serve(Monite(), data=tmp_path) as emulator:
        client = open_client(emulator.url)
        token = client.mint(ANNA_ID)
        snapshot = client.control("GET", "/snapshot").json()
        client.control("POST", "/reset")
        client.control("PUT", "/snapshot", json=snapshot)
    with serve(Monite(), data=tmp_path) as emulator:
        assert emulator.monite.snapshot() == json.loads(json.dumps(snapshot))
        open_client(emulator.url).control("POST", "/reset")
    with serve(Monite(), data=tmp_path) as emulator:
        assert emulator.monite.ledger.find(token) is None


def test_nothing_of_before_a_reset_comes_back(tmp_path):
    with serve(Monite(), data=tmp_path) as emulator:
        tags = emulator.monite.directory.table("tags")
        tags.add("before", {"name": "before"})
        emulator.monite.reset()
        tags.add("after", {"name": "after"})
        snapshot = emulator.monite.snapshot()
    with serve(Monite(), data=tmp_path) as emulator:
        assert emulator.monite.snapshot() == snapshot


def test_ids_go_on_where_they_were(tmp_path, open_client):
    tokens = set()
    for _ in range(3):
        with serve(Monite(random_seed=7), data=tmp_path) as emulator:
            tokens.add(open_client(emulator.url).mint())
    assert len(tokens) == 3


def test_forgotten_tokens_leave_the_file_and_are_counted_on(tmp_path, open_client):
    with serve(Monite(tokens_kept=1), data=tmp_path) as emulator:
        ledger = emulator.monite.ledger
        for _ in range(4):
            ledger.revoke(emulator.monite.mint(None, CREDENTIALS["client_id"]))
        open_client(emulator.url).mint()
        counts = ledger.counts
    with serve(Monite(tokens_kept=1), data=tmp_path) as emulator:
        assert emulator.monite.ledger.counts == counts
        assert len(emulator.monite.ledger.tokens) == 2


def test_a_folder_that_is_in_use_is_refused(tmp_path):
    with (
        serve(Monite(), data=tmp_path),
        pytest.raises(OSError, match="another process"),
        serve(Monite(), data=tmp_path),
    ):
        pass


def test_options_of_the_command_line_hold_for_this_run(tmp_path):
    with serve(Monite(), data=tmp_path):
        pass
    options = {
        "token_life": 90,
        "requests_per_second": 7,
        "limit_window": "sliding",
        "dead_token_status": 400,
    }
    with serve(Monite(**options), data=tmp_path) as emulator:
        assert emulator.monite.settings == options


def test_a_clock_that_came_to_its_end_stands_there_after_a_restart(tmp_path):
    time = [0.0]
    with serve(Monite(clock=Clock(lambda: time[0])), data=tmp_path) as emulator:
        emulator.monite.clock.set(4_102_444_799)
    time[0] = 5000
    with serve(Monite(clock=Clock(lambda: time[0])), data=tmp_path) as emulator:
        assert datetime.fromtimestamp(emulator.monite.clock.now(), UTC).year == 2099
        assert emulator.monite.snapshot()["clock"]["ahead"] == 4_102_444_799


def test_what_only_python_can_make_comes_back_too(tmp_path):
    """The world goes on with it before the restart, so it does after it."""
    with serve(Monite(), data=tmp_path) as emulator:
        directory = emulator.monite.directory
        directory.entities.remove(directory.entities.get(BAKERY_ID))
        directory.table("tags").add("no UUID", {"name": "x"})
        snapshot = emulator.monite.snapshot()
    with serve(Monite(), data=tmp_path) as emulator:
        assert emulator.monite.snapshot() == snapshot


def execute(folder, statement):
    with closing(sqlite3.connect(folder / "monite.sqlite3")) as file, file:
        return file.execute(statement).fetchall()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE state SET value = substr(value, 1, 20)",
        "UPDATE state SET value = replace(value, 'monite-emulator/1', 'monite-emulator/0')",
        "DELETE FROM state WHERE key LIKE 'partner/%'",
        "DELETE FROM state WHERE key = 'settings'",
        "UPDATE state SET value = replace(value, '\"ahead\": 0.0', '\"ahead\": 1e300')",
        "UPDATE state SET value = '[]' WHERE key = 'settings'",
        "UPDATE state SET value = 'null' WHERE key = 'partner/0'",
        "UPDATE state SET value = '[1,2]' WHERE key LIKE 'record/%'",
        "UPDATE state SET key = 'token/abc' WHERE rowid = 6",
        "UPDATE state SET key = 'record/x/y/z' WHERE rowid = 7",
        "UPDATE state SET value = zeroblob(3) WHERE rowid = 7",
    ],
)
def test_a_damaged_folder_is_refused_as_it_is_and_let_go_of(tmp_path, statement):
    with serve(Monite(), data=tmp_path):
        pass
    execute(tmp_path, statement)
    before = execute(tmp_path, "SELECT * FROM state")
    with (
        pytest.raises(
            OSError, match="monite.sqlite3 cannot be read: .*; to begin anew, delete the folder"
        ) as refused,
        serve(data=tmp_path),
    ):
        pass
    assert execute(tmp_path, "SELECT * FROM state") == before
    assert refused.value.errno is None


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="another process cannot be limited")
def test_what_cannot_be_written_is_said_and_is_written_later(run, open_client):
    process, url = run()
    client = open_client(url)
    token = client.mint(ANNA_ID)

    def tag(name):
        return client.call("POST", "/tags", token, json={"name": name, "description": "x" * 255})

    unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    refused = tag("first")
    assert refused.status_code == 507
    assert "What this has changed is not written" in refused.json()["error"]["message"]
    assert client.call("POST", "/auth/token", token).status_code == 507, "the tag is still to be written"
    assert client.call("GET", "/tags", token).status_code == 200
    assert client.control("GET", "/live").status_code == 200
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
    assert tag("second").status_code == 201
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, url = run()
    kept = open_client(url).call("GET", "/tags", token).json()["data"]
    assert {"first", "second"} <= {each["name"] for each in kept}


def test_a_folder_that_cannot_be_is_refused_by_its_name(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file/data/monite.sqlite3: Not a directory") as refused:
        serve(data=tmp_path / "file" / "data").__enter__()
    assert refused.value.errno is None, "it is not the port"


def test_a_file_that_is_none_of_ours_is_refused(tmp_path):
    (tmp_path / "monite.sqlite3").write_bytes(b"This is no database." * 100)
    with pytest.raises(OSError, match="file is not a database"), serve(data=tmp_path):
        pass
    assert (tmp_path / "monite.sqlite3").read_bytes() == b"This is no database." * 100


def test_the_file_is_its_owners_alone(tmp_path):
    with serve(Monite(), data=tmp_path / "new"):
        assert (tmp_path / "new" / "monite.sqlite3").stat().st_mode & 0o777 == 0o600
