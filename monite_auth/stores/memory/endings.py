"""Which sessions have ended, and when.

Endings are counted by a clock that nobody sets. The wall clock says how long ago a login was, and that is counted back from now.
"""

from cachetools import TTLCache

from monite_auth.identity import LEEWAY, Principal
from monite_auth.stores.dates import Began
from monite_auth.stores.values import Ended
from monite_auth.tokens import Clock

__all__ = ["Endings"]


class Endings:
    """The endings of an account, remembered for `session_memory` seconds, and `maxsize` of them at the most."""

    def __init__(self, maxsize: int, session_memory: float, *, clock: Clock, wall_clock: Clock) -> None:
        self._session_memory = session_memory
        self._clock = clock
        self._wall_clock = wall_clock
        # By user and session id; by user and date, for sessions without an id; and by user and None, for when all of
        # them ended. The value is the moment.
        self.moments: TTLCache[tuple[str, str | float | None], float] = TTLCache(
            maxsize, session_memory + LEEWAY, timer=clock
        )
        self.everything = 0.0
        """When everything of the account ended last."""

    def __len__(self) -> int:
        return len(self.moments)

    def add(self, user: str, *sessions: str | float | None, ago: float = 0.0) -> None:
        """Note that these sessions of the user ended `ago` seconds ago: ids, dates, or None for all that began before that."""
        moment = self._clock() - ago
        for session in sessions:
            self.moments[user, session] = max(moment, self.moments.get((user, session), 0.0))

    def add_everything(self, ago: float) -> None:
        """Note that every session of every user ended `ago` seconds ago."""
        self.everything = max(self._clock() - ago, self.everything)

    def began(self, principal: Principal) -> Began | None:
        """Return when the principal's session began, by its date."""
        return Began.of(principal, now=self._clock(), wall=self._wall_clock())

    def includes(self, user: str, session: str) -> bool:
        """Say whether the session with this id has ended."""
        return (user, session) in self.moments

    def of(self, principal: Principal, *, is_known: bool) -> Ended | None:
        """Return how the principal's session has ended, if it has. A known session is not judged by its date."""
        name, began = principal.user_id, self.began(principal)
        key = principal.session_id if principal.session_id is not None else principal.began_at
        if key is not None and (name, key) in self.moments:
            return Ended()
        if began is None or is_known:
            return None
        if began.by < max(self.moments.get((name, None), 0.0), self.everything):
            return Ended()
        return Ended(too_old=True) if began.at <= self._clock() - self._session_memory else None
