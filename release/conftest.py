"""What the checks of a release share: the wheel and the sdist, built once into dist/."""

import shutil
import sys
from pathlib import Path

import pytest

from release.environments import PROJECT, ROOT, run


@pytest.fixture(scope="session")
def dist() -> Path:
    """Return the folder dist/, with nothing but a new sdist and the wheel that was built from it."""
    folder = ROOT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT), folder=ROOT)
    return folder


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """Return the wheel."""
    return dist / f"monite_auth-{PROJECT['version']}-py3-none-any.whl"


@pytest.fixture(scope="session")
def sdist(dist: Path) -> Path:
    """Return the sdist."""
    return dist / f"monite_auth-{PROJECT['version']}.tar.gz"
