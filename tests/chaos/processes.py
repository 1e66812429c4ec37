"""The worker processes: started, killed and replaced, frozen and, at the end, stopped."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.chaos.event_log import EventLogs
from tests.chaos.task_queue import TaskQueue
from tests.environment import environment_with
from tests.wall_clock import WallClock

ROOT = Path(__file__).resolve().parents[2]

PYTHON = (sys.executable, "-X", "faulthandler", "-W", "error", "-m")

UWSGI = (
    *(str(Path(sys.executable).with_name("uwsgi")), "--master", "--processes", "2", "--enable-threads"),
    *("--http-socket", "127.0.0.1:0", "--need-app", "--die-on-term", "--no-orphans", "--disable-logging"),
    *("--worker-reload-mercy", "100", "--module", "tests.chaos.under_uwsgi"),
    # Visitors do not wait for ever, and that one has gone is no complaint.
    *("--ignore-sigpipe", "--ignore-write-errors"),
)

FORKED = 2
"""Processes that a server forks."""

RIGHT, BACK, AHEAD = "+0", "-3600", "+300"
"""Wall clocks, as seconds that they are off: right, an hour back, five minutes ahead."""


class Kind(NamedTuple):
    """What a worker is: how it serves its users, and what its wall clock shows at first, if not the host's time."""

    flavour: str
    clock: str | None = None


KINDS = (
    Kind("threads"),
    Kind("tasks"),
    Kind("uwsgi"),
    Kind("gevent"),
    Kind("loops"),
    Kind("threads", BACK),
    Kind("tasks", AHEAD),
    Kind("threads", RIGHT),
)
"""By the number of a worker. The clocks of the last three are moved while they run, too."""

BROKEN = "Background work failed"
"""What the package logs where nobody is left to raise to."""


@dataclass(slots=True)
class Worker:
    """One process, or a server with those that it forks. `name`: of the process, and of its event log."""

    name: str
    kind: Kind
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def forks(self) -> bool:
        return self.kind.flavour in ("uwsgi", "gevent")

    def forked(self) -> dict[str, int]:
        """Return the ids of the processes that it has forked, by their names (Linux)."""
        pid = self.process.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):  # it has ended, before or while it is read
            return {}
        return {f"{self.name}.{child}": int(child) for child in children}

    def where_it_is(self) -> str:
        """Have its threads, and those of what it has forked, say where they are, and return what it wrote."""
        for pid in (self.process.pid, *self.forked().values()):
            os.kill(pid, signal.SIGUSR1)
        threading.Event().wait(1)  # a process that hangs writes it at once, or never
        return "\n".join(each.read_text() for each in sorted(self.output.parent.glob(f"{self.name}*.err")))


class Processes:
    """A number of workers, of all kinds.

    A worker that is killed is replaced by another with the same number, or by its server.
    """

    def __init__(self, count: int, plan: Path, tasks: TaskQueue, logs: EventLogs) -> None:
        self._plan = plan
        self._tasks = tasks
        self._logs = logs
        self._lifeline, self._held = os.pipe()
        self._generations: Counter[int] = Counter()
        self._lock = threading.RLock()  # none is replaced while all are being stopped
        self._workers: dict[int, Worker] = {}
        self._clocks = {
            number: WallClock(plan.with_name(f"clock-{number}"), clock)
            for number in range(count)
            if (clock := KINDS[number].clock) is not None
        }
        self._killed: set[str] = set()
        self.all: list[Worker] = []
        try:
            for number in range(count):
                self._start(number)
        except BaseException:
            self.close()
            raise

    def _start(self, number: int) -> None:
        self._generations[number] += 1
        kind = KINDS[number]
        clock = self._clocks.get(number)
        name = f"{kind.flavour}{'_clock' * (clock is not None)}-{number}-{self._generations[number]}"
        log = self._logs.path(name)
        inherited = (self._lifeline, *self._tasks.files)
        output = log.with_suffix(".err")
        with output.open("wb") as stream:
            process = subprocess.Popen(
                _command(kind.flavour, [str(self._plan), str(log), *map(str, inherited)]),
                cwd=ROOT,
                env=environment_with(clock.environment if clock else {}),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                pass_fds=inherited,
                process_group=0,  # Ctrl-C is for the test alone
            )
        self._workers[number] = Worker(name, kind, process, output)
        self.all.append(self._workers[number])

    @property
    def numbers(self) -> list[int]:
        return sorted(self._workers)

    @property
    def killed(self) -> set[str]:
        """The names of those that were killed, alone or with their server; the others must end well."""
        return self._killed.union(*(self._logs.forked_by(name) for name in self._killed))

    def kill(self, number: int, chance: random.Random) -> set[str]:
        """Kill a worker, start another in its place, and return the names of those killed.

        Of a server one of its processes is killed, which it replaces itself, or the server, without which the others end.
        """
        with self._lock:
            worker = self._workers[number]
            forked = worker.forked()
            if forked and chance.random() < 0.5:
                name = chance.choice(sorted(forked))
                self._killed.add(name)
                os.kill(forked[name], signal.SIGKILL)
                return {name}
            self._killed.add(worker.name)
            worker.process.kill()
            worker.process.wait()
            self._start(number)
        return self._logs.forked_by(worker.name) or {worker.name}

    def freeze(self, number: int) -> Worker:
        """Have a worker stand still, with all that it has forked, until `thaw`."""
        worker = self._workers[number]
        os.killpg(worker.process.pid, signal.SIGSTOP)
        return worker

    def thaw(self, worker: Worker) -> None:
        os.killpg(worker.process.pid, signal.SIGCONT)

    @contextmanager
    def clock_set(self, chance: random.Random) -> Iterator[None]:
        """Have the wall clock of one of the workers that have one of their own show another time meanwhile."""
        number = chance.choice(sorted(self._clocks))
        self._clocks[number].set(chance.choice((RIGHT, BACK, AHEAD)))
        yield
        self._clocks[number].set(KINDS[number].clock or RIGHT)

    def names(self) -> set[str]:
        """Return the names of those that are to work now; a server that has not forked all of its own stands for them."""
        with self._lock:
            found: set[str] = set()
            for worker in self._workers.values():
                forked = worker.forked().keys() - self._killed
                found |= forked if len(forked) == FORKED else {worker.name}
            return found

    def has_lost_one(self) -> bool:
        """Say whether a worker has ended by itself."""
        with self._lock:
            return any(worker.process.poll() is not None for worker in self._workers.values())

    def stop_all(self, *, within: float) -> None:
        """Ask all to stop, and wait for it, `within` seconds at the most."""
        with self._lock:
            for worker in self._workers.values():
                worker.process.terminate()
            end = time.monotonic() + within
            for worker in self._workers.values():
                try:
                    worker.process.wait(max(0.0, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    raise AssertionError(f"{worker.name} did not stop: {worker.where_it_is()}") from None

    def close(self) -> None:
        """Kill those that still run. Those that servers have forked end with the lifeline."""
        for worker in self.all:
            worker.process.kill()
            worker.process.wait()
        os.close(self._held)
        os.close(self._lifeline)

    def complaints(self) -> list[str]:
        """Return what went wrong beside the events: how they ended, and what they wrote to stderr and the log."""
        killed = self.killed
        found = []
        for worker in self.all:
            if worker.name not in killed and worker.process.poll() != 0:
                found.append(f"{worker.name} ended with {worker.process.poll()}")
            forked = sorted(self._logs.forked_by(worker.name))
            for name in [worker.name, *forked]:
                # A server says much without being asked, also in a process that ends since the server was killed.
                says_much = worker.forks and (name == worker.name or name in killed)
                found += self._written_by(name, says_much=says_much)
            for name in forked:
                if name not in killed and not self._logs.has_stopped(name):
                    found.append(f"{name} did not end well")
        return found

    def _written_by(self, name: str, *, says_much: bool) -> Iterator[str]:
        """Yield what a process wrote that it should not have written."""
        log, errors = (self._logs.path(name).with_suffix(suffix) for suffix in (".log", ".err"))
        if log.exists():
            yield from (f"{name} logged: {line}" for line in log.read_text().splitlines() if BROKEN in line)
        written = errors.read_text().strip() if errors.exists() else ""
        if written and (not says_much or "Traceback" in written):
            yield f"{name} wrote to stderr: {written[-1500:]}"


def _command(flavour: str, arguments: list[str]) -> list[str]:
    """Return the command that starts a worker."""
    match flavour:
        case "uwsgi":
            return [*UWSGI, "--pyargv", " ".join(arguments)]
        case "gevent":
            return [*PYTHON, "tests.chaos.under_gunicorn", *arguments]
    return [*PYTHON, "tests.chaos.worker", *arguments, flavour]
