"""The operations on one account's part of memory.

Writers take one lock, for microseconds. Readers take none: `peek` reads plain dictionaries, first the token and then the
session's right to it, so that a logout between the two is seen.
"""

from collections.abc import Callable

from cachetools import TLRUCache

from monite_auth.identity import PARTNER, Partner, Principal, Subject
from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.stores.budget import Admission, Budget, Priority, Ticket
from monite_auth.stores.memory.endings import Endings
from monite_auth.stores.memory.revocations import Revocations
from monite_auth.stores.memory.users import Cooling, HeldLease, Place, User, Users
from monite_auth.stores.values import (
    PARTNER_SLOT,
    Busy,
    Claim,
    Claimed,
    Committed,
    Cooldown,
    Due,
    Ended,
    Everything,
    Hit,
    Lease,
    Pending,
    Slot,
    Status,
)
from monite_auth.tokens import SAFETY, AccessToken, Clock

__all__ = ["MemoryOperations"]


class MemoryOperations:
    """Everything that memory keeps for one account, and what is done with it. `MemoryStore` says what the options mean."""

    def __init__(
        self,
        *,
        max_users: int,
        max_ended: int,
        session_memory: float,
        requests_per_second: float,
        clock: Clock,
        wall_clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self._session_memory = session_memory
        self._rate = requests_per_second
        self._lock = ProcessLock()
        self._users = Users(max_users, clock, self._dropped)
        self._endings = Endings(max_ended, session_memory, clock=clock, wall_clock=wall_clock)
        self._revocations = Revocations(max_ended, clock=clock, new_id=new_id)
        self._holders: dict[str, set[Slot]] = {}
        """Which slots hand out the token with a fingerprint: more than one where Monite gives the same again."""
        self._everyone: list[Cooling] = []
        """The cooldown of all slots, if there is one."""
        self._notes: TLRUCache[tuple[str, str], tuple[str, float]] = TLRUCache(
            max_users, lambda _key, note, _now: note[1], timer=clock
        )
        self._budget = Budget()

    # -- tokens

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """See TokenOperations."""
        user = self._users.by_name.get(slot.user)
        place = user.places.get(slot) if user is not None else None
        token = place.token if place is not None else None
        now = self._clock()
        if user is None or token is None or token.expires_at <= now:
            return None
        # After the token was read, not before.
        if principal is PARTNER or self._may_peek(user, principal, now):
            return token
        return None

    def _may_peek(self, user: User, principal: Principal, now: float) -> bool:
        if principal.session_id is not None:
            return user.sessions.get(principal.session_id, 0.0) > now
        if principal.began_at is None:
            return True
        with self._lock:  # endings are in a cache, which readers change too
            return self._ending_of(principal, is_known=False) is None

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """See TokenOperations."""
        with self._lock:
            now = self._clock()
            user = self._users.get_or_new(slot.user)
            if principal is not PARTNER:
                known_until = user.sessions.get(principal.session_id or "", 0.0)
                ending = self._ending_of(principal, is_known=known_until > now)
                if ending is not None:
                    return ending
            if principal is not PARTNER and principal.session_id is not None:
                user.sessions[principal.session_id] = now + self._session_memory
            place = user.places.setdefault(slot, Place())
            claim = self._claim(place, slot, now, owner, seconds, min_life)
            self._users.write(slot.user, user)
            return claim

    def _ending_of(self, principal: Principal, *, is_known: bool) -> Ended | None:
        return self._endings.of(principal, is_known=is_known)

    def _claim(
        self, place: Place, slot: Slot, now: float, owner: str, seconds: float, min_life: float
    ) -> Claim:
        left = place.token.expires_at - now if place.token is not None else 0.0
        if place.token is not None and left > 0 and left >= min_life:
            return Hit(place.token)
        for cooling in (*self._everyone, place.cooling):
            if cooling is not None and (answer := cooling.answer(now)) is not None:
                return answer
        held = place.lease
        if held is not None and held.owner != owner and now < held.until:
            return Busy(held.until - now)
        place.lease = HeldLease(self._new_id(), owner, now + seconds)
        return Claimed(Lease(slot, place.lease.id))

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """See TokenOperations."""
        with self._lock:
            user, place = self._held_under(lease)
            value = token.fingerprint
            if self._revocations.is_doomed(value):
                return Committed.DOOMED
            if user is None or place is None or place.lease is None or place.lease.fenced:
                if place is not None:
                    place.lease = None
                self._revocations.add(lease.slot, token)
                return Committed.FENCED
            now = self._clock()
            self._supersede(lease.slot, place, by=value)
            place.superseded = [each for each in place.superseded if each.expires_at + SAFETY > now]
            place.token, place.lease, place.cooling = token, None, None
            self._holders.setdefault(value, set()).add(lease.slot)
            self._users.write(lease.slot.user, user)
            return Committed.STORED

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """See TokenOperations."""
        with self._lock:
            cooling = Cooling(cooldown, self._clock() + cooldown.seconds) if cooldown is not None else None
            if cooling is not None and cooling.why.everyone:
                self._everyone[:] = [cooling]
            user, place = self._held_under(lease)
            if user is None or place is None:
                return
            place.lease = None
            if cooling is not None and not cooling.why.everyone:
                place.cooling = cooling
            self._users.write(lease.slot.user, user)

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """See TokenOperations."""
        with self._lock:
            place = self._users.place(slot)
            if place is not None and place.token is not None and place.token.fingerprint == fingerprint:
                self._supersede(slot, place)

    def _held_under(self, lease: Lease) -> tuple[User | None, Place | None]:
        """Return the user and place that `lease` is for, if it is still in force there."""
        user = self._users.by_name.get(lease.slot.user)
        place = user.places.get(lease.slot) if user is not None else None
        if place is None or place.lease is None or place.lease.id != lease.id:
            return None, None
        return user, place

    def _supersede(self, slot: Slot, place: Place, *, by: str = "") -> None:
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

    # -- sessions

    async def begin_session(self, principal: Principal) -> None:
        """See SessionOperations."""
        if principal.session_id is None:
            return
        with self._lock:
            if self._endings.includes(principal.user_id, principal.session_id):
                return
            user = self._users.get_or_new(principal.user_id)
            user.sessions[principal.session_id] = self._clock() + self._session_memory
            self._users.write(principal.user_id, user)

    def knows(self, principal: Principal) -> bool:
        """Say whether the principal's session is known by its id, and has not ended."""
        user = self._users.by_name.get(principal.user_id)
        return user is not None and user.sessions.get(principal.session_id or "", 0.0) > self._clock()

    async def end_session(self, principal: Principal) -> int:
        """See SessionOperations."""
        with self._lock:
            name, session = principal.user_id, principal.session_id
            if session is not None:
                self._endings.add(name, session)
            elif principal.began_at is not None:
                self._endings.add(name, principal.began_at, None)
            user = self._users.by_name.get(name)
            if user is None:
                return 0
            if session is not None:
                user.sessions.pop(session, None)
            return self._end(name, user, lambda slot: slot.session in (None, session))

    async def end_user(self, user: str) -> int:
        """See SessionOperations."""
        with self._lock:
            self._endings.add(user, None)
            record = self._users.by_name.get(user)
            if record is None:
                return 0
            self._end_sessions(user, record)
            return self._end(user, record, lambda _slot: True)

    def _end_sessions(self, name: str, user: User) -> None:
        self._endings.add(name, *user.sessions)
        user.sessions = {}

    async def end_everything(self) -> Everything:
        """See SessionOperations."""
        with self._lock:
            self._endings.add_everything()
            sessions = tokens = 0
            for name, user in list(self._users.by_name.items()):
                sessions += len(user.sessions)
                if name is not PARTNER:
                    self._end_sessions(name, user)
                tokens += self._end(name, user, lambda _slot: True)
            return Everything(sessions, tokens)

    async def relink(self, user: str | Partner) -> int:
        """See SessionOperations."""
        with self._lock:
            record = self._users.by_name.get(user)
            if record is None:
                return 0
            for place in record.places.values():
                place.cooling = None  # Monite refused the entity user that was
            return self._end(user, record, lambda _slot: True)

    async def revoke(self, token: AccessToken) -> int:
        """See SessionOperations."""
        with self._lock:
            value = token.fingerprint
            slots = list(self._holders.get(value, ()))
            for slot in slots:
                place = self._users.place(slot)
                if place is None:  # its user is about to be dropped
                    continue
                if place.token is not None:
                    token = place.token  # whose life is known
                self._supersede(slot, place, by=value)
            self._revocations.add(slots[0] if slots else PARTNER_SLOT, token)
            return len(slots)

    def _end(self, name: str | Partner, user: User, includes: Callable[[Slot], bool]) -> int:
        """Fence the mints and make the tokens pending of those slots that `includes` names."""
        ended = 0
        for slot, place in user.places.items():
            if not includes(slot):
                continue
            if place.lease is not None:
                place.lease.fenced = True
            self._supersede(slot, place)
            tokens, place.superseded = place.superseded, []
            ended += sum(self._revocations.add(slot, token) for token in tokens)
        self._users.write(name, user)
        return ended

    def _dropped(self, user: User) -> None:
        """Make the tokens of a user pending that makes room for others, or is of no use any more."""
        for slot, token in user.tokens():
            self._let_go(slot, token)
            self._revocations.add(slot, token)

    # -- revocations

    async def due(self, limit: int, *, seconds: float) -> Due:
        """See RevocationOperations."""
        with self._lock:
            return self._revocations.due(limit, seconds)

    async def condemn(self, pending: Pending) -> bool:
        """See RevocationOperations."""
        with self._lock:
            return self._revocations.condemn(pending, self._is_handed_out)

    def _is_handed_out(self, value: str) -> bool:
        places = [self._users.place(slot) for slot in self._holders.get(value, ())]
        tokens = [place.token for place in places if place is not None]
        return any(token is not None and token.expires_at > self._clock() for token in tokens)

    async def settle(self, pending: Pending) -> None:
        """See RevocationOperations."""
        with self._lock:
            self._revocations.settle(pending)

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """See RevocationOperations."""
        with self._lock:
            self._revocations.postpone(pending, seconds)

    def take(self) -> list[tuple[Slot, AccessToken]]:
        """Give away every token, live, superseded or pending: another store sees to them from now on."""
        with self._lock:
            taken = self._revocations.take()
            self._holders.clear()
            for user in self._users.by_name.values():
                taken += user.tokens()
                for place in user.places.values():
                    place.token, place.superseded = None, []
            return taken

    # -- status

    async def status(self, user: str) -> Status:
        """See StatusOperations."""
        with self._lock:
            record = self._users.by_name.get(user)
            tokens = [place.token for place in record.places.values()] if record is not None else []
            ends = [
                token.expires_at for token in tokens if token is not None and token.expires_at > self._clock()
            ]
            return Status(len(ends), max(ends, default=None))

    async def backlog(self) -> int:
        """See StatusOperations."""
        return len(self._revocations)

    # -- notes

    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See NoteOperations."""
        with self._lock:
            self._notes[user, name] = value, self._clock() + seconds

    async def get_note(self, user: str, name: str) -> str | None:
        """See NoteOperations."""
        with self._lock:
            note = self._notes.get((user, name))
            return note[0] if note is not None else None

    async def delete_note(self, user: str, name: str) -> None:
        """See NoteOperations."""
        with self._lock:
            self._notes.pop((user, name), None)

    # -- the request budget

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """See BudgetOperations."""
        with self._lock:
            self._budget, admission = self._budget.admit(
                self._clock(), self._rate, priority, ticket, patience
            )
            return admission

    async def hold(self, seconds: float) -> None:
        """See BudgetOperations."""
        with self._lock:
            self._budget = self._budget.hold(self._clock(), seconds)
