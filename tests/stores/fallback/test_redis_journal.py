"""A process is killed while Redis is down, and owes a logout. Real processes, a real server, SIGKILL."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monite_auth import EntityUser, Principal, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from tests.redis_server import RedisServer
from tests.waiting import until

ANNA = Principal("anna", session_id="anna-1")
LATER = Principal("anna", session_id="anna-2")
DIRECTORY = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}

WORKER = """
import asyncio, sys
from monite_auth import EntityUser, Principal, Settings, TokenBroker

ANNA = Principal("anna", session_id="anna-1")
broker = TokenBroker(Settings.from_env(), {"anna": EntityUser(*sys.argv[2:])})

def say(word):
    print(word, flush=True)
    sys.stdin.readline()

def in_threads():
    broker.token(ANNA)
    say("has a token")
    broker.logout(ANNA)
    say("has logged out")

async def on_a_loop():
    await broker.atoken(ANNA)
    await asyncio.to_thread(say, "has a token")
    await broker.alogout(ANNA)
    await asyncio.to_thread(say, "has logged out")

in_threads() if sys.argv[1] == "threads" else asyncio.run(on_a_loop())
"""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer("--appendonly", "yes", "--appendfsync", "always") as running:
        yield running


class Worker:
    """A process that logs anna out when it is told to."""

    def __init__(self, settings, form: str) -> None:
        environment = {
            **os.environ,
            "MONITE_CLIENT_ID": settings.client_id,
            "MONITE_CLIENT_SECRET": settings.secret.reveal(),
            "MONITE_BASE_URL": settings.base_url,
            "MONITE_STORE_URL": str(settings.store_url),
            "MONITE_JOURNAL_DIRECTORY": settings.journal_directory,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, form, ANNA_ID, BAKERY_ID],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def until_it(self, says: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == says

    def goes_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def dies(self) -> None:
        self.process.kill()
        self.process.communicate()
        assert self.process.returncode == -9


@pytest.mark.parametrize("form", ["threads", "tasks"])
def test_promise_7_a_logout_in_an_outage_survives_kill_9(form, server, emulated, emulator, tmp_path: Path):
    settings = replace(emulated, store_url=server.url, journal_directory=str(tmp_path / "journal"))
    worker = Worker(settings, form)
    try:
        worker.until_it(says="has a token")
        server.stop()
        worker.goes_on()
        worker.until_it(says="has logged out")
    finally:
        worker.dies()
    server.start()
    with TokenBroker(settings, DIRECTORY) as broker:
        with pytest.raises(errors.SessionEnded):
            broker.token(ANNA)
        assert broker.token(LATER).value
        broker.logout(LATER)
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    assert all(token.revoked_at is not None for token in emulator.monite.ledger.mints(ANNA_ID))
    assert list((tmp_path / "journal").iterdir()) == []
