"""Which sessions have ended, and when.

Endings are counted by a clock that nobody sets. The wall clock says how long ago a login was, and that is counted back from now.
"""

import math
from typing import Any

from cachetools import TTLCache

from monite_auth.identity import LEEWAY, Principal
from monite_auth.stores.bounds import MOST_ENDINGS, MOST_SESSIONS
from monite_auth.stores.dates import Began, WallClock
from monite_auth.stores.values import Ended
from monite_auth.tokens import Clock

__all__ = ["Endings", "Moments"]

Key = tuple[str, str | float | None]

UNDATED = math.inf
"""Instead of a date: the user's unknown sessions that have none."""


class Moments(TTLCache[Key, float]):
    """Moments by user and session, and which a user has, by when they were noted."""

    def __init__(self, maxsize: int, ttl: float, timer: Clock) -> None:
        super().__init__(maxsize, ttl, timer=timer)
        self.of_user: dict[str, dict[str | float | None, None]] = {}

    def __setitem__(self, key: Key, moment: float) -> None:
        super().__setitem__(key, moment)
        self._gone(key)
        self.of_user.setdefault(key[0], {})[key[1]] = None

    def __delitem__(self, key: Key) -> None:
        super().__delitem__(key)
        self._gone(key)

    def expire(self, time: float | None = None) -> Any:
        """Remove what has expired, and return it."""
        expired = super().expire(time)
        for key, _ in expired:
            self._gone(key)
        return expired

    def pop_oldest(self, user: str) -> tuple[str | float | None, float]:
        """Forget what was noted first of a user that has something; return of which session it was, and the moment."""
        session = next(iter(self.of_user[user]))
        moment = self.pop((user, session), 0.0)
        self._gone((user, session))
        return session, moment

    def _gone(self, key: Key) -> None:
        sessions = self.of_user.get(key[0], {})
        sessions.pop(key[1], None)
        if not sessions:
            self.of_user.pop(key[0], None)


class Endings:
    """The endings of an account, remembered for `session_memory` seconds, and `maxsize` of them at the most."""

    def __init__(self, maxsize: int, session_memory: float, *, clock: Clock, wall_clock: WallClock) -> None:
        self._session_memory = session_memory
        self._clock = clock
        self._wall_clock = wall_clock
        # By user and session id; by user and date, for sessions without an id; by user and None, for when all of them
        # ended; and by user and UNDATED. The value is the moment.
        self.moments = Moments(maxsize, session_memory + LEEWAY, clock)
        self.everything = 0.0
        """When everything of the account ended last."""

    def __len__(self) -> int:
        return len(self.moments)

    def add(self, user: str, *sessions: str | float | None, ago: float = 0.0) -> None:
        """Note that these sessions of the user ended `ago` seconds ago: ids, dates, or None for all that began before that."""
        moment = self._clock() - ago
        for session in sessions:
            self._put(user, session, moment)
        while len(self.moments.of_user.get(user, ())) > MOST_ENDINGS + 2:  # two are of no session
            self._let_go_oldest(user)

    def add_undated(self, user: str, known: int) -> None:
        """Note that the unknown sessions of a user that have no date end, if sessions of theirs were let go.

        `known`: how many of them are known. All that were let go are older than these and those that have ended.
        """
        if known + len(self.moments.of_user.get(user, ())) >= MOST_SESSIONS:
            self._put(user, UNDATED, self._clock())

    def _put(self, user: str, session: str | float | None, moment: float) -> None:
        self.moments[user, session] = max(moment, self.moments.get((user, session), 0.0))

    def _let_go_oldest(self, user: str) -> None:
        """Forget a user's oldest ending. Until it would have been forgotten, dates tell which sessions have ended."""
        oldest, moment = self.moments.pop_oldest(user)
        if oldest != UNDATED:
            self._put(user, None, moment)
        self._put(user, UNDATED, moment)

    def add_everything(self, ago: float) -> None:
        """Note that every session of every user ended `ago` seconds ago."""
        self.everything = max(self._clock() - ago, self.everything)
        for user in list(self.moments.of_user):
            self.add_undated(user, known=0)

    def began(self, principal: Principal) -> Began | None:
        """Return when the principal's session began, by its date."""
        return Began.of(principal, now=self._clock(), wall_clock=self._wall_clock)

    def includes(self, user: str, session: str) -> bool:
        """Say whether the session with this id has ended."""
        return (user, session) in self.moments

    def of_all(self, user: str) -> float:
        """Return when all sessions of a user ended last."""
        return max(self.moments.get((user, None), 0.0), self.everything)

    def of(self, principal: Principal, *, is_known: bool) -> Ended | None:
        """Return how the principal's session has ended, if it has. A known session is not judged by its date."""
        name, began = principal.user_id, self.began(principal)
        key = principal.session_id if principal.session_id is not None else principal.began_at
        if key is not None and (name, key) in self.moments:
            return Ended()
        if is_known:
            return None
        if began is None:
            is_over = principal.session_id is not None and (name, UNDATED) in self.moments
            return Ended(too_old=True) if is_over else None
        if began.by < self.of_all(name):
            return Ended()
        return Ended(too_old=True) if began.at <= self._clock() - self._session_memory else None
