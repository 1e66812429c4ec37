"""Which sessions this process has itself seen alive in the shared store, a short while ago: whom it serves during an outage.

A session of another process may have ended without this one hearing of it. So nobody is trusted for longer than `seconds`,
and a logout elsewhere holds here after that time at the latest, even while the store is down.

The partner is always trusted: its token is the application's own, and nobody logs it out.

Noting is on the hot path. It takes no lock: each step is one atomic step of a dictionary.
"""

from collections.abc import Callable

from monite_auth.identity import PARTNER, Principal, Subject
from monite_auth.tokens import Clock

__all__ = ["Trust"]

SESSION_LIMIT = 10_000
"""Sessions in one generation. The two of them take about four megabytes, and hold all that a process serves in a minute."""

SessionKey = tuple[str, str | float | None]
"""A user, and their session's id; for sessions without one their date, if there is any."""


class Trust:
    """The sessions of one account that were seen alive. `seconds`: for how long after that each is trusted, 0 for never.

    There are two generations. A full one becomes the older one, so sessions that were not seen for longest are dropped first.
    """

    def __init__(self, seconds: float, clock: Clock, *, session_limit: int = SESSION_LIMIT) -> None:
        self.seconds = seconds
        self.endings: object = object()
        """Another object after each ending. What was asked of the store before an ending tells nothing of the time after it."""
        self._clock = clock
        self._session_limit = session_limit
        self._newer: dict[SessionKey, float] = {}
        self._older: dict[SessionKey, float] = {}

    def includes(self, subject: Subject) -> bool:
        """Say whether the subject may be served without asking the store."""
        if subject is PARTNER:
            return True
        key = _key(subject)
        seen_at = self._newer.get(key) or self._older.get(key)
        return seen_at is not None and self._clock() - seen_at < self.seconds

    def note(self, subject: Subject, endings: object) -> None:
        """Note that the store has just answered as for a session that is alive.

        `endings`: `self.endings` from before the store was asked.
        """
        if subject is PARTNER:
            return
        newer = self._newer
        if len(newer) >= self._session_limit:
            self._older, self._newer = newer, {}
            newer = self._newer
        key = _key(subject)
        newer[key] = self._clock()
        # Compared after noting: an ending that comes later than this line finds the note.
        if self.endings is not endings:
            newer.pop(key, None)

    def forget_session(self, principal: Principal) -> None:
        """Forget one session."""
        self.endings = object()
        for generation in (self._newer, self._older):
            generation.pop(_key(principal), None)

    def forget_sessions_without_id(self, user_id: str) -> None:
        """Forget all sessions of a user that have no id."""
        self._forget(lambda user, session: user == user_id and not isinstance(session, str))

    def forget_user(self, user_id: str) -> None:
        """Forget all sessions of a user."""
        self._forget(lambda user, _session: user == user_id)

    def forget_everything(self) -> None:
        """Forget all sessions."""
        self._forget(lambda _user, _session: True)

    def _forget(self, is_meant: Callable[[str, str | float | None], bool]) -> None:
        self.endings = object()
        # In this order: a generation that becomes the older one meanwhile is met twice, and none is missed.
        for generation in (self._newer, self._older):
            for key in [each for each in list(generation) if is_meant(*each)]:
                generation.pop(key, None)


def _key(principal: Principal) -> SessionKey:
    return principal.user_id, principal.began_at if principal.session_id is None else principal.session_id
