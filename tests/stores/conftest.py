"""Fixtures of the contract: a driver for every kind of store, in both forms."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stores.harness import FORMS, KINDS, Driver, Ground, SQLiteGround


def _grounds(place: Path, kind: str) -> Iterator[Ground]:
    ground = KINDS[kind](place)
    yield ground
    ground.close()


@pytest.fixture(params=list(KINDS))
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """A place for stores of each kind."""
    yield from _grounds(tmp_path, request.param)


@pytest.fixture(params=[kind for kind, ground in KINDS.items() if ground.shared])
def shared_ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    """A place for stores of each kind that several processes can share."""
    yield from _grounds(tmp_path, request.param)


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


@pytest.fixture
def driver(ground: Ground, form: str, drive: Callable[..., Driver]) -> Driver:
    """A store of each kind in each form."""
    return drive(ground, form)


@pytest.fixture
def pair(shared_ground: Ground, form: str, drive: Callable[..., Driver]) -> tuple[Driver, Driver]:
    """Two stores, as of two processes, that share one place."""
    return drive(shared_ground, form), drive(shared_ground, form)
