"""Runs an app of `tests.servers.pages` under a real server with one worker, as a process, until the `with` block ends."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

import httpx

from monite_auth.testing.adapters.site import CALL
from tests.environment import demo_settings, environment_with
from tests.integrations.gunicorn_server import ROOT
from tests.redis_server import free_port
from tests.waiting import until

COMMANDS = {
    "uvicorn": ("uvicorn", "--port", "{port}", "--no-access-log", "--lifespan", "off"),
    "hypercorn": ("hypercorn", "--bind", "127.0.0.1:{port}"),
    "gunicorn, sync": ("gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket"),
    "gunicorn, gthread": (
        *("gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket"),
        *("--worker-class", "gthread", "--threads", "4"),
    ),
}

PATIENCE = 60.0
"""Seconds that a step of a call may take. The machine may be busy."""


class PageServer:
    """A server; its output goes to `log`."""

    def __init__(self, served: str, command: str, api_url: str, log: Path) -> None:
        self.port = free_port()
        self._log = log
        program, *options = COMMANDS[command]
        environment = demo_settings(api_url, "memory://") | {
            "SERVED": served,
            "MONITE_API_LONGEST_BODY": "1000000000",
            "MONITE_API_CALLS_PER_SESSION": "2",
        }
        with log.open("w") as written:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", program),
                    *(option.format(port=self.port) for option in options),
                    "tests.servers.pages:app",
                ],
                cwd=ROOT,
                env=environment_with(environment),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        try:
            until(self._answers, seconds=PATIENCE)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            print(self._log.read_text())  # noqa: T201 - seen where the test has failed

    def page(self) -> httpx.Client:
        """Return Anna's page."""
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}/monite/api",
            headers={**CALL, "x-user": "anna", "accept-encoding": "identity"},
            timeout=PATIENCE,
            trust_env=False,
        )

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def forget_peak(self) -> None:
        """Have `peak` count from now on (Linux)."""
        Path(f"/proc/{self._worker}/clear_refs").write_text("5")

    @property
    def peak(self) -> int:
        """The most bytes that the worker has had in memory (Linux)."""
        status = Path(f"/proc/{self._worker}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    @property
    def _worker(self) -> int:
        """The process id of the only worker, which is a child of the server's or the server."""
        pid = self._process.pid
        found = []
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_text()
            if "resource_tracker" not in words:
                found.append(int(child))
        return found[0] if found else pid

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        with contextlib.suppress(httpx.HTTPError), self.page() as page:
            return page.get("payables", headers={"sec-fetch-site": "cross-site"}).status_code == 403
        return False
