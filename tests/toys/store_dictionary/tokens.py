"""Tokens and leases; see TokenOperations."""

from monite_auth.identity import PARTNER, Principal, Subject
from monite_auth.stores import (
    MOST_SUPERSEDED,
    Busy,
    Claim,
    Claimed,
    Committed,
    Cooldown,
    CoolingDown,
    Ended,
    Hit,
    Lease,
    Overview,
    SessionState,
    Slot,
    Status,
)
from monite_auth.tokens import AccessToken
from tests.toys.store_dictionary.state import Part, Place

__all__ = ["Tokens"]


class Tokens(Part):
    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        with self.state.lock:
            place = self.state.places.get(slot)
            if place is None or place.token is None or place.token.expires_at <= self.clock():
                return None
            if principal is not PARTNER and principal.session_id is not None and not self.is_known(principal):
                return None
            return place.token if principal is PARTNER or self.ending_of(principal) is None else None

    def is_known(self, principal: Principal) -> bool:
        key = principal.user_id, principal.session_id or ""
        return self.state.known.get(key, 0.0) > self.clock()

    def ending_of(self, principal: Principal) -> Ended | None:
        """Return how the session has ended: by its name or its very date; an unknown one also by being too old."""
        user, began_at, began_by = principal.user_id, principal.began_at, principal.began_by
        key = principal.session_id if principal.session_id is not None else began_at
        if key is not None and self.ended_at(user, key):
            return Ended()
        if began_at is None or began_by is None or self.is_known(principal):
            return None
        if began_by < max(self.ended_at(user, None), self.state.everything_ended):
            return Ended()
        return Ended(too_old=True) if began_at <= self.clock() - self.session_memory else None

    async def session_state(self, principal: Principal) -> SessionState:
        with self.state.lock:
            return SessionState.of(principal, self.ending_of(principal), is_known=self.is_known(principal))

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        with self.state.lock:
            now = self.clock()
            if principal is not PARTNER:
                ending = self.ending_of(principal)
                if ending is not None:
                    return ending
                if principal.session_id is not None:
                    began = now if principal.began_by is None else min(now, principal.began_by)
                    self.know(principal.user_id, principal.session_id, began=began)
            place = self.state.places.setdefault(slot, Place())
            if place.token is not None and place.token.expires_at - now >= max(min_life, 1e-9):
                return Hit(place.token)
            for cooldown, until in (
                (self.state.cooldown, self.state.cooling_until),
                (place.cooldown, place.cooling_until),
            ):
                if cooldown is not None and now < until:
                    return CoolingDown(until - now, cooldown)
            if place.lease and place.owner != owner and now < place.leased_until:
                return Busy(place.leased_until - now)
            place.lease, place.owner, place.leased_until = str(next(self.state.ids)), owner, now + seconds
            place.is_fenced = False
            return Claimed(Lease(slot, place.lease))

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        with self.state.lock:
            value = token.fingerprint
            if self.state.spent.get(value, 0.0) > self.clock() or any(
                each.token.fingerprint == value for each in self.state.pending.values()
            ):
                return Committed.DOOMED
            place = self.state.places.setdefault(lease.slot, Place())
            is_in_force = place.lease == lease.id and not place.is_fenced
            if place.lease == lease.id:
                place.lease = ""
            if not is_in_force:
                self.revoke_later(token)
                return Committed.FENCED
            if place.token is not None:
                place.superseded.append(place.token)
            place.superseded = [each for each in place.superseded if each.fingerprint != value]
            while len(place.superseded) > MOST_SUPERSEDED:
                self.revoke_later(place.superseded.pop(0))
            place.token, place.cooldown = token, None
            return Committed.STORED

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        with self.state.lock:
            until = self.clock() + (cooldown.seconds if cooldown is not None else 0.0)
            if cooldown is not None and cooldown.everyone:
                self.state.cooldown, self.state.cooling_until = cooldown, until
            place = self.state.places.get(lease.slot)
            if place is not None and place.lease == lease.id:
                place.lease = ""
                if cooldown is not None and not cooldown.everyone:
                    place.cooldown, place.cooling_until = cooldown, until

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        with self.state.lock:
            place = self.state.places.get(slot)
            if place is not None and place.token is not None and place.token.fingerprint == fingerprint:
                place.superseded.append(place.token)
                place.token = None

    async def status(self, user: str) -> Status:
        with self.state.lock:
            tokens = [place.token for slot, place in self.state.places.items() if slot.user == user]
            ends = [each.expires_at for each in tokens if each is not None and each.expires_at > self.clock()]
            return Status(len(ends), max(ends, default=None))

    async def overview(self, *, count_live: bool = True) -> Overview:
        with self.state.lock:
            now = self.clock()
            tokens = [place.token for place in self.state.places.values()]
            live = sum(each is not None and each.expires_at > now for each in tokens) if count_live else None
            oldest = max((now - each.since for each in self.state.pending.values()), default=None)
            held_for, rate = self.state.budget.pace(now, self.rate)
            return Overview(live, len(self.state.pending), oldest, held_for, rate)
