"""Fixtures of the tests of the journal."""

from pathlib import Path

import pytest

from tests.stores.fallback.journalled import Journalled


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def world(directory: Path) -> Journalled:
    return Journalled(directory)
