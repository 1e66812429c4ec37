"""The demo with the Flask app: a local Monite and the app, as two processes, until Ctrl-C.

Run it as `python -m examples.flask_app`. It takes `--port` and `--emulator-port`, as `python -m examples.demo` does.
"""

import argparse
import contextlib
import secrets
import signal
import sys
import threading

from examples.demo import WELCOME, Child, ChildFailedError, free_port, wait_until_ready
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET


def run(port: int, emulator_port: int, stop: threading.Event) -> None:
    """Run both processes until `stop` is set; raises ChildFailedError when one of them ends before."""
    with contextlib.ExitStack() as stack:
        emulator = Child("The local Monite", free_port(emulator_port), "monite_auth", "emulator")
        stack.enter_context(emulator)
        wait_until_ready(emulator, stop)
        app = Child(
            "The example app",
            free_port(port),
            "examples.flask_app.serve",
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
    """Run the demo; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.flask_app", description="Run the demo until Ctrl-C."
    )
    parser.add_argument("--port", type=int, default=8000, help="the example app's port (%(default)s)")
    parser.add_argument(
        "--emulator-port", type=int, default=8090, help="the local Monite's port (%(default)s)"
    )
    options = parser.parse_args()

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(options.port, options.emulator_port, stop)
    except ChildFailedError as error:
        print(error, file=sys.stderr, flush=True)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
