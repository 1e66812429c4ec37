"""What the parts of the contract share: the site, its visitors, and a local Monite."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from monite_auth.emulator import (
    ANNA_ID,
    DEMO_CLIENT_ID,
    DEMO_CLIENT_SECRET,
    Emulator,
    Fault,
    Monite,
    serve,
)
from monite_auth.emulator.traffic.ledger import Ledger
from monite_auth.errors import StoreUnavailable
from monite_auth.identity import Principal
from monite_auth.permissions.policy import Authorize
from monite_auth.settings import SecurityModel, Settings
from monite_auth.stores import Operations, Store
from monite_auth.stores.memory import MemoryStore
from monite_auth.stores.memory.operations import MemoryOperations
from monite_auth.testing.adapters.site import Browser, Site
from monite_auth.testing.waiting import until

__all__ = ["AdapterFixtures", "StoreThatFails", "StoreWithoutLogouts", "revoked", "trouble"]


class AdapterFixtures(ABC):
    """A site of the adapter, and its visitors; override `open_site` and `guard`."""

    @abstractmethod
    def open_site(
        self,
        settings: Settings,
        *,
        tenants: bool,
        authorize: Authorize | None,
        store: Store | None,
        api: bool,
    ) -> AbstractContextManager[Site]:
        """Return a context in which a site of the adapter runs.

        `settings`: those of its broker. `tenants`: whether its `identify` names the session's "organization" as the tenant.
        `authorize`, `store`: those of its broker; None for the defaults. `api`: whether it serves Monite's API to its pages.
        """

    @abstractmethod
    def guard(self, object_type: str, action: str) -> Any:
        """Return the adapter's guard for views that only some may use, for this permission."""

    @pytest.fixture
    def emulator(self) -> Iterator[Emulator]:
        """A local Monite on a port of its own, with a limit that is not in the way."""
        with serve(Monite(requests_per_second=100_000)) as running:
            yield running

    @pytest.fixture
    def deadline(self) -> float:
        """How long a caller waits, in seconds."""
        return 10

    @pytest.fixture
    def security_model(self) -> SecurityModel:
        """Who decides what a person may do."""
        return SecurityModel.MONITE_MANAGED

    @pytest.fixture
    def tenants(self) -> bool:
        """Whether the site's users work for several organizations."""
        return False

    @pytest.fixture
    def authorize(self) -> Authorize | None:
        """The application's word about permissions; None where it has none."""
        return None

    @pytest.fixture
    def store(self) -> Store | None:
        """The store of the site's broker; None for the default."""
        return None

    @pytest.fixture
    def store_url(self) -> str:
        """Where the tokens are, if `store` does not say so."""
        return "memory://"

    @pytest.fixture
    def outage_trust(self) -> float:
        """For how many seconds a session that was seen alive is served while the store is down."""
        return 60

    @pytest.fixture
    def settings(
        self,
        emulator: Emulator,
        deadline: float,
        security_model: SecurityModel,
        store_url: str,
        outage_trust: float,
    ) -> Settings:
        """The settings of the site's broker."""
        emulated = Settings(
            client_id=DEMO_CLIENT_ID,
            client_secret=DEMO_CLIENT_SECRET,
            base_url=emulator.api_url,
            requests_per_second=100_000,
            outage_trust=outage_trust,
        )
        return replace(emulated, deadline=deadline, security_model=security_model, store_url=store_url)

    @pytest.fixture
    def site(
        self, settings: Settings, tenants: bool, authorize: Authorize | None, store: Store | None
    ) -> Iterator[Site]:
        """The site."""
        with self.open_site(
            settings, tenants=tenants, authorize=authorize, store=store, api=False
        ) as running:
            yield running

    @pytest.fixture
    def browser(self, site: Site) -> Browser:
        """Somebody's browser."""
        return Browser(site)

    @pytest.fixture
    def other(self, site: Site) -> Browser:
        """A second browser, with cookies of its own."""
        return Browser(site)

    @pytest.fixture
    def ledger(self, emulator: Emulator) -> Ledger:
        """The tokens that Monite has given out."""
        return emulator.monite.ledger


class OperationsWithoutLogouts(MemoryOperations):
    """The operations of a memory that can record no logout."""

    async def end_session(self, principal: Principal, *, ago: float = 0.0) -> int:  # noqa: ARG002 - whoever, whenever
        """See SessionOperations."""
        raise StoreUnavailable("The store does not answer; this logout is not recorded.")


class StoreWithoutLogouts(MemoryStore):
    """A memory that can record no logout."""

    def __init__(self) -> None:
        super().__init__(make_operations=OperationsWithoutLogouts)


class StoreThatFails:
    """A shared store that is down while `is_down` says so, and counts what it was asked, by operation."""

    is_shared = True

    def __init__(self) -> None:
        self.is_down = False
        self.asked: Counter[str] = Counter()
        self._memory = MemoryStore()

    def of(self, account: str) -> "StoreThatFails":
        """See Store."""
        self._memory = self._memory.of(account)
        return self

    def operations(self, *, blocking: bool) -> Any:
        """See Store."""
        return _OperationsThatFail(self, self._memory.operations(blocking=blocking))

    def reopen(self) -> None:
        """See Store."""

    def close(self) -> None:
        """See Store."""

    async def aclose(self) -> None:
        """See Store."""


class _OperationsThatFail:
    def __init__(self, store: StoreThatFails, operations: Operations) -> None:
        self._store = store
        self._operations = operations

    def __getattr__(self, name: str) -> Any:
        async def operation(*arguments: Any, **options: Any) -> Any:
            self._store.asked[name] += 1
            if self._store.is_down:
                raise StoreUnavailable("The store is down.")
            return await getattr(self._operations, name)(*arguments, **options)

        return operation


@contextmanager
def trouble(emulator: Emulator, **fault: Any) -> Iterator[Any]:
    """Have Monite in trouble within the block; see monite_auth.emulator.Fault."""
    order = emulator.monite.faults.add(Fault(**fault))
    yield order
    emulator.monite.faults.remove(order.id)


def revoked(ledger: Ledger, entity_user_id: str = ANNA_ID) -> None:
    """Wait until no token of a user is live, and see that each was revoked and none merely expired."""
    until(lambda: not ledger.live(entity_user_id))
    assert all(token.revoked_at is not None for token in ledger.mints(entity_user_id))
