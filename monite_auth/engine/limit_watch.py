"""What one process makes of the limits that Monite's answers name: a lower one than the settings' goes to the store, for all."""

import logging
import math
import threading

from monite_auth.stores import BudgetOperations

__all__ = ["LimitWatch"]

log = logging.getLogger("monite_auth")

TELL_AGAIN = 15.0
"""Seconds after which the store is told the same limit again: well within its memory of a minute."""


class LimitWatch:
    """Watches the answers that one process gets. `limit`: requests a second, by the settings."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._has_warned = False
        self._told = math.inf
        self._told_at = -math.inf

    async def heed(self, store: BudgetOperations, limit: int | None, *, now: float) -> None:
        """Tell the store about the limit that an answer names, if that is lower than the settings'. `now`: epoch seconds."""
        if limit is None or limit >= self._limit:
            return
        with self._lock:
            if limit == self._told and 0 <= now - self._told_at < TELL_AGAIN:
                return
            self._told, self._told_at = limit, now
            is_first, self._has_warned = not self._has_warned, True
        if is_first:
            log.warning(
                "Monite's answers name a limit of %d requests/s, which is lower than the %g of "
                "MONITE_REQUESTS_PER_SECOND: all processes keep to Monite's.",
                limit,
                self._limit,
            )
        await store.lower_limit(limit)
