"""Fresh environments for the checks of a release: which Pythons are here, and a virtual environment with the built wheel."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["EXTRAS", "PROJECT", "PYTHONS", "ROOT", "Environment", "fresh_environment", "run"]

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]

LONGEST = 900
"""Seconds that one program may take. It only guards against hanging: pip is slow on a busy machine."""


def _supported() -> list[str]:
    """Return the versions of Python that pyproject.toml's classifiers name, the oldest first."""
    prefix = "Programming Language :: Python :: 3."
    return [f"3.{each.removeprefix(prefix)}" for each in PROJECT["classifiers"] if each.startswith(prefix)]


def _find(version: str) -> str | None:
    """Return this version's Python: one of pyenv's, or one on the PATH."""
    of_pyenv = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python"))
    return str(of_pyenv[-1]) if of_pyenv else shutil.which(f"python{version}")


def _oldest_and_newest() -> dict[str, str]:
    here = {version: path for version in _supported() if (path := _find(version)) is not None}
    ends = list(here)[:1] + list(here)[-1:]
    return {version: here[version] for version in ends}


PYTHONS = _oldest_and_newest()
"""The oldest and the newest Python that this machine has, of those that the package supports: version and path."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment. `folder`: where it is, and an empty place to stand in while programs run."""

    folder: Path

    @property
    def python(self) -> Path:
        """The environment's Python."""
        return self.folder / "bin" / "python"

    def install(self, *requirements: str) -> None:
        """Install requirements, as a newcomer's pip does: without pins."""
        self.pip("install", "--quiet", *requirements)

    def pip(self, *arguments: str) -> str:
        """Run our pip on this environment: one of its own would take longer to make than what it installs."""
        ours = (sys.executable, "-m", "pip", "--python", str(self.python))
        return run(*ours, *arguments, folder=self.folder)

    def run(self, *arguments: str, **variables: str) -> str:
        """Run the environment's Python, outside of the checkout. Return what it printed."""
        return run(str(self.python), *arguments, folder=self.folder, **variables)


@contextmanager
def fresh_environment(python: str, folder: Path, *requirements: str) -> Iterator[Environment]:
    """Make an environment with these requirements, and remove it afterwards: twenty of them fill a disk."""
    run(python, "-m", "venv", "--without-pip", str(folder), folder=folder.parent)
    environment = Environment(folder)
    try:
        environment.install(*requirements)
        yield environment
    finally:
        shutil.rmtree(folder)


def run(*command: str, folder: Path, **variables: str) -> str:
    """Run a program in a folder, without our settings and our paths. Return what it printed; print all of it if it fails."""
    ours = ("MONITE_", "PYTHON", "VIRTUAL_ENV")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**inherited, **variables},
        timeout=LONGEST,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (
        f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    )
    return done.stdout
