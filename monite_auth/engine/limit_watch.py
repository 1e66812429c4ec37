"""What one process makes of the limits that Monite's answers name: a lower one than the settings' goes to the store, for all."""

import logging
import math

from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.limits import named_limit
from monite_auth.stores import BudgetOperations

__all__ = ["LimitWatch"]

log = logging.getLogger("monite_auth")

TELL_AGAIN = 15.0
"""Seconds after which the store is told the same limit again: well within its memory of a minute."""


class LimitWatch:
    """Watches the answers that one process gets. `limit`: requests a second, by the settings.

    It takes no lock: two threads at once tell the store the same limit twice.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._has_warned = False
        self._told = math.inf
        self._told_at = -math.inf

    async def heed(self, store: BudgetOperations, answer: Response | Fault, *, now: float) -> None:
        """Tell the store about the limit that an answer names, if that is lower than the settings'. `now`: epoch seconds."""
        limit = None if isinstance(answer, Fault) else named_limit(answer.headers)
        if limit is None or limit >= self._limit:
            return
        if limit == self._told and 0 <= now - self._told_at < TELL_AGAIN:
            return
        self._told, self._told_at = limit, now
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "Monite's answers name a limit of %d requests/s, which is lower than the %g of "
                "MONITE_REQUESTS_PER_SECOND: all processes keep to Monite's.",
                limit,
                self._limit,
            )
        await store.lower_limit(limit)
