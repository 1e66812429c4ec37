"""Which sessions have ended, and when. Dates of logins, and endings, are wall-clock time of this machine."""

from cachetools import TTLCache

from monite_auth.identity import LEEWAY, Principal
from monite_auth.stores.values import Ended
from monite_auth.tokens import Clock

__all__ = ["Endings"]


class Endings:
    """The endings of an account, remembered for `session_memory` seconds, and `maxsize` of them at the most."""

    def __init__(self, maxsize: int, session_memory: float, *, clock: Clock, wall_clock: Clock) -> None:
        self._session_memory = session_memory
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

    def add(self, user: str, *sessions: str | float | None) -> None:
        """Note that these sessions of the user end now: ids, dates, or None for all that began before now."""
        now = self._wall_clock()
        for session in sessions:
            self.moments[user, session] = now

    def add_everything(self) -> None:
        """Note that every session of every user ends now."""
        self.everything = self._wall_clock()

    def includes(self, user: str, session: str) -> bool:
        """Say whether the session with this id has ended."""
        return (user, session) in self.moments

    def of(self, principal: Principal, *, is_known: bool) -> Ended | None:
        """Return how the principal's session has ended, if it has. A known session is not judged by its date."""
        name, at, by = principal.user_id, principal.began_at, principal.began_by
        key = principal.session_id if principal.session_id is not None else at
        if key is not None and (name, key) in self.moments:
            return Ended()
        if at is None or by is None or is_known:
            return None
        if by < max(self.moments.get((name, None), 0.0), self.everything):
            return Ended()
        return Ended(too_old=True) if at <= self._wall_clock() - self._session_memory else None
