"""Serves the app with gunicorn, as in production: `python -m examples.flask_app --port 8000`."""

import argparse
import os
import sys


def main() -> None:
    """Replace this process with gunicorn."""
    parser = argparse.ArgumentParser(prog="python -m examples.flask_app")
    parser.add_argument("--port", type=int, default=8000)
    port = parser.parse_args().port
    gunicorn = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
    options = ["--threads", "8", "--log-level", "warning", "--no-control-socket"]
    os.execv(sys.executable, [*gunicorn, *options, "examples.flask_app.app:create_app()"])  # noqa: S606 - our own


if __name__ == "__main__":
    main()
