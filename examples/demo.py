"""Runs a local Monite and an example app as two processes, until Ctrl-C: `python -m examples.demo`."""

import argparse
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"

STARTS_WITHIN = 60.0
"""Seconds to wait for a child to answer. Even on a busy machine, a healthy one needs less."""

STOPS_WITHIN = 15.0
"""Seconds to wait for a child to stop. The app revokes pending tokens first, for at most `Settings.deadline` (10 s)."""

WELCOME = """
  The example app    {app}/
  The local Monite   {monite}/   every token, live

Open both, side by side, and try this:

  1. Log in as Anna Becker, the accountant. Monite's page shows a token for her.
  2. Create an invoice. The call to Monite carries Anna's own token.
  3. Switch to another of her organizations. She gets another token, another role and other buttons.
  4. Log out. Within a second, Monite's page shows all of her tokens as revoked.
  5. Log in as Viktor Vogel, the viewer. He sees the invoices, but no buttons.

Stop with Ctrl-C.
"""


class ChildFailedError(Exception):
    """A process of the demo ended by itself or does not answer, or there is no free port."""


class Child:
    """Runs a Python module as a process until the `with` block ends. Its stderr is ours.

    The process has its own session, so that only the demo receives Ctrl-C. The demo then stops the app first, because
    the app still needs the local Monite to revoke pending tokens.
    """

    def __init__(self, name: str, port: int, *module: str, **environ: str) -> None:
        self.name = name
        self.port = port
        self.url = f"http://{HOST}:{port}"
        # Drop the developer's own settings: the local Monite has its own address and credentials.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MONITE_")}
        self._process = subprocess.Popen(  # noqa: S603 - our own modules, run by our own Python
            [sys.executable, "-m", *module, "--port", str(port)],
            cwd=ROOT,
            env=inherited | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Check that the process runs.

        Raises:
            ChildFailedError: the process has ended.

        """
        status = self._process.poll()
        if status is not None:
            raise ChildFailedError(f"{self.name} has ended by itself, with status {status}; see above why.")

    def answers(self) -> bool:
        """Return whether the process accepts connections."""
        self.check()
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            return True
        return False


def free_port(wanted: int) -> int:
    """Return the wanted port, or another free port if that is taken.

    Raises:
        ChildFailedError: no port is free.

    """
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.create_server((HOST, port)) as listener:
            return int(listener.getsockname()[1])
    raise ChildFailedError(f"There is no free port on {HOST}.")


def wait_until_ready(child: Child, stop: threading.Event) -> None:
    """Wait until the child answers or `stop` is set.

    Raises:
        ChildFailedError: the child ended, or does not answer in time.

    """
    give_up_at = time.monotonic() + STARTS_WITHIN
    while not child.answers() and not stop.wait(0.05):
        if time.monotonic() > give_up_at:
            raise ChildFailedError(f"{child.name} does not answer at {child.url}.")


APPS = {
    "fastapi": ("uvicorn", "examples.fastapi_app.app:app", "--host", HOST, "--log-level", "warning"),
    "django": ("examples.django_app",),
    "flask": ("examples.flask_app",),
}
"""The example apps by name: the module that runs each, and its arguments."""


def run(name: str, port: int, emulator_port: int, stop: threading.Event) -> None:
    """Run both processes until `stop` is set.

    Raises:
        ChildFailedError: one of them ended earlier, or did not start.

    """
    with contextlib.ExitStack() as stack:
        emulator = Child("The local Monite", free_port(emulator_port), "monite_auth", "emulator")
        stack.enter_context(emulator)
        wait_until_ready(emulator, stop)
        app = Child(
            "The example app",
            free_port(port),
            *APPS[name],
            MONITE_BASE_URL=f"{emulator.url}/v1",
            MONITE_CLIENT_ID=DEMO_CLIENT_ID,
            MONITE_CLIENT_SECRET=DEMO_CLIENT_SECRET,
            APP_SECRET=secrets.token_urlsafe(),
        )
        stack.enter_context(app)
        wait_until_ready(app, stop)
        if not stop.is_set():
            print(WELCOME.format(app=app.url, monite=emulator.url), flush=True)  # noqa: T201 - this is a command
        while not stop.wait(0.2):
            emulator.check()
            app.check()


def main() -> int:
    """Run the demo and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description="Run the demo until Ctrl-C.")
    parser.add_argument("--app", choices=APPS, default="fastapi", help="which example (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="the example app's port (%(default)s)")
    parser.add_argument(
        "--emulator-port", type=int, default=8090, help="the local Monite's port (%(default)s)"
    )
    options = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(options.app, options.port, options.emulator_port, stop)
    except ChildFailedError as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
