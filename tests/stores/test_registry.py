"""A kind of store is imported when it is chosen, and not before."""

import subprocess
import sys

import pytest

from monite_auth.errors import ConfigurationError
from monite_auth.stores import register
from monite_auth.stores.registry import find


def imported_by(statement: str) -> set[str]:
    """Return the packages that a new process has imported after the statement."""
    program = f"{statement}; import sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.check_output([sys.executable, "-c", program], text=True).split())


def test_the_protocol_costs_nothing_that_is_an_extra():
    assert imported_by("import monite_auth.stores.registry") & {"redis", "fastapi", "pytest"} == set()


def test_the_contract_of_stores_needs_no_emulator():
    assert imported_by("from monite_auth.testing import StoreContract") & {"fastapi", "uvicorn"} == set()


class Pigeons:
    @classmethod
    def from_settings(cls, _settings, _clock):
        return cls()


def test_a_kind_of_store_may_be_registered_again_but_not_by_another():
    for _ in range(2):
        register("pigeons", Pigeons.from_settings)
    assert find("pigeons") == Pigeons.from_settings
    with pytest.raises(ValueError, match="Another kind of store"):
        register("pigeons", Pigeons)


def test_a_scheme_that_nobody_registered_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match="store_url begins with memory://"):
        find("carrier-pigeon")
