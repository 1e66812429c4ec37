"""The judge's record of sessions: which are known, which have ended, and what their dates say of the others.

Written anew from what `docs/sessions.md` tells applications, not from a store:

- A session with a name is known from its login or its first claim, for as long as sessions are remembered. Whether it
  has ended is then a matter of its name; no date counts.
- For any other session the date decides: it must not lie before the last ending of all the user's sessions, and not further
  back than endings are remembered. A date without a fraction means its whole second.
- How long ago a date was is told by the wall clock of the host that asks. Where that was set, a session must be refused if even the last
  time at which the clock has shown its date was before the ending; it may be refused if the date can be taken for one from before.
- A session without a name is called by its date: its own logout ends it whatever the clock says.
- A session with neither looks like a new login at every call.

Each ending is recorded twice: when the store *was told* of it, a call may be refused; when the call that ends has
*returned*, a call must be refused. Beside that stands the truth, whatever a store says: a session whose login returned
before `end_user` began has to be over when that has returned.
"""

from collections.abc import Callable
from typing import Any

from monite_auth import Principal
from monite_auth.identity import PARTNER, Subject

__all__ = ["Key", "Sessions", "session_key"]

WHOLE_SECOND = 1 - 1e-6
"""Seconds by which the login may be later than its date, if that has no fraction."""

Key = tuple[str, str | float]
"""A user, and the name or date of one of their sessions."""


class _Endings:
    """What has ended and when: single sessions, and all of a user's, or of everybody's (None), before a moment."""

    def __init__(self) -> None:
        self.sessions: dict[Key, float] = {}
        self.before: dict[str | None, float] = {}

    def facts(self) -> tuple[Any, ...]:
        return (frozenset(self.sessions.items()), frozenset(self.before.items()))


class Sessions:
    """The sessions of one account. `memory`: seconds for which they, and their endings, are remembered.

    `moments`: says when a date was, at the earliest and at the latest, as the host can tell by its wall clock.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        memory: float,
        moments: Callable[[float], tuple[float, float]],
    ) -> None:
        self._clock = clock
        self._moments = moments
        self._memory = memory
        self._known: dict[Key, float] = {}  # until when
        self._began: dict[Key, float] = {}  # when they became known
        self._logged_in: set[Key] = set()  # in truth: their login has returned
        self._told = _Endings()
        self._ended = _Endings()
        self._doubtful: set[Key] = set()
        """Ended when they were known no more: a store may have dropped them by then, or not."""

    def facts(self) -> tuple[Any, ...]:
        """Return all of this as a value."""
        known = frozenset(self._known.items())
        told, ended = self._told.facts(), self._ended.facts()
        return (known, frozenset(self._logged_in), told, ended, frozenset(self._doubtful))

    # -- questions

    def is_known(self, principal: Principal) -> bool:
        """Say whether the session is judged by its name."""
        name = principal.session_id
        return name is not None and self._known.get((principal.user_id, name), 0.0) > self._clock()

    def must_be_refused(self, principal: Subject) -> bool:
        """Say whether the session's ending has returned, or it began too long ago."""
        return principal is not PARTNER and self._is_over(principal, self._ended)

    def may_be_refused(self, principal: Subject) -> bool:
        """Say whether the store was told of the session's end, though that call may still be on its way back."""
        if principal is PARTNER:
            return False
        key = session_key(principal)
        return key in self._told.sessions or key in self._doubtful or self._is_over(principal, self._told)

    def _is_over(self, principal: Principal, endings: _Endings) -> bool:
        date, user, now = principal.began_at, principal.user_id, self._clock()
        key = session_key(principal)
        ended_at = endings.sessions.get(key) if key is not None else None
        if ended_at is not None and (date is not None or now < ended_at + self._memory):
            return True
        if date is None or self.is_known(principal):
            return False
        earliest, last = self._moments(date)
        at = last if endings is self._ended else earliest
        latest = at + WHOLE_SECOND if date % 1 == 0 else at
        before = max(endings.before.get(user, 0.0), endings.before.get(None, 0.0))
        return latest < before or at <= now - self._memory

    def logged_in(self, user: str | None) -> frozenset[Key]:
        """Return the sessions of a user, or of everybody, whose login has returned and that did not end since."""
        now = self._clock()
        return frozenset(
            key for key in self._logged_in if user in (None, key[0]) and self._known.get(key, 0.0) > now
        )

    # -- what the store was told

    def becomes_known(self, principal: Principal) -> None:
        """The session has begun, or claimed."""
        key, now = session_key(principal), self._clock()
        if principal.session_id is None or key is None:
            return
        ended_at = self._told.sessions.get(key)
        if ended_at is not None:
            if now < ended_at + self._memory:
                return
            self._doubtful.add(key)  # the name was used so long ago that its ending may be forgotten, or not
            for endings in (self._told, self._ended):
                endings.sessions.pop(key, None)
        self._known[key] = now + self._memory
        self._began.setdefault(key, now)

    def dates_back(self, principal: Principal, ago: float) -> bool:
        """The store hears late that the session had begun; return whether all the user's sessions have ended since."""
        key, began = session_key(principal), self._clock() - ago
        if ago <= 0 or key not in self._known:
            return False
        self._began[key] = min(began, self._began[key])
        return began < max(self._told.before.get(principal.user_id, 0.0), self._told.before.get(None, 0.0))

    def told_of_logout(self, principal: Principal) -> None:
        """The store ends one session; one without a name, with all that began before now."""
        key = session_key(principal)
        if key is not None:
            self._end(key)
            if principal.session_id is None:
                self._told.before[principal.user_id] = self._clock()

    def told_to_end_all(self, user: str | None, ago: float = 0.0) -> None:
        """The store ends all sessions of a user, or of everybody, that began more than `ago` seconds ago."""
        now = self._clock()
        for key, until in list(self._known.items()):
            if user in (None, key[0]) and self._began[key] <= now - ago:
                if until > now:
                    self._end(key)
                else:
                    self._doubtful.add(key)
        self._told.before[user] = max(now - ago, self._told.before.get(user, 0.0))

    def _end(self, key: Key) -> None:
        self._told.sessions[key] = self._clock()
        self._known.pop(key, None)
        self._began.pop(key, None)
        self._logged_in.discard(key)

    # -- what has returned

    def login_returned(self, principal: Principal) -> None:
        """From now on the session is known, whatever the store was told, unless it has ended meanwhile."""
        key = session_key(principal)
        if principal.session_id is not None and key is not None and key not in self._told.sessions:
            self.becomes_known(principal)
            self._logged_in.add(key)

    def logout_returned(self, principal: Principal) -> None:
        """One session is over."""
        key = session_key(principal)
        if key is not None:
            self._ended.sessions[key] = self._told.sessions.get(key, self._clock())
            if principal.session_id is None:
                self._ended.before[principal.user_id] = self._told.before[principal.user_id]

    def all_ended(self, user: str | None, logged_in: frozenset[Key]) -> None:
        """All sessions of a user, or of everybody, are over: those that were known, and in truth `logged_in` before."""
        self._ended.before[user] = self._told.before[user]
        for key, moment in self._told.sessions.items():
            if user in (None, key[0]):
                self._ended.sessions[key] = moment
        for key in logged_in:
            if key not in self._told.sessions:
                self._end(key)
                self._ended.sessions[key] = self._clock()


def session_key(principal: Principal) -> Key | None:
    """Return what a session is known by; None for one that has neither a name nor a date."""
    name = principal.session_id if principal.session_id is not None else principal.began_at
    return None if name is None else (principal.user_id, name)
