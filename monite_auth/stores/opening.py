"""The store of a broker: the one that it was given or that its settings name, with a fallback if others share it."""

from monite_auth.settings import Settings
from monite_auth.stores.memory import MemoryStore
from monite_auth.stores.protocol import Store
from monite_auth.stores.registry import find
from monite_auth.telemetry import Telemetry
from monite_auth.tokens import Clock

__all__ = ["open_store"]


def open_store(
    settings: Settings, store: Store | None = None, *, clock: Clock, telemetry: Telemetry
) -> Store:
    """Return the account's part of `store`, or of the store that `settings.store_url` names.

    A shared store gets this process's memory to fall back on, however it was given.

    Raises ConfigurationError when the URL names no known kind of store, and ImportError when what its kind needs is not
    installed.
    """
    if store is None:
        # No local may hold what comes behind it: a password.
        make_store = find(settings.store_url.partition("://")[0])
        store = make_store(settings, clock)
    store = store.of(settings.account_name)
    if not store.is_shared:
        return store
    from monite_auth.stores.fallback import FallbackStore  # noqa: PLC0415 - with its journal, and encryption: for shared stores
    from monite_auth.stores.fallback.journal import open_journal  # noqa: PLC0415

    if not isinstance(store, FallbackStore):
        memory = MemoryStore.from_settings(settings, clock).of(settings.account_name)
        store = FallbackStore(
            store, memory, clock=clock, telemetry=telemetry, outage_trust=settings.outage_trust
        )
    store.keep(lambda: open_journal(settings, clock))
    return store
