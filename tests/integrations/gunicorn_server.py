"""Runs gunicorn as a subprocess on a free port until the `with` block ends."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import httpx

from tests.environment import demo_settings, environment_with
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).resolve().parents[2]

AT_ONCE = 6
"""The number of requests in a burst: more than a busy sync worker accepts, so that the other worker gets some."""

PATIENT = ("--timeout", "120", "--graceful-timeout", "30")
"""Options of gunicorn: it does not kill a worker for which a busy machine has no time."""

TLS = ssl.create_default_context()
"""One for all clients: each would make one of its own, which keeps the process busy that the emulator answers from."""


class Gunicorn:
    """gunicorn with two workers of a given class that serve `tests.integrations.flask_served`."""

    def __init__(
        self, worker_class: str, api_url: str, store_url: str, *options: str, workers: int = 2
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.workers = workers
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in __exit__
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "tests.integrations.flask_served:app"),
                *("--bind", f"127.0.0.1:{port}", "--workers", str(workers), "--worker-class", worker_class),
                *("--threads", "4") * (worker_class == "gthread"),
                *(*PATIENT, "--no-control-socket", *options),
            ],
            cwd=ROOT,
            env=environment_with(demo_settings(api_url, store_url)),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Self:
        try:
            until(self._answers)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.stop()
        self._log.close()

    def terminate(self) -> None:
        """Send the signal to stop, as a deployment does."""
        self._process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Stop gunicorn and return its exit status."""
        self.terminate()
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            for pid in [*self.children(), self._process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
            raise

    @property
    def log(self) -> str:
        """The output so far."""
        self._log.seek(0)
        return self._log.read()

    def children(self) -> list[int]:
        """The process ids of the workers (Linux)."""
        pid = self._process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def browser(self) -> httpx.Client:
        """Return a client with its own cookies that opens a new connection for each request."""
        return httpx.Client(
            base_url=self.url,
            trust_env=False,
            verify=TLS,
            timeout=PATIENCE,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def ask_every_worker(self, client: httpx.Client, path: str) -> list[httpx.Response]:
        """Send bursts of requests until every worker has answered. Return all answers."""
        answers: list[httpx.Response] = []

        def everybody_has_answered() -> bool:
            answers.extend(pool.map(client.get, [path] * AT_ONCE))
            return len({answer.headers["x-worker"] for answer in answers}) == self.workers

        with ThreadPoolExecutor(AT_ONCE) as pool:
            until(everybody_has_answered)
        return answers

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log
        with contextlib.suppress(httpx.HTTPError), self.browser() as client:
            return client.get("/plain").status_code == 200
        return False
