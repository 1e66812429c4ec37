"""How the token store of this process is, without asking it."""

from dataclasses import dataclass
from typing import Literal

from monite_auth.stores.fallback import FallbackStore
from monite_auth.stores.memory import MemoryStore
from monite_auth.stores.protocol import Store

__all__ = ["Health", "health_of"]


@dataclass(frozen=True, slots=True)
class Health:
    """What this process knows of its token store, for a health endpoint. Nobody was asked for it.

    `store`: "degraded" from the first failure, of a part of the store too, until it answers again and has not failed for some
    seconds; otherwise "up".
    `since`: since when, epoch seconds; None while the store has been up from the start.
    `waiting`: how many logouts and other changes the store has still to hear of from this process.
    `is_durable`: whether those survive the death of this process: MONITE_JOURNAL_DIRECTORY is set, and can be written.
    `pending`: how many revocations are pending; None where only a shared store knows: `broker.status()` asks it.
    """

    store: Literal["up", "degraded"]
    since: float | None
    waiting: int
    is_durable: bool
    pending: int | None


def health_of(store: Store) -> Health:
    """Return how a broker's store is."""
    if isinstance(store, FallbackStore):
        outage = store.outage if store.outage.lasts or not store.read_only.lasts else store.read_only
        is_degraded = outage.lasts or len(store.parts) > 0
        return Health(
            "degraded" if is_degraded else "up",
            store.parts.since if is_degraded and not outage.lasts else outage.since,
            store.waiting,
            store.journal_is_durable,
            None,
        )
    pending = store.pending if isinstance(store, MemoryStore) else None
    return Health("up", None, 0, is_durable=False, pending=pending)
