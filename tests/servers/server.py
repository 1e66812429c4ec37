"""Runs an example app under a real server, as a process, until the `with` block ends."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import httpx

from tests.environment import environment_with
from tests.integrations.gunicorn_server import AT_ONCE, ROOT, Gunicorn
from tests.redis_server import free_port
from tests.waiting import until

NOBODY = "0"
"""An id that no worker has: every worker refuses a request for it."""


def _program(name: str) -> list[str]:
    """Return the command that starts a server: a module of this Python, or uWSGI, which embeds its own."""
    if name == "uwsgi":
        return [str(Path(sys.executable).with_name("uwsgi"))]
    return [sys.executable, "-m", name]


class Server(Gunicorn):
    """A server with several workers. Its output goes to a file, and pytest shows it if the test fails."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], workers: int, log: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.workers = workers
        self.environment = environment_with(environment)
        self.pids: list[int] = []
        self._log = log.open("w+")
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._prober = self.browser()
        self._process = subprocess.Popen(
            [*_program(command[0]), *(word.format(port=port, workers=workers) for word in command[1:])],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # the session id identifies its children, even after its end
        )

    def __enter__(self) -> Self:
        """Wait until every worker answers."""
        try:
            until(self._all_answer)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        self._prober.close()
        try:
            if self._process.poll() is None:
                self.stop()
        finally:
            for left in self.survivors():  # uWSGI without a master leaves its workers running
                with contextlib.suppress(ProcessLookupError):
                    os.kill(left, signal.SIGKILL)
            print(self.log)  # noqa: T201 - seen where the test has failed
            super().__exit__()

    def browser(self, cookies: httpx.Cookies | None = None) -> httpx.Client:
        """Return a client with these cookies that opens a new connection for each request."""
        browser = super().browser()
        browser.headers["accept"] = "text/html"
        browser.cookies.update(cookies)
        return browser

    def ask(
        self, worker: int, browser: httpx.Client, method: str, path: str, **options: Any
    ) -> httpx.Response:
        """Send a request again until this worker serves it. Probes keep the other workers busy meanwhile."""
        answers: list[httpx.Response] = []

        def served() -> bool:
            others = [self._pool.submit(self._probe) for _ in range(AT_ONCE - 1)]
            headers = {"x-for-worker": str(worker)}
            answers.append(browser.request(method, path, headers=headers, **options))
            for other in others:
                other.result()
            return answers[-1].status_code != 421

        until(served)
        assert answers[-1].headers["x-worker"] == str(worker)
        return answers[-1]

    def survivors(self) -> list[int]:
        """The ids of all processes of its session that still run (Linux)."""
        return [int(stat.parent.name) for stat in Path("/proc").glob("[0-9]*/stat") if self._has(stat)]

    def _has(self, stat: Path) -> bool:
        try:
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return int(session) == self._process.pid and state != "Z"

    def _probe(self) -> int:
        answer = self._prober.get("/", headers={"x-for-worker": NOBODY})
        assert answer.status_code == 421
        return int(answer.headers["x-worker"])

    def _all_answer(self) -> bool:
        assert self._process.poll() is None, "The server has ended by itself; see its log."
        with contextlib.suppress(httpx.HTTPError):
            probes = [self._pool.submit(self._probe) for _ in range(AT_ONCE)]
            self.pids = sorted({*self.pids, *(probe.result() for probe in probes)})
        return len(self.pids) == self.workers
