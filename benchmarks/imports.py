"""Measures what an import costs the processor: of the package and of each adapter, beside httpx and the frameworks."""

import atexit
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import cache

from benchmarks.ground import Ground
from benchmarks.report import Report
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET

__all__ = ["import_ratio", "run"]

MOST = 1.5
"""The target: times httpx, for an import, and for all that comes before the first request can be made."""

HTTPX, OURS = "import httpx", "from monite_auth import EntityUser, Principal, Settings, TokenBroker"
"""What is compared: httpx, and the names that every application imports."""

CLIENT, BROKER = "httpx, and a client made", "these names, and a broker made"
"""What is compared, too: after these, the first request waits for no import."""

SETTINGS = (
    f"Settings(client_id={DEMO_CLIENT_ID!r}, client_secret={DEMO_CLIENT_SECRET!r}, environment='sandbox')"
)

STATEMENTS = {
    "httpx": HTTPX,
    "httpx, and asyncio": f"{HTTPX}, asyncio",
    CLIENT: f"{HTTPX}; httpx.Client()",
    "monite_auth": "import monite_auth",
    "the names of an application": OURS,
    BROKER: f"{OURS}; TokenBroker({SETTINGS}, {{}})",
    "starlette": "import starlette.applications, starlette.middleware.sessions",
    "monite_auth_starlette": "import monite_auth_starlette",
    "flask": "import flask",
    "monite_auth_flask": "import monite_auth_flask",
    "django": "import django.conf, django.http",
    "monite_auth_django": "import monite_auth_django.conf",
    "the command line": "import monite_auth.__main__",
}

WITHOUT = (
    "httpx2",
    "httpcore2",
    "pygments",
    "rich",
    "opentelemetry",
    "trio",
    "sniffio",
    "brotli",
    "zstandard",
    "h2",
    "socksio",
)
"""What a base installation does not have, and httpx or this package would import if it were there."""

PROGRAM = """
import sys, time
sys.modules.update(dict.fromkeys({without!r}))
began = time.process_time()
{statement}
print(time.process_time() - began)
"""


def run(ground: Ground, report: Report) -> None:
    """Print the milliseconds of each, as in a base installation."""
    rounds = ground.count(15, 1)
    took = {name: statistics.median(each) * 1e3 for name, each in _in_turns(STATEMENTS, rounds).items()}
    report.table(
        "An import, in milliseconds of the processor",
        ["import of", "ms", "times httpx"],
        [(name, each, each / took["httpx"]) for name, each in took.items()],
        plotted=["ms"],
    )
    for name in ("monite_auth", "the names of an application"):
        report.ratio(f"import of {name} / import of httpx", took[name] / took["httpx"], target=MOST)
    report.ratio(f"{BROKER} / {CLIENT}", took[BROKER] / took[CLIENT], target=MOST)


def import_ratio(rounds: int) -> float:
    """Return how many times the import of httpx that of an application's names costs."""
    took = _in_turns({"httpx": HTTPX, "ours": OURS}, rounds)
    return min(took["ours"]) / min(took["httpx"])


def _in_turns(statements: dict[str, str], rounds: int) -> dict[str, list[float]]:
    """Return the seconds that each takes, again and again: all of them in each round, since a machine is not always as quick."""
    for each in statements.values():
        _once(each)  # compiles
    took: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(rounds):
        for name, each in statements.items():
            took[name].append(_once(each))
    return took


def _once(statement: str) -> float:
    """Return the seconds of the processor that this takes in a new Python."""
    program = PROGRAM.format(without=WITHOUT, statement=statement)
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": _compiled()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", program]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - our own
    return float(printed.stdout)


@cache
def _compiled() -> str:
    """Return a folder for compiled modules: an import is measured as an installed package's, which pip has compiled."""
    folder = tempfile.mkdtemp(prefix="compiled-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
