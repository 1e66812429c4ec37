"""The worker processes: hired, killed, frozen, replaced and, at the end, let go."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.agenda import Agenda
from tests.chaos.diary import Library
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]

FORMS = ("threads", "tasks")

BROKEN = "Background work failed"
"""What the package logs where nobody is left to raise to."""


@dataclass(slots=True)
class Worker:
    """One process. `name` is its diary's, too."""

    name: str
    process: subprocess.Popen[bytes]
    errors: Path


class Crew:
    """As many workers as there are seats, half of them with threads, half with an event loop.

    `killed`: the names of those that were; the others must end well.
    """

    def __init__(self, seats: int, plan: Path, agenda: Agenda, library: Library) -> None:
        self._plan = plan
        self._agenda = agenda
        self._library = library
        self._lifeline, self._held = os.pipe()
        self._generations: Counter[int] = Counter()
        self._lock = threading.RLock()  # nobody is replaced while all are let go
        self._workers: dict[int, Worker] = {}
        self.all: list[Worker] = []
        self.killed: set[str] = set()
        self.blows: Counter[str] = Counter()
        try:
            for seat in range(seats):
                self._hire(seat)
        except BaseException:
            self.close()
            raise

    def _hire(self, seat: int) -> None:
        self._generations[seat] += 1
        name = f"{FORMS[seat % 2]}-{seat}-{self._generations[seat]}"
        diary = self._library.path(name)
        inherited = (self._lifeline, *self._agenda.files)
        module = (sys.executable, "-W", "error", "-m", "tests.chaos.worker")
        errors = diary.with_suffix(".err")
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                [*module, str(self._plan), str(diary), FORMS[seat % 2], *map(str, inherited)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                pass_fds=inherited,
                process_group=0,  # Ctrl-C is for the test alone
            )
        self._workers[seat] = Worker(name, process, errors)
        self.all.append(self._workers[seat])

    @property
    def seats(self) -> list[int]:
        return sorted(self._workers)

    def kill(self, seat: int) -> str:
        """Kill a worker, hire another in its place, and return the name of the dead one."""
        with self._lock:
            worker = self._workers[seat]
            self.killed.add(worker.name)
            worker.process.kill()
            worker.process.wait()
            self._hire(seat)
        self.blows["worker killed"] += 1
        return worker.name

    def signal(self, seat: int, number: signal.Signals) -> None:
        self._workers[seat].process.send_signal(number)

    def names(self) -> set[str]:
        """Return the names of those at work now."""
        with self._lock:
            return {worker.name for worker in self._workers.values()}

    def has_lost_one(self) -> bool:
        """Say whether a worker has ended by itself."""
        with self._lock:
            return any(worker.process.poll() is not None for worker in self._workers.values())

    def let_go(self, *, within: float) -> None:
        """Ask all to stop, and wait until they have."""
        with self._lock:
            for worker in self._workers.values():
                worker.process.terminate()
            waiting = [worker.process for worker in self._workers.values()]
            until(lambda: all(process.poll() is not None for process in waiting), seconds=within)

    def close(self) -> None:
        """Kill whoever is left."""
        for worker in self.all:
            worker.process.kill()
            worker.process.wait()
        os.close(self._held)
        os.close(self._lifeline)

    def complaints(self) -> list[str]:
        """Return what went wrong beside what they noticed: how they ended, what they wrote to stderr and the log."""
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
