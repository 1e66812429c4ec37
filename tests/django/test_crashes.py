"""Processes that die between the commit of a change and the end of its ending: others see to it, whatever the database and the store."""

import json
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from tests.deaths import DIED, LIVED
from tests.environment import demo_settings, environment_with
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer, emptied
from tests.waiting import PATIENCE, until


@pytest.fixture(scope="module")
def postgres():
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="module")
def redis():
    with RedisServer() as server:
        yield server


@pytest.fixture
def database(request, tmp_path):
    """The parameters of the project's database."""
    if request.param == "sqlite":
        # Children and their parent write at once: one waits for another, and a transaction is not refused in its middle.
        options = {"transaction_mode": "IMMEDIATE", "timeout": PATIENCE}
        engine, name = "django.db.backends.sqlite3", str(tmp_path / "app.sqlite3")
        return {"ENGINE": engine, "NAME": name, "OPTIONS": options}
    server = request.getfixturevalue("postgres")
    server.query("DROP DATABASE IF EXISTS app WITH (FORCE)")
    server.query("CREATE DATABASE app")
    host, port = urlsplit(server.url).hostname, server.port
    engine = "django.db.backends.postgresql"
    return {"ENGINE": engine, "NAME": "app", "USER": "admin", "HOST": host, "PORT": port}


@pytest.fixture
def store_url(request, tmp_path):
    """Where the project's token store is."""
    match request.param:
        case "sqlite":
            return f"sqlite:///{tmp_path}/tokens.db"
        case "redis":
            return emptied(request.getfixturevalue("redis")).url
        case _:
            return request.getfixturevalue("postgres").url


@pytest.mark.parametrize(
    ("database", "store_url", "points"),
    [
        ("sqlite", "sqlite", 24),
        ("sqlite", "redis", 6),
        ("sqlite", "postgres", 6),
        ("postgres", "sqlite", 6),
        ("postgres", "redis", 6),
        ("postgres", "postgres", 6),
    ],
    indirect=["database", "store_url"],
)
def test_what_a_process_had_committed_when_it_died_is_carried_out_by_others(
    emulator, database, store_url, points
):
    environ = environment_with(demo_settings(emulator.api_url, store_url)) | {
        "TEST_DATABASE": json.dumps(database),
        "MONITE_REQUESTS_PER_SECOND": "100000",
    }

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "tests.django.crashes", *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    ended = json.loads(run("crash", str(points)))
    assert set(ended) <= {DIED, LIVED}
    assert (
        ended.count(DIED) > len(ended) * 3 // 4
    )  # a child may have less to do than the one that was counted
    tokens = emulator.monite.ledger.tokens
    assert len(tokens) == 8 * (points + 1)
    until(lambda: run("drain") and not living(emulator))


def living(emulator):
    return [each for person in (ANNA_ID, VIKTOR_ID) for each in emulator.monite.ledger.live(person)]
