"""Fixtures of the tests of single kinds of stores: their forms, and drivers. The contract has its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stores.harness import FORMS, Driver, Ground, SQLiteGround


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of the SQLite stores."""
    return tmp_path / SQLiteGround.name


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    """Threads, or an event loop."""
    return str(request.param)


@pytest.fixture
def drive() -> Iterator[Callable[..., Driver]]:
    """Return a function that makes a driver; it is closed at the end of the test."""
    drivers: list[Driver] = []

    def make(ground: Ground, form: str, **options: Any) -> Driver:
        drivers.append(Driver(ground, form, **options))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.close()
