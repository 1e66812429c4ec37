"""Jobs of a real Celery worker with forked processes, for users whose accounts were closed after the jobs were queued."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from monite_auth import TokenBroker
from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from tests.environment import demo_settings, environment_with
from tests.servers.celery_queue import queue_in
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    for name in ("queue", "results", "control"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def environment(emulator, folder):
    return demo_settings(emulator.api_url, f"sqlite:///{folder}/tokens.db") | {"JOBS": str(folder)}


@contextlib.contextmanager
def worker(environment, log):
    """Run a worker with two processes until the block ends."""
    command = [
        "-m",
        "celery",
        "-A",
        "tests.servers.celery_jobs",
        "worker",
        "--pool",
        "prefork",
        "--concurrency",
        "2",
    ]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"]
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, *command, *quiet],
            cwd=ROOT,
            env=environment_with(environment),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # the session id identifies its processes
        )
        try:
            yield
            process.send_signal(signal.SIGTERM)  # a warm shutdown
            process.wait(PATIENCE)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            print(log.read_text())  # noqa: T201 - seen where the test has failed


@pytest.fixture
def web(emulated, folder):
    """The broker of the web server. It closes accounts."""
    with TokenBroker(replace(emulated, store_url=f"sqlite:///{folder}/tokens.db"), {}) as broker:
        yield broker


@pytest.fixture
def ask(folder):
    """Queue a job that a user requests now."""
    queue = queue_in(str(folder))
    return lambda user: queue.send_task(
        "tests.servers.celery_jobs.count_payables", (user,), {"since": time.time()}
    )


def outcome(job):
    """Return the status of Monite's answer to a job, or the name of the error that refused it."""
    found = job.get(timeout=PATIENCE, propagate=False)
    return found["status"] if isinstance(found, dict) else type(found).__name__


@pytest.mark.parametrize("used", ["", "1"], ids=["built before the fork", "used before the fork"])
def test_jobs_that_were_queued_before_the_account_was_closed_get_no_token(
    emulator, environment, web, ask, folder, used
):
    ledger = emulator.monite.ledger
    of_anna = [ask("anna") for _ in range(4)]
    of_viktor = [ask("viktor") for _ in range(4)]
    web.end_user("anna")
    with worker(environment | {"USED_BEFORE_THE_FORK": used}, folder / "worker.log"):
        assert [outcome(job) for job in of_anna] == ["SessionEnded"] * 4
        assert [outcome(job) for job in of_viktor] == [200] * 4
        assert ledger.mints(ANNA_ID) == []
        assert len(ledger.mints(VIKTOR_ID)) == 1  # the worker's processes share it

        assert outcome(ask("anna")) == 200  # queued after the account was opened again
        later = ask("viktor")
        assert outcome(later) == 200
        assert len(ledger.mints(VIKTOR_ID)) == 1

        web.end_user("viktor")
        until(lambda: not ledger.live(VIKTOR_ID))
        assert outcome(ask("viktor")) == 200
    assert len(ledger.mints(VIKTOR_ID)) == 2
