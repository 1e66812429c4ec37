"""A user's typed application against the installed package: mypy and pyright read release/typed/shop.py, both strictly."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.environments import PYTHONS, Environment, fresh_environment, run

TYPED = Path(__file__).with_name("typed")

NEEDED = ("mypy", "django-stubs", "fastapi")


@pytest.fixture(scope="module")
def user(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """Return the environment of somebody who uses every adapter, on the newest Python, with their application in it."""
    folder = tmp_path_factory.mktemp("user")
    shutil.copytree(TYPED, folder / "shop")
    python = list(PYTHONS.values())[-1]
    requirements = (f"{wheel}[starlette,django,flask,redis]", *NEEDED)
    with fresh_environment(python, folder / "environment", *requirements) as environment:
        yield environment


@pytest.mark.timeout(1800)
def test_mypy_accepts_a_users_typed_application(user):
    shop = user.folder.parent / "shop"
    run(str(user.python), "-m", "mypy", "--no-incremental", "shop.py", folder=shop, PYTHONPATH=str(shop))


@pytest.mark.timeout(1800)
def test_pyright_accepts_a_users_typed_application(user):
    if shutil.which("npm") is None:
        pytest.skip("npm is not here; `make servers` installs it, and pyright is a package of npm's")
    shop = user.folder.parent / "shop"
    run("npm", "ci", "--silent", "--no-audit", "--no-fund", folder=shop)
    run("node_modules/.bin/pyright", "--pythonpath", str(user.python), folder=shop)
