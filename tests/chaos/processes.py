"""The worker processes: started, killed and replaced, frozen and, at the end, stopped."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.event_log import EventLogs
from tests.chaos.task_queue import TaskQueue
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]

FLAVOURS = ("threads", "tasks")
"""How a worker serves its users; every other one has an event loop."""

BROKEN = "Background work failed"
"""What the package logs where nobody is left to raise to."""


@dataclass(slots=True)
class Worker:
    """One process. `name`: of the process, and of its event log."""

    name: str
    process: subprocess.Popen[bytes]
    errors: Path


class Processes:
    """A number of workers, half of them with threads, half with an event loop.

    A worker that is killed is replaced by another with the same number. `killed`: the names of those that were; the others
    must end well. `faults` counts what happened to them, by kind.
    """

    def __init__(self, count: int, plan: Path, tasks: TaskQueue, logs: EventLogs) -> None:
        self._plan = plan
        self._tasks = tasks
        self._logs = logs
        self._lifeline, self._held = os.pipe()
        self._generations: Counter[int] = Counter()
        self._lock = threading.RLock()  # none is replaced while all are being stopped
        self._workers: dict[int, Worker] = {}
        self.all: list[Worker] = []
        self.killed: set[str] = set()
        self.faults: Counter[str] = Counter()
        try:
            for number in range(count):
                self._start(number)
        except BaseException:
            self.close()
            raise

    def _start(self, number: int) -> None:
        self._generations[number] += 1
        name = f"{FLAVOURS[number % 2]}-{number}-{self._generations[number]}"
        log = self._logs.path(name)
        inherited = (self._lifeline, *self._tasks.files)
        module = (sys.executable, "-W", "error", "-m", "tests.chaos.worker")
        errors = log.with_suffix(".err")
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                [*module, str(self._plan), str(log), FLAVOURS[number % 2], *map(str, inherited)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                pass_fds=inherited,
                process_group=0,  # Ctrl-C is for the test alone
            )
        self._workers[number] = Worker(name, process, errors)
        self.all.append(self._workers[number])

    @property
    def numbers(self) -> list[int]:
        return sorted(self._workers)

    def kill(self, number: int) -> str:
        """Kill a worker, start another in its place, and return the name of the killed one."""
        with self._lock:
            worker = self._workers[number]
            self.killed.add(worker.name)
            worker.process.kill()
            worker.process.wait()
            self._start(number)
        self.faults["worker killed"] += 1
        return worker.name

    def send_signal(self, number: int, signal_number: signal.Signals) -> None:
        self._workers[number].process.send_signal(signal_number)

    def names(self) -> set[str]:
        """Return the names of those that run now."""
        with self._lock:
            return {worker.name for worker in self._workers.values()}

    def has_lost_one(self) -> bool:
        """Say whether a worker has ended by itself."""
        with self._lock:
            return any(worker.process.poll() is not None for worker in self._workers.values())

    def stop_all(self, *, within: float) -> None:
        """Ask all to stop, and wait for it, `within` seconds at the most."""
        with self._lock:
            for worker in self._workers.values():
                worker.process.terminate()
            waiting = [worker.process for worker in self._workers.values()]
            until(lambda: all(process.poll() is not None for process in waiting), seconds=within)

    def close(self) -> None:
        """Kill those that still run."""
        for worker in self.all:
            worker.process.kill()
            worker.process.wait()
        os.close(self._held)
        os.close(self._lifeline)

    def complaints(self) -> list[str]:
        """Return what went wrong beside the events: how they ended, and what they wrote to stderr and the log."""
        found = []
        for worker in self.all:
            log = worker.errors.with_suffix(".log")
            if log.exists():
                lines = log.read_text().splitlines()
                found += [f"{worker.name} logged: {line}" for line in lines if BROKEN in line]
            errors = worker.errors.read_text().strip()
            if errors:
                found.append(f"{worker.name} wrote to stderr: {errors[-1500:]}")
            if worker.name not in self.killed and worker.process.poll() != 0:
                found.append(f"{worker.name} ended with {worker.process.poll()}")
        return found
