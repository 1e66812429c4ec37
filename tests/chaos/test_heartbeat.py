"""A process that gets no time says so, whether it was stopped or others have the processor; one that waits does not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.event_log import EventLogs
from tests.chaos.processes import ROOT
from tests.waiting import until

LIVING = """
import os, sys, threading
from pathlib import Path
from tests.chaos.event_log import EventLog
from tests.chaos.heartbeat import start_heartbeat

path, is_busy = sys.argv[1:]
if is_busy == "busy":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
log = EventLog(Path(path))
start_heartbeat(log)
log.write("ready")
while is_busy == "busy":
    pass
threading.Event().wait()
"""

ENOUGH = 0.3
"""Seconds that a process is held up."""


@pytest.fixture
def living(tmp_path):
    """Return a function that starts a process with a heartbeat, and a function that counts its stalled seconds."""
    logs = EventLogs(tmp_path)
    children = []

    def stalled(name: str) -> float:
        logs.read_new()
        found = (each for each in logs.events if each.process == name and each.kind == "stalled")
        return sum(float(each.facts["seconds"]) for each in found)

    def start(name: str, is_busy: str) -> tuple[subprocess.Popen[bytes], Callable[[], float]]:
        child = subprocess.Popen([sys.executable, "-c", LIVING, str(logs.path(name)), is_busy], cwd=ROOT)
        children.append(child)
        until(lambda: logs.read_new() or any(each.process == name for each in logs.events))
        return child, lambda: stalled(name)

    yield start
    for child in children:
        child.kill()
        child.wait()


def test_a_process_that_was_frozen_says_for_how_long(living):
    child, stalled = living("frozen", "idle")
    child.send_signal(signal.SIGSTOP)
    until(lambda: state_of(child.pid) == "T")
    stopped = time.monotonic()
    until(lambda: time.monotonic() > stopped + ENOUGH)
    child.send_signal(signal.SIGCONT)
    until(lambda: stalled() > ENOUGH / 2)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the kernel keeps no such account")
def test_a_busy_process_that_shares_a_processor_says_for_how_long_it_stood_in_the_queue(living):
    _, stalled = living("one", "busy")
    living("other", "busy")
    until(lambda: stalled() > ENOUGH)


def state_of(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
