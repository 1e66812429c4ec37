"""Processes that die between the commit and the end of an ending: others see to it."""

import json
import subprocess
import sys

import pytest

from monite_auth.emulator import ANNA_ID
from tests.deaths import DIED, LIVED
from tests.environment import demo_settings, environment_with
from tests.outbox.ground import live
from tests.postgres_server import emptied
from tests.waiting import until


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def store_url(request, tmp_path):
    """Where the application's token store is."""
    match request.param:
        case "sqlite":
            return f"sqlite:///{tmp_path}/tokens.db"
        case "redis":
            return request.getfixturevalue("redis_server").url
        case _:
            return emptied(request.getfixturevalue("app_postgres")).url


def test_what_a_process_had_committed_when_it_died_is_carried_out_by_others(emulator, database, store_url):
    environ = environment_with(demo_settings(emulator.api_url, store_url))

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "tests.outbox.crashes", database.url, *arguments],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    ended = json.loads(run("crash", "16"))
    assert set(ended) <= {DIED, LIVED}
    assert ended.count(DIED) >= 12  # a child may have less to do than the one that was counted
    until(lambda: run("drain") == "" and live(emulator, ANNA_ID) == 0)
    assert len(emulator.monite.ledger.tokens) == len(ended) + 1
    assert database.rows() == []
