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

    def add(self, user: str, *sessions: str | float | None, ago: float = 0.0) -> None:
        """Note that these sessions of the user ended `ago` seconds ago: ids, dates, or None for all that began before that."""
        moment = self._wall_clock() - ago
        for session in sessions:
            self.moments[user, session] = max(moment, self.moments.get((user, session), 0.0))

    def add_everything(self, ago: float) -> None:
        """Note that every session of every user ended `ago` seconds ago."""
        self.everything = max(self._wall_clock() - ago, self.everything)

    def age_of(self, principal: Principal) -> float:
        """Return how many seconds ago the principal's session began, by its date; 0 if it has none."""
        by = principal.began_by
        return 0.0 if by is None else max(0.0, self._wall_clock() - by)

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
