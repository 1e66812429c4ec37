"""`monite-auth drain`, as cron would run it."""

import math
import re
import subprocess
import sys
from uuid import uuid4

import pytest

from monite_auth import EntityUser, Principal, Settings, TokenBroker
from monite_auth.emulator import ANNA_ID, BAKERY_ID, Fault
from monite_auth.engine.runtime import run
from tests.environment import demo_settings, environment_with


def command(*arguments, **environ) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "monite_auth", "drain", *arguments],
        env=environment_with(environ),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def environ(emulator, tmp_path):
    return demo_settings(emulator.api_url, f"sqlite:///{tmp_path}/tokens.db")


def leave_pending(environ):
    """Mint a token and end its session, as a process would that dies before it can revoke."""
    with TokenBroker(Settings.from_env(environ), {"anna": EntityUser(ANNA_ID, BAKERY_ID)}) as broker:
        broker._engine.drainer.sweep_at = math.inf  # it does not get around to it
        principal = Principal("anna", session_id=uuid4().hex)
        broker.token(principal)
        run(broker.store.shared.operations(blocking=True).end_session(principal))
        broker._drain = lambda _: None  # close() would see to it


def test_promise_6_what_a_dead_process_left_is_revoked(environ, emulator):
    leave_pending(environ)
    assert len(emulator.monite.ledger.live()) == 1
    result = command(**environ)
    assert (result.stdout, result.stderr) == ("settled 1, postponed 0, expired 0\n", "")
    assert emulator.monite.ledger.live() == []
    assert command(**environ).stdout == "settled 0, postponed 0, expired 0\n"


def test_a_monite_that_is_down_leaves_it_pending(environ, emulator):
    leave_pending(environ)
    emulator.monite.faults.add(Fault(kind="status", status=503, path="/auth/revoke"))
    said = command("--within", "3", **environ).stdout
    assert re.fullmatch(r"settled 0, postponed [1-4], expired 0; more is due in \d+ s\n", said)


def test_a_store_that_is_down_is_no_success(environ):
    result = command("--within", "1", **environ | {"MONITE_STORE_URL": "redis://127.0.0.1:1/0"})
    assert (result.returncode, result.stdout) == (1, "")
    assert re.search(r"Error: .*127.0.0.1:1 cannot be reached: .*[^.]\.\n$", result.stderr)


def test_settings_that_cannot_work_are_told_without_a_traceback(environ):
    for changes, says in (
        ({"MONITE_CLIENT_ID": "x"}, "MONITE_CLIENT_ID is no UUID"),
        ({"MONITE_STORE_URL": "memory://"}, "no shared store"),
        ({"MONITE_CLIENT_SECRET": "another"}, "MONITE_STORE_KEYS"),
    ):
        leave_pending(environ)
        result = command(**(environ | changes))
        assert result.returncode == 1
        assert says in result.stderr
        assert "Traceback" not in result.stderr
