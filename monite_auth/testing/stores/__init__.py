"""The contract of stores: what `monite_auth.stores.protocol` promises, as tests, by concern.

    from monite_auth.testing import SharedStoreContract, StoreGround


    class EtcdGround(StoreGround):
        def open(self, **options):
            return EtcdStore(self.place / "etcd", clock=self.clock, **options)


    class TestEtcd(SharedStoreContract):
        ground_type = EtcdGround

CONTRIBUTING.md has the walk-through.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from monite_auth.testing.contracts import require_pytest

require_pytest()

import pytest

from monite_auth.testing.stores.accounts import AccountContract
from monite_auth.testing.stores.bounds import BoundContract
from monite_auth.testing.stores.budget import BudgetContract
from monite_auth.testing.stores.calls import CallContract
from monite_auth.testing.stores.dates import DateContract
from monite_auth.testing.stores.driver import FORMS, Drive, StoreDriver, StoreGround
from monite_auth.testing.stores.notes import NoteContract
from monite_auth.testing.stores.revocations import RevocationContract
from monite_auth.testing.stores.same_value import SameValueContract
from monite_auth.testing.stores.sessions import SessionContract
from monite_auth.testing.stores.sharing import SharingContract
from monite_auth.testing.stores.status import StatusContract
from monite_auth.testing.stores.tokens import TokenContract

__all__ = ["SharedStoreContract", "StoreContract", "StoreDriver", "StoreGround"]


class StoreContract(
    TokenContract,
    SessionContract,
    RevocationContract,
    NoteContract,
    BudgetContract,
    CallContract,
    StatusContract,
    DateContract,
    SameValueContract,
    AccountContract,
    BoundContract,
):
    """What every store must do: each operation, each outcome, in both forms. Subclass it and name the ground."""

    ground_type: ClassVar[type[StoreGround]]
    """Where the stores of the tests are opened."""

    @pytest.fixture
    def ground(self, tmp_path: Path) -> Iterator[StoreGround]:
        """Return a place of the test's own."""
        ground = self.ground_type(tmp_path)
        yield ground
        ground.close()

    @pytest.fixture(params=FORMS)
    def form(self, request: pytest.FixtureRequest) -> str:
        """Return the form of the operations: for threads, or for an event loop."""
        return str(request.param)

    @pytest.fixture
    def drive(self) -> Iterator[Drive]:
        """Return a function that makes a driver, which is closed at the end of the test."""
        drivers: list[StoreDriver] = []

        def make(ground: StoreGround, form: str, **options: Any) -> StoreDriver:
            drivers.append(StoreDriver(ground, form, **options))
            return drivers[-1]

        yield make
        for driver in drivers:
            driver.close()

    @pytest.fixture
    def driver(self, ground: StoreGround, form: str, drive: Drive) -> StoreDriver:
        """Return a store of the ground."""
        return drive(ground, form)


class SharedStoreContract(StoreContract, SharingContract):
    """What a store that several processes share must do besides."""
