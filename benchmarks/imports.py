"""Measures what an import costs the processor: of the package and of each adapter, beside httpx and the frameworks."""

import atexit
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec

from benchmarks.ground import Ground
from benchmarks.report import Report

__all__ = ["import_ratio", "run"]

MOST = 1.5
"""The target: times the import of httpx."""

MODULES = {
    "httpx": ("httpx",),
    "monite_auth": ("monite_auth",),
    "httpx, asyncio and cryptography": (
        "httpx",
        "asyncio",
        "cryptography.hazmat.primitives.ciphers.aead",
        "httpcore",
    ),
    "monite_auth_starlette": ("monite_auth_starlette",),
    "starlette": ("starlette.applications", "starlette.middleware.sessions"),
    "monite_auth_flask": ("monite_auth_flask",),
    "flask": ("flask",),
    "monite_auth_django": ("monite_auth_django.conf",),
    "django": ("django.conf", "django.http"),
    "the command line": ("monite_auth.__main__",),
}

WITHOUT = ("httpx2", "rich", "opentelemetry", "trio", "sniffio", "brotli", "zstandard", "h2", "socksio")
"""What a base installation does not have, and httpx or this package would import if it were there."""

PROGRAM = """
import sys, time
sys.modules.update(dict.fromkeys({without!r}))
began = time.process_time()
import {modules}
print(time.process_time() - began)
"""


def run(ground: Ground, report: Report) -> None:
    """Print the milliseconds of each import, as in a base installation."""
    rounds = ground.count(15, 1)
    took = {
        name: _milliseconds(modules, rounds) for name, modules in MODULES.items() if find_spec(modules[0])
    }
    report.table(
        "An import, in milliseconds of the processor",
        ["import of", "ms", "times httpx"],
        [(name, each, each / took["httpx"]) for name, each in took.items()],
        plotted=["ms"],
    )
    report.ratio("import of monite_auth / import of httpx", took["monite_auth"] / took["httpx"], target=MOST)


def import_ratio(rounds: int) -> float:
    """Return how many times the import of httpx that of monite_auth costs; the two take turns."""
    names = ("httpx", "monite_auth")
    took = {name: [_once(MODULES[name])] for name in names}
    for _ in range(rounds):
        for name in names:
            took[name].append(_once(MODULES[name]))
    # The first ones have compiled the modules.
    return min(took["monite_auth"][1:]) / min(took["httpx"][1:])


def _milliseconds(modules: tuple[str, ...], rounds: int) -> float:
    _once(modules)  # compiles
    return statistics.median(_once(modules) for _ in range(rounds)) * 1e3


def _once(modules: tuple[str, ...]) -> float:
    """Return the seconds of the processor that these imports take in a new Python."""
    program = PROGRAM.format(without=WITHOUT, modules=", ".join(modules))
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
