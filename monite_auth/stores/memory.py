"""The store of one process: nothing survives it, nothing leaves it.

Writers take one lock, for microseconds. Readers take none: `peek` reads plain dictionaries, first the token and
then the session's right to it, so that a logout between the two is seen.

Both bounds are cachetools caches. A user that falls out is forgotten, but not the tokens: they become pending
revocations.

Dates of logins, and the moments of endings that they are compared with, are wall-clock time of this machine.
"""

import heapq
import itertools
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cachetools import TLRUCache, TTLCache

from monite_auth.identity import LEEWAY, PARTNER, Partner, Principal, Subject
from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.stores.budget import Admission, Budget, Priority, Ticket
from monite_auth.stores.protocol import Operations
from monite_auth.stores.values import (
    PARTNER_SLOT,
    Busy,
    Claim,
    Claimed,
    Committed,
    Cooldown,
    CoolingDown,
    Due,
    Ended,
    Everything,
    Hit,
    Lease,
    Pending,
    Slot,
    Status,
)
from monite_auth.tokens import SAFETY, AccessToken, Clock, steady_clock

__all__ = ["MemoryStore"]


@dataclass(slots=True)
class _Held:
    """Who mints for a place."""

    id: str
    owner: str
    until: float
    fenced: bool = False


@dataclass(slots=True)
class _Place:
    """One slot."""

    token: AccessToken | None = None
    superseded: list[AccessToken] = field(default_factory=list)
    lease: _Held | None = None
    rest: Cooldown | None = None
    rest_until: float = 0.0


@dataclass(slots=True)
class _User:
    """All that is known of one user, or of the partner."""

    places: dict[Slot, _Place] = field(default_factory=dict)
    sessions: dict[str, float] = field(default_factory=dict)  # known and not ended: until when

    def tokens(self) -> list[tuple[Slot, AccessToken]]:
        """Return all tokens that may be alive."""
        every = [(slot, place.token) for slot, place in self.places.items() if place.token is not None]
        return every + [(slot, each) for slot, place in self.places.items() for each in place.superseded]

    def needed_until(self) -> float:
        """Return when nothing of this is of use any more."""
        moments = [0.0, *self.sessions.values()]
        for place in self.places.values():
            tokens = [place.token, *place.superseded] if place.token else place.superseded
            moments += [token.expires_at + SAFETY for token in tokens]
            moments += [place.rest_until, place.lease.until if place.lease else 0.0]
        return max(moments)


class _Users(TLRUCache[str | Partner, _User]):
    """The users by name, the one least recently written first to go. `dropped` hears of each that goes."""

    def __init__(self, maxsize: int, clock: Clock, dropped: Callable[[str | Partner, _User], None]) -> None:
        super().__init__(maxsize, lambda _key, user, _now: user.needed_until(), timer=clock)
        self._dropped = dropped

    def popitem(self) -> tuple[str | Partner, _User]:
        name, user = super().popitem()
        self._dropped(name, user)
        return name, user

    def expire(self, time: float | None = None) -> Any:
        gone = super().expire(time)
        for name, user in gone:
            self._dropped(name, user)
        return gone


@dataclass(slots=True)
class _Revocation:
    slot: Slot
    token: AccessToken
    due_at: float
    attempts: int = 0


def _new_id() -> str:
    return secrets.token_hex(8)


class MemoryStore:
    """Keeps tokens in this process.

    `max_users`: how many users are remembered; the one least recently written makes room. As many notes are kept.
    `max_ended`: how many logouts are remembered, for `session_memory` seconds each.
    `requests_per_second`: Monite's limit.
    `wall_clock`: what dates of logins are compared with; by default the machine's, or `clock` where that is a test's.
    `new_id`: returns an id for a lease or a revocation; a simulation hands in its own, so that a run can be repeated.
    """

    def __init__(
        self,
        *,
        max_users: int = 50_000,
        max_ended: int = 200_000,
        session_memory: float = 14 * 24 * 3600,
        requests_per_second: float = 30,
        clock: Clock = steady_clock,
        wall_clock: Clock | None = None,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._wall_clock = wall_clock or (time.time if clock is steady_clock else clock)
        self._bounds = {"max_users": max_users, "max_ended": max_ended}
        self._account: str | None = None
        self._others: dict[str, MemoryStore] = {}
        self._session_memory = session_memory
        self._rate = requests_per_second
        self._lock = ProcessLock()
        self._reading: dict[str | Partner, _User] = {}
        """The same users as in `_users`, for readers without the lock."""
        self._users = _Users(max_users, clock, self._forget)
        self._writing: _User | None = None
        # By user and session id; by user and date, for sessions without an id; and by user alone, for when all of them
        # ended: the moment, in wall-clock time.
        self._ended: TTLCache[tuple[str, str | float | None], float] = TTLCache(
            max_ended, session_memory + LEEWAY, timer=clock
        )
        self._everything_ended = 0.0
        self._holders: dict[str, set[Slot]] = {}
        """Which slots hand out the token with a fingerprint: more than one where Monite gives the same again."""
        self._spent: TLRUCache[str, float] = TLRUCache(
            max_ended, lambda _print, until, _now: until, timer=clock
        )
        """Fingerprints of tokens that were revoked: until when they would have lived."""
        self._notes: TLRUCache[tuple[str, str], tuple[str, float]] = TLRUCache(
            max_users, lambda _key, note, _now: note[1], timer=clock
        )
        self._rest: Cooldown | None = None
        self._rest_until = 0.0
        self._pending: dict[str, _Revocation] = {}
        self._pending_prints: dict[str, str] = {}
        self._queue: list[tuple[float, int, str]] = []  # due_at, a tie-break, id; entries may be outdated
        self._sequence = itertools.count()
        self._budget = Budget()

    def of(self, account: str) -> "MemoryStore":
        """See Store."""
        with self._lock:
            if self._account in (None, account):
                self._account = account
                return self
            other = self._others.get(account)
            if other is None:
                other = self._others[account] = MemoryStore(
                    **self._bounds,
                    session_memory=self._session_memory,
                    requests_per_second=self._rate,
                    clock=self._clock,
                    wall_clock=self._wall_clock,
                    new_id=self._new_id,
                )
                other._account = account
            return other

    def operations(self, *, blocking: bool) -> Operations:  # noqa: ARG002 - nothing here waits, either way
        """Return the operations: the same for threads and event loops."""
        if self._account is None:
            self._account = ""
        return self

    def reopen(self) -> None:
        """Do nothing: nothing is sealed."""

    def close(self) -> None:
        """Do nothing: there is nothing open."""

    async def aclose(self) -> None:
        """Do nothing: there is nothing open."""

    # -- tokens

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """See Operations."""
        user = self._reading.get(slot.user)
        place = user.places.get(slot) if user is not None else None
        token = place.token if place is not None else None
        now = self._clock()
        if user is None or token is None or token.expires_at <= now:
            return None
        # After the token was read, not before.
        if principal is PARTNER or self._may_peek(user, principal, now):
            return token
        return None

    def _may_peek(self, user: _User, principal: Principal, now: float) -> bool:
        if principal.session_id is not None:
            return user.sessions.get(principal.session_id, 0.0) > now
        if principal.began_at is None:
            return True
        with self._lock:  # what such a session is judged by is in a cache
            return self._ending_of(principal, is_known=False) is None

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """See Operations."""
        with self._lock:
            now = self._clock()
            user = self._user(slot.user)
            if principal is not PARTNER:
                known_until = user.sessions.get(principal.session_id or "", 0.0)
                ending = self._ending_of(principal, is_known=known_until > now)
                if ending is not None:
                    return ending
            if principal is not PARTNER and principal.session_id is not None:
                user.sessions[principal.session_id] = now + self._session_memory
            place = user.places.setdefault(slot, _Place())
            claim = self._claim(place, slot, now, owner, seconds, min_life)
            self._written(slot.user, user)
            return claim

    def _claim(
        self, place: _Place, slot: Slot, now: float, owner: str, seconds: float, min_life: float
    ) -> Claim:
        left = place.token.expires_at - now if place.token is not None else 0.0
        if place.token is not None and left > 0 and left >= min_life:
            return Hit(place.token)
        if self._rest is not None and now < self._rest_until:
            return CoolingDown(self._rest_until - now, self._rest)
        if place.rest is not None and now < place.rest_until:
            return CoolingDown(place.rest_until - now, place.rest)
        held = place.lease
        if held is not None and held.owner != owner and now < held.until:
            return Busy(held.until - now)
        place.lease = _Held(self._new_id(), owner, now + seconds)
        return Claimed(Lease(slot, place.lease.id))

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """See Operations."""
        with self._lock:
            user, place = self._held_under(lease)
            value = token.fingerprint
            if value in self._spent or value in self._pending_prints:
                return Committed.DOOMED
            if user is None or place is None or place.lease is None or place.lease.fenced:
                if place is not None:
                    place.lease = None
                self._revoke(lease.slot, token)
                return Committed.FENCED
            now = self._clock()
            self._supersede(lease.slot, place, by=value)
            place.superseded = [each for each in place.superseded if each.expires_at + SAFETY > now]
            place.token, place.lease, place.rest = token, None, None
            self._holders.setdefault(value, set()).add(lease.slot)
            self._written(lease.slot.user, user)
            return Committed.STORED

    def _supersede(self, slot: Slot, place: _Place, *, by: str = "") -> None:
        """Stop handing out a slot's token; it is kept for the next logout, unless `by` is the same value."""
        token, place.token = place.token, None
        if token is not None:
            self._let_go(slot, token)
            place.superseded.append(token)
        place.superseded = [each for each in place.superseded if each.fingerprint != by]

    def _let_go(self, slot: Slot, token: AccessToken) -> None:
        value = token.fingerprint
        holders = self._holders.get(value, set())
        holders.discard(slot)
        if not holders:
            self._holders.pop(value, None)

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """See Operations."""
        with self._lock:
            now = self._clock()
            if cooldown is not None and cooldown.everyone:
                self._rest, self._rest_until = cooldown, now + cooldown.seconds
            user, place = self._held_under(lease)
            if user is None or place is None:
                return
            place.lease = None
            if cooldown is not None and not cooldown.everyone:
                place.rest, place.rest_until = cooldown, now + cooldown.seconds
            self._written(lease.slot.user, user)

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """See Operations."""
        with self._lock:
            user = self._reading.get(slot.user)
            place = user.places.get(slot) if user is not None else None
            if place is not None and place.token is not None and place.token.fingerprint == fingerprint:
                self._supersede(slot, place)

    def _held_under(self, lease: Lease) -> tuple[_User | None, _Place | None]:
        """Return the user and place that `lease` is for, if it is still the one in force there."""
        user = self._reading.get(lease.slot.user)
        place = user.places.get(lease.slot) if user is not None else None
        if place is None or place.lease is None or place.lease.id != lease.id:
            return None, None
        return user, place

    # -- beginnings and endings

    async def begin_session(self, principal: Principal) -> None:
        """See Operations."""
        if principal.session_id is None:
            return
        with self._lock:
            if (principal.user_id, principal.session_id) in self._ended:
                return
            user = self._user(principal.user_id)
            user.sessions[principal.session_id] = self._clock() + self._session_memory
            self._written(principal.user_id, user)

    async def end_session(self, principal: Principal) -> int:
        """See Operations."""
        with self._lock:
            name, session = principal.user_id, principal.session_id
            now = self._wall_clock()
            if session is not None:
                self._ended[name, session] = now
            elif principal.began_at is not None:
                self._ended[name, principal.began_at] = self._ended[name, None] = now
            user = self._reading.get(name)
            if user is None:
                return 0
            if session is not None:
                user.sessions.pop(session, None)
            return self._end(name, user, lambda slot: slot.session in (None, session))

    async def end_user(self, user: str) -> int:
        """See Operations."""
        with self._lock:
            self._ended[user, None] = self._wall_clock()
            record = self._reading.get(user)
            if record is None:
                return 0
            self._end_sessions(user, record)
            return self._end(user, record, lambda _slot: True)

    def _end_sessions(self, name: str, user: _User) -> None:
        for session in user.sessions:
            self._ended[name, session] = self._wall_clock()
        user.sessions = {}

    async def relink(self, user: str | Partner) -> int:
        """See Operations."""
        with self._lock:
            record = self._reading.get(user)
            if record is None:
                return 0
            for place in record.places.values():
                place.rest = None  # Monite refused the entity user that was
            return self._end(user, record, lambda _slot: True)

    async def end_everything(self) -> Everything:
        """See Operations."""
        with self._lock:
            self._everything_ended = self._wall_clock()
            sessions = tokens = 0
            for name, user in list(self._reading.items()):
                sessions += len(user.sessions)
                if name is not PARTNER:
                    self._end_sessions(name, user)
                tokens += self._end(name, user, lambda _slot: True)
            return Everything(sessions, tokens)

    async def revoke(self, token: AccessToken) -> int:
        """See Operations."""
        with self._lock:
            value = token.fingerprint
            slots = list(self._holders.get(value, ()))
            for slot in slots:
                place = self._place(slot)
                if place is None:  # its user is about to be dropped
                    continue
                if place.token is not None:
                    token = place.token  # whose life is known
                self._supersede(slot, place, by=value)
            if value not in self._spent:
                self._revoke(slots[0] if slots else PARTNER_SLOT, token)
            return len(slots)

    def _end(self, name: str | Partner, user: _User, includes: Callable[[Slot], bool]) -> int:
        """Fence the mints and make the tokens pending of those slots that `includes` names."""
        ended = 0
        for slot, place in user.places.items():
            if not includes(slot):
                continue
            if place.lease is not None:
                place.lease.fenced = True
            self._supersede(slot, place)
            tokens, place.superseded = place.superseded, []
            ended += sum(self._revoke(slot, token) for token in tokens)
        self._written(name, user)
        return ended

    def _ending_of(self, principal: Principal, *, is_known: bool) -> Ended | None:
        """Return how the principal's session has ended, if it has."""
        name, at, by = principal.user_id, principal.began_at, principal.began_by
        key = principal.session_id if principal.session_id is not None else at
        if key is not None and (name, key) in self._ended:
            return Ended()
        if at is None or by is None or is_known:
            return None
        if by < max(self._ended.get((name, None), 0.0), self._everything_ended):
            return Ended()
        return Ended(too_old=True) if at <= self._wall_clock() - self._session_memory else None

    # -- revocations

    def _revoke(self, slot: Slot, token: AccessToken) -> bool:
        """Make `token` a pending revocation, due now, unless it has expired, or is one already."""
        now = self._clock()
        value = token.fingerprint
        if token.expires_at + SAFETY <= now or value in self._spent:
            return False
        if value not in self._pending_prints:
            name = self._pending_prints[value] = self._new_id()
            self._enqueue(name, _Revocation(slot, token, now))
        return True

    def _drop(self, name: str) -> None:
        """Take a revocation off the list."""
        revocation = self._pending.pop(name, None)
        if revocation is not None:
            self._pending_prints.pop(revocation.token.fingerprint, None)

    def _enqueue(self, name: str, revocation: _Revocation) -> None:
        self._pending[name] = revocation
        heapq.heappush(self._queue, (revocation.due_at, next(self._sequence), name))

    async def due(self, limit: int, *, seconds: float) -> Due:
        """See Operations."""
        with self._lock:
            now = self._clock()
            batch: list[Pending] = []
            expired = 0
            while len(batch) < limit and (name := self._first()) is not None and self._queue[0][0] <= now:
                heapq.heappop(self._queue)
                revocation = self._pending[name]
                revocation.due_at = math.inf  # other entries for it hold no longer
                until = revocation.token.expires_at + SAFETY
                if until <= now:
                    self._drop(name)
                    expired += 1
                else:
                    batch.append(Pending(name, revocation.token.value, until, revocation.attempts))
            for pending in batch:
                self._postpone(pending, seconds)
            return Due(batch, expired, None if self._first() is None else max(0.0, self._queue[0][0] - now))

    def _first(self) -> str | None:
        """Return the revocation at the head of the queue, past entries that no longer hold."""
        while self._queue:
            due_at, _, name = self._queue[0]
            revocation = self._pending.get(name)
            if revocation is not None and revocation.due_at == due_at:
                return name
            heapq.heappop(self._queue)
        return None

    def _postpone(self, pending: Pending, seconds: float) -> None:
        revocation = self._pending[pending.id]
        revocation.due_at = self._clock() + seconds
        self._enqueue(pending.id, revocation)

    async def condemn(self, pending: Pending) -> bool:
        """See Operations."""
        with self._lock:
            revocation = self._pending.get(pending.id)
            if revocation is None:
                return False
            value = revocation.token.fingerprint
            if self._is_handed_out(value):
                self._drop(pending.id)
                return False
            self._spent[value] = revocation.token.expires_at + SAFETY
            return True

    def _is_handed_out(self, value: str) -> bool:
        places = [self._place(slot) for slot in self._holders.get(value, ())]
        tokens = [place.token for place in places if place is not None]
        return any(token is not None and token.expires_at > self._clock() for token in tokens)

    async def settle(self, pending: Pending) -> None:
        """See Operations."""
        with self._lock:
            self._drop(pending.id)

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """See Operations."""
        with self._lock:
            if pending.id in self._pending:
                self._pending[pending.id].attempts += 1
                self._postpone(pending, seconds)

    async def status(self, user: str) -> Status:
        """See Operations."""
        with self._lock:
            record = self._reading.get(user)
            tokens = [place.token for place in record.places.values()] if record is not None else []
            ends = [
                token.expires_at for token in tokens if token is not None and token.expires_at > self._clock()
            ]
            return Status(len(ends), max(ends, default=None))

    async def backlog(self) -> int:
        """See Operations."""
        return len(self._pending)

    async def take(self) -> list[tuple[Slot, AccessToken]]:
        """Give away every token, live, superseded or pending: another store sees to them from now on."""
        with self._lock:
            taken = [(revocation.slot, revocation.token) for revocation in self._pending.values()]
            self._pending.clear()
            self._pending_prints.clear()
            self._holders.clear()
            for user in self._reading.values():
                taken += user.tokens()
                for place in user.places.values():
                    place.token, place.superseded = None, []
            return taken

    # -- notes

    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See Operations."""
        with self._lock:
            self._notes[user, name] = value, self._clock() + seconds

    async def get_note(self, user: str, name: str) -> str | None:
        """See Operations."""
        with self._lock:
            note = self._notes.get((user, name))
            return note[0] if note is not None else None

    async def delete_note(self, user: str, name: str) -> None:
        """See Operations."""
        with self._lock:
            self._notes.pop((user, name), None)

    # -- the request budget

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See Operations."""
        with self._lock:
            self._budget, admission = self._budget.admit(
                self._clock(), self._rate, priority, ticket, patience
            )
            return admission

    async def hold(self, seconds: float) -> None:
        """See Operations."""
        with self._lock:
            self._budget = self._budget.hold(self._clock(), seconds)

    # -- users

    def _place(self, slot: Slot) -> _Place | None:
        user = self._reading.get(slot.user)
        return user.places.get(slot) if user is not None else None

    def _user(self, name: str | Partner) -> _User:
        return self._reading.get(name) or _User()

    def _written(self, name: str | Partner, user: _User) -> None:
        """Note that `user` has changed: when it can be dropped may have changed with it."""
        now = self._clock()
        user.sessions = {session: until for session, until in user.sessions.items() if until > now}
        self._writing = user
        self._users[name] = user
        self._writing = None
        if name in self._users:
            self._reading[name] = user
        else:  # nothing of it is of use any more
            self._reading.pop(name, None)

    def _forget(self, name: str | Partner, user: _User) -> None:
        if user is self._writing:  # its time was over, and what is written now gives it more
            return
        self._reading.pop(name, None)
        for slot, token in user.tokens():
            self._let_go(slot, token)
            self._revoke(slot, token)
