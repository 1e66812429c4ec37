"""The judge: sees every step, keeps a plain record of what ought to be so, and raises `Violation` where it is not.

The record is written anew here, from the promises and not from the library: which token of a slot is good, who
holds which lease, who has logged out. It learns of steps only what the store answered and what went to Monite.

What is judged, by promise (DESIGN.md), and where it had to be made precise:

1. *Isolation.* A token that is handed out was minted for the entity user that the principal is linked to; after
   `relink` has returned, only the new link counts. Each account has a judge of its own, who knows only the tokens of
   its own Monite: one that comes from elsewhere, or goes there, is a violation.
2. *One mint.* When a request to mint leaves, no other for that slot is on its way. One that is on its way counts
   until its answer arrives or its caller gives up. If its actor was lost (crash), it counts until the lease runs
   out; a lease that has run out may be taken over, so two mints may overlap when one was claimed after the other's
   lease had run out. What comes under a lease that is no longer the slot's is not stored.
   *No wedge.* Every call ends by its deadline (or by the end of a look at a busy slot that was begun before), and
   afterwards every slot gives tokens again, renews them, and revokes them, in every process that lives.
3. *Freshness.* A token that is handed out lives in Monite's books, has `min_ttl` seconds, was not rejected in its slot,
   and is not *condemned*: its revocation was not decided. A value that has to die is not stored again, one that a slot
   hands out is not revoked, and nothing else is thrown away.
4. *Valid beats new.* A call that finds a good token ends in its first step, with it. No call fails while there is
   one, and none goes on waiting for one that its own process has minted. (Other processes learn of it when they
   look again, and so do those who wait for a leader that has died.) A session is sure to find a token once it has
   claimed; before, it has to claim.
5. *Logout is final.* A call of a session returns no token after a logout of that session has returned (`sessions` says
   which sessions an ending ends), and a session that has not ended is never told that it has. When all is over, every
   token that the session's slots had or that a mint from before brought is dead, unless another slot hands out the
   same. A token whose answer never reached the store (it was lost, or its process died) is counted apart: nobody has it.
6. *Nothing is lost.* A token that has become a pending revocation is dead when all is over, or was handed out by another
   slot when its turn had come.
7. *Logout is cheap.* It is one operation of the store, and never fails; so are login, relink, revoke and the end of the
   partner token.
8. *One budget.* Every request was admitted, none was admitted during a hold, admissions keep the limit's pace, and
   nothing less urgent is admitted while a user waits. One revocation is with one drainer at a time. (The pace is
   judged where nobody was held up: a process that was stopped between its admission and its request sends late.)

And from "When things go wrong": after a refusal of our credentials nobody claims for a while, after a refusal of
one entity user nobody claims that slot.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monite_auth import AccessToken, EntityUser, Principal
from monite_auth.errors import MoniteAuthError, SessionEnded, TokenTooShort
from monite_auth.identity import PARTNER, Partner, Subject
from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.requests import Request
from monite_auth.settings import Settings
from monite_auth.stores import Claimed, Committed, Cooldown, CoolingDown, Ended, Lease, Priority, Slot
from monite_auth.tokens import SAFETY
from tests.simulation.monite_model import MoniteModel, is_mint
from tests.simulation.sessions import Key, Sessions

if TYPE_CHECKING:
    from tests.simulation.world import Actor, World

__all__ = ["Call", "Judge", "Violation"]

ROUNDING = 1e-6
"""Seconds that are nothing: times of the store are sums of floats."""

TOLERANCE = 0.008
"""Seconds that a request may be early against the pace; `budget.TOLERANCE` says why."""

REST = 29.0
"""Seconds that a refusal is remembered, at least: the library says 30."""


CHEAP = {
    "login": "begin_session",
    "logout": "end_session",
    "end_user": "end_user",
    "relink": "relink",
    "revoke": "revoke",
    "end_partner_token": "relink",
}
"""Calls that are one operation of the store, and which."""


class Violation(Exception):
    """A promise was broken. `check` names it."""

    def __init__(self, check: str, what: str) -> None:
        super().__init__(check, what)
        self.check = check

    def __str__(self) -> str:
        return "[{}] {}".format(*self.args)


@dataclass(slots=True)
class Call:
    """One call of the application that is under way."""

    kind: str
    process: str
    principal: Subject
    min_ttl: float
    began: float
    lagged: float
    steps: int = 0
    """How many steps the call has begun, up to 2."""
    at_hand: bool = False
    """Whether a good token was there when it began, and when it took its first step."""
    found: AccessToken | None = None
    """What its slot had when it took the last, good enough or not."""
    has_acted: bool = False
    """Whether the store was told what the call is there for."""
    refused: bool = False
    """Whether its session was refused by the store since, and rightly; a login may come before the call is told."""
    logged_in: frozenset[Key] = frozenset()
    """Of a call that ends all sessions: those that had logged in before."""


@dataclass(slots=True)
class Held:
    """A lease to mint, as the judge saw it claimed."""

    slot: Slot
    id: str
    holder: str
    claimed_at: float
    until: float
    fenced: bool = False


@dataclass(slots=True)
class Shelf:
    """What a slot has: the token to hand out, and older ones that live."""

    live: AccessToken | None = None
    minted_in: str = ""
    older: tuple[str, ...] = ()


class Judge:
    """Sees all of one account, forgets nothing, changes nothing."""

    def __init__(
        self,
        world: "World",
        settings: Settings,
        monite: MoniteModel,
        people: Mapping[tuple[str, str | None], EntityUser],
    ) -> None:
        self._world = world
        self._settings = settings
        self._monite = monite
        self._people = people
        self.checks: Counter[str] = Counter()
        self.must_succeed = False
        """Whether nothing is in the way any more, so that every session that has not ended gets a token."""
        self.calls: dict[str, Call] = {}
        self.shelves: dict[Slot, Shelf] = {}
        self.current: dict[Slot, Held] = {}
        self.held: dict[str, Held] = {}  # by holder
        self.flying: dict[str, Held] = {}  # by actor
        self.sessions = Sessions(world.clock, settings.session_memory)
        self.links: dict[tuple[str, str | None], tuple[str, ...]] = {}
        self.stored: set[str] = set()
        self.doomed: set[str] = set()  # has to die …
        self.spared: set[str] = set()  # had to die, but for a slot that had the same value
        self.condemned: set[str] = set()  # … and its revocation was decided: no slot may have it any more
        self.rejected: set[tuple[Slot, str]] = set()
        self.admitted: set[str] = set()
        self.grants: tuple[float, ...] = ()
        self.booked: dict[str, float] = {}  # users who wait, and until when
        self.queued: set[str] = set()  # others who wait, and did so before any user
        self.held_until = 0.0
        self.given: dict[str, tuple[str, float]] = {}
        self.unstored: dict[str, str] = {}
        self.bereaved: set[str] = set()  # processes that lost an actor
        self.refused: dict[str, Slot | None] = {}
        self.resting: dict[Slot | None, float] = {}  # until when nobody may claim: Monite has refused
        self.rests: dict[Slot | None, float] = {}  # until when somebody may be told to rest

    # -- calls

    def call_begins(self, actor: "Actor", kind: str, principal: Subject, min_ttl: float = 0.0) -> None:
        process, world = actor.process.name, self._world
        call = self.calls[actor.name] = Call(kind, process, principal, min_ttl, world.now, world.lagged)
        if kind == "token":
            shelf = self.shelves.get(world.slot(principal))
            call.found = shelf.live if shelf is not None else None
            call.at_hand = self._good(call) is not None
        elif kind in ("end_user", "end_everything"):
            call.logged_in = self.sessions.logged_in(principal.user_id if principal is not PARTNER else None)

    def call_returns(self, actor: "Actor", token: AccessToken | None) -> None:
        call = self._call_over(actor)
        if call.kind in CHEAP and not call.has_acted:
            raise Violation("5 logout is final", f"{call.kind} has returned, and the store does not know")
        if call.kind == "token":
            assert token is not None
            self._judge_token(call, token)
        elif call.kind == "relink":
            assert call.principal is not PARTNER
            for (user, tenant), links in self.links.items():
                if user == call.principal.user_id:
                    self.links[user, tenant] = links[-1:]
        elif call.kind in ("end_user", "end_everything"):
            user = call.principal.user_id if call.principal is not PARTNER else None
            self.sessions.all_ended(user, call.logged_in)
        elif call.principal is not PARTNER and call.kind == "logout":
            self.sessions.logout_returned(call.principal)
        elif call.principal is not PARTNER and call.kind == "login":
            self.sessions.login_returned(call.principal)

    def call_fails(self, actor: "Actor", error: Exception) -> None:
        call = self._call_over(actor)
        if call.kind != "token":
            raise Violation("7 logout is cheap", f"{call.kind} raised {error!r}")
        if not isinstance(error, MoniteAuthError):
            raise Violation("4 valid beats new", f"a call failed with {error!r}")
        self.checks["4 valid beats new"] += 1
        if self._good(call) is not None:
            raise Violation("4 valid beats new", f"a call failed although a good token was there: {error!r}")
        short_lived = self._monite.repeats or call.min_ttl > self._monite.life - SAFETY
        if isinstance(error, TokenTooShort) and not short_lived:
            raise Violation("3 freshness", f"tokens live long enough for {call.min_ttl} s: {error!r}")
        if self.must_succeed and not self.sessions.may_be_refused(call.principal):
            raise Violation("2 no wedge", f"long after, {call.principal} gets no token: {error!r}")
        if isinstance(error, SessionEnded) and not (
            call.refused or self.sessions.may_be_refused(call.principal)
        ):
            raise Violation("4 valid beats new", "a session that has not ended was told that it has")

    def _call_over(self, actor: "Actor") -> Call:
        call = self.calls.pop(actor.name)
        took = self._world.now - call.began - (self._world.lagged - call.lagged)
        self.checks["2 no wedge"] += 1
        if call.kind == "token" and took > self._settings.deadline + self._world.poll + ROUNDING:
            raise Violation("2 no wedge", f"a call took {took:.3f} s")
        return call

    def _judge_token(self, call: Call, token: AccessToken) -> None:
        now = self._world.now
        value = token.value.reveal()
        record = self._monite.tokens.get(value)
        slot = self._world.slot(call.principal)
        for check in ("1 isolation", "3 freshness", "5 logout is final"):
            self.checks[check] += 1
        if record is None or record.entity_user not in self._links(call.principal):
            raise Violation("1 isolation", f"{call.principal} got {value}, a token for {record}")
        if self.sessions.must_be_refused(call.principal):
            raise Violation("5 logout is final", f"a call of an ended session returned {value}")
        if not record.is_alive(now):
            raise Violation("3 freshness", f"{value} was handed out at {now} and is dead: {record}")
        if token.expires_at <= now or token.expires_at - now < call.min_ttl:
            raise Violation("3 freshness", f"{value} has {token.expires_at - now} s, not {call.min_ttl}")
        if (slot, value) in self.rejected:
            raise Violation("3 freshness", f"{value} had been rejected and was handed out again")
        if value in self.condemned or (value in self.doomed and slot not in self._holders(value)):
            raise Violation("3 freshness", f"{value} was handed out, and it is to be revoked")

    # -- what ought to be

    def _links(self, principal: Subject) -> tuple[str | None, ...]:
        if principal is PARTNER or not self._settings.is_monite_managed:
            return (None,)
        key = (principal.user_id, principal.tenant)
        if key not in self.links:
            person = self._people.get(key)
            self.links[key] = (person.entity_user_id,) if person else ()
        return self.links[key]

    def link_changes(self, user: str, tenant: str | None, entity_user_id: str) -> None:
        """The directory says something else from now on; until `relink` has returned, both answers are right."""
        self.links[user, tenant] = (*self._links(Principal(user, tenant)), entity_user_id)  # type: ignore[arg-type]

    def _good(self, call: Call) -> AccessToken | None:
        """Return the token that the call has a right to right now."""
        principal = call.principal
        shelf = self.shelves.get(self._world.slot(principal))
        token = shelf.live if shelf is not None else None
        if token is None or token.expires_at - self._world.now < max(call.min_ttl, ROUNDING):
            return None
        if self.sessions.may_be_refused(principal):
            return None
        if principal is not PARTNER and principal.session_id is not None:
            return token if self.sessions.is_known(principal) else None
        return token

    def _holders(self, value: str) -> list[Slot]:
        """Return the slots that hand out this value, until it expires there."""
        live = [(slot, shelf.live) for slot, shelf in self.shelves.items() if shelf.live is not None]
        now = self._world.now
        return [slot for slot, token in live if token.value.reveal() == value and token.expires_at > now]

    def _token_ends(self, slot: Slot) -> None:
        """All that the slot has must die, and what is being minted for it as well."""
        shelf = self.shelves.pop(slot, None)
        if shelf is not None:
            self.doomed.update(shelf.older)
            if shelf.live is not None:
                self.doomed.add(shelf.live.value.reveal())
        for held in [*self.held.values(), *self.flying.values(), *self.current.values()]:
            if held.slot == slot:
                held.fenced = True

    def _slots(self) -> set[Slot]:
        """Return all slots that have something, or for which something is being minted."""
        held = {held.slot for held in [*self.held.values(), *self.flying.values()]}
        return {*self.shelves, *self.current, *held}

    def _slots_of(self, user: str | Partner) -> set[Slot]:
        return {slot for slot in self._slots() if slot.user == user}

    def time_passes(self) -> None:
        """Nobody can go on, so everybody waits for something: nobody for a token that its own process has minted."""
        for call in self.calls.values():
            token = self._good(call) if call.kind == "token" else None
            if token is None or token is call.found or call.process in self.bereaved:
                continue  # it has looked, as a session that had to claim first; or its leader has died
            self.checks["4 valid beats new"] += 1
            if self.shelves[self._world.slot(call.principal)].minted_in == call.process:
                raise Violation(
                    "4 valid beats new", f"a call waits although {call.process} has a good token for it"
                )

    # -- steps of the store

    def store_did(
        self, actor: "Actor", name: str, arguments: tuple[Any, ...], options: dict[str, Any], result: Any
    ) -> None:
        call = self.calls.get(actor.name)
        if call is not None and call.kind in CHEAP:
            self.checks["7 logout is cheap"] += 1
            if name != CHEAP[call.kind]:
                raise Violation("7 logout is cheap", f"{call.kind} does {name}")
            call.has_acted = True
        watch = _WATCHED.get(name)
        if watch is not None:
            watch(self, actor, *arguments, **options, result=result)

    def step_begins(self, actor: "Actor") -> None:
        """The actor is about to take a step, in the middle of a call."""
        call = self.calls[actor.name]
        call.steps = min(call.steps + 1, 2)
        if call.kind == "token":
            shelf = self.shelves.get(self._world.slot(call.principal))
            call.found = shelf.live if shelf is not None else None
            # Both: who has joined a mint for an empty slot need not look as it comes to its end.
            if call.steps == 1:
                call.at_hand = call.at_hand and self._good(call) is not None

    def step_ends(self, actor: "Actor") -> None:
        """The actor has come to its next stop, in the middle of a call."""
        call = self.calls[actor.name]
        if call.kind == "token" and call.steps == 1:
            self.checks["4 valid beats new"] += 1
            if call.at_hand:
                raise Violation(
                    "4 valid beats new",
                    f"a call with a good token at hand did not return it at once: {actor.operation.label}",
                )
        elif call.kind in CHEAP and call.steps:
            raise Violation("7 logout is cheap", f"{call.kind} goes on with {actor.operation.label}")

    def _claim(
        self,
        actor: "Actor",
        slot: Slot,
        principal: Subject,
        *,
        owner: str,
        seconds: float,
        min_life: float,
        result: Any,
    ) -> None:
        del owner, min_life
        now = self._world.now
        if self.sessions.must_be_refused(principal):
            self.checks["5 logout is final"] += 1
            if isinstance(result, Claimed):
                raise Violation("5 logout is final", "an ended session may mint")
        if isinstance(result, Ended):
            if not self.sessions.may_be_refused(principal):
                raise Violation("4 valid beats new", "a session that has not ended is refused")
            for call in self.calls.values():
                call.refused = call.refused or call.principal == principal
        elif principal is not PARTNER:
            self.sessions.becomes_known(principal)
        may_rest = now < max(self.rests.get(slot, 0.0), self.rests.get(None, 0.0))
        if isinstance(result, CoolingDown) and not may_rest:
            raise Violation("4 valid beats new", f"{actor.name} is told to rest, and nothing has failed here")
        if not isinstance(result, Claimed):
            return
        self.checks["rest after a refusal"] += 1
        if now < max(self.resting.get(slot, 0.0), self.resting.get(None, 0.0)):
            raise Violation("rest after a refusal", f"{actor.name} claims although Monite has just refused")
        held = Held(slot, result.lease.id, actor.name, now, now + seconds)
        self.current[slot] = held
        self.held[actor.name] = held

    def _commit(self, actor: "Actor", lease: Lease, token: AccessToken, *, result: Committed) -> None:
        held, value = self.held.get(actor.name), token.value.reveal()
        self.stored.add(value)
        self.checks["2 one mint"] += 1
        self.unstored.pop(actor.name, None)
        if result is Committed.DOOMED:  # the lease stays
            if value not in self.doomed:
                raise Violation("2 no wedge", f"{value} was not stored, and nothing was wrong with it")
            return
        if result is Committed.FENCED:
            self.doomed.add(value)
            if held is not None and held.id == lease.id and self.current.get(lease.slot) is held:
                del self.current[lease.slot]
                if not held.fenced and self._world.now < held.until:
                    raise Violation("2 one mint", f"{value} was thrown away, and its lease was in force")
            return
        self.checks["5 logout is final"] += 1
        if held is None or held.id != lease.id or self.current.get(lease.slot) is not held:
            raise Violation("2 one mint", f"{value} was stored under a lease that is no longer the slot's")
        if held.fenced:
            raise Violation("5 logout is final", f"{value}, minted since before a logout, was stored")
        if value in self.doomed:
            raise Violation("3 freshness", f"{value} was stored, and it is to be revoked")
        del self.current[lease.slot]
        shelf = self.shelves.setdefault(lease.slot, Shelf())
        older = shelf.older if shelf.live is None else (*shelf.older, shelf.live.value.reveal())
        shelf.older = tuple(each for each in older if each != value)
        shelf.live, shelf.minted_in = token, actor.process.name
        self.rejected.discard((lease.slot, value))  # Monite stands by it
        self.resting.pop(lease.slot, None)

    def _abandon(self, actor: "Actor", lease: Lease, rest: Cooldown | None = None, *, result: None) -> None:
        del result
        if rest is not None:
            self.rests[None if rest.everyone else lease.slot] = self._world.now + rest.seconds
        held = self.current.get(lease.slot)
        was_current = held is not None and held.id == lease.id
        in_force = was_current and held is not None and self._world.now < held.until
        if was_current:
            del self.current[lease.slot]
        if actor.name in self.refused:
            reach = self.refused.pop(actor.name)
            if reach is None or in_force:
                self.resting[reach] = self._world.now + REST

    def _discard(self, actor: "Actor", slot: Slot, fingerprint: str, *, result: None) -> None:
        del actor, result
        shelf = self.shelves.get(slot)
        if shelf is not None and shelf.live is not None and shelf.live.fingerprint == fingerprint:
            value = shelf.live.value.reveal()
            self.rejected.add((slot, value))
            shelf.live, shelf.older = None, (*shelf.older, value)

    def _begin_session(self, actor: "Actor", principal: Principal, *, result: None) -> None:
        del actor, result
        self.sessions.becomes_known(principal)

    def _end_session(self, actor: "Actor", principal: Principal, *, result: int) -> None:
        del actor, result
        self.sessions.told_of_logout(principal)
        for slot in self._slots_of(principal.user_id):
            if slot.session in (None, principal.session_id):
                self._token_ends(slot)

    def _end_user(self, actor: "Actor", user: str, *, result: int) -> None:
        del actor, result
        self.sessions.told_to_end_all(user)
        for slot in self._slots_of(user):
            self._token_ends(slot)

    def _end_everything(self, actor: "Actor", *, result: Any) -> None:
        del actor, result
        self.sessions.told_to_end_all(None)
        for slot in self._slots():
            self._token_ends(slot)

    def _revoke(self, actor: "Actor", token: AccessToken, *, result: int) -> None:
        del actor
        value = token.value.reveal()
        self.checks["3 freshness"] += 1
        holders = self._holders(value)
        if result != len(holders):
            raise Violation(
                "3 freshness", f"{value} was taken from {result} slots, and {len(holders)} had it"
            )
        for slot in holders:
            self.shelves[slot].live = None
        self.doomed.add(value)
        self.condemned.add(value)

    def _relink(self, actor: "Actor", user: str | Partner, *, result: int) -> None:
        del actor, result
        for slot in self._slots_of(user) | {
            slot for slot in self.resting if slot is not None and slot.user == user
        }:
            self._token_ends(slot)
            self.resting.pop(slot, None)  # who was refused is somebody else now

    # -- the budget

    def _admit(
        self, actor: "Actor", priority: Priority, ticket: Any, *, patience: float, result: Any
    ) -> None:
        del ticket, patience
        now = self._world.now
        self.booked.pop(actor.name, None)
        had_booked = actor.name in self.queued
        self.queued.discard(actor.name)
        if not result.admitted:
            return
        if priority is not Priority.USER and not had_booked and any(at > now for at in self.booked.values()):
            raise Violation("8 one budget", f"{actor.name} ({priority.name}) was admitted while a user waits")
        if result.wait > 0:
            if priority is Priority.USER:
                self.booked[actor.name] = now + result.wait
            else:
                self.queued.add(actor.name)
            return
        self.checks["8 one budget"] += 1
        if now < self.held_until - ROUNDING:
            raise Violation("8 one budget", f"{actor.name} was admitted during a hold")
        rate = self._settings.requests_per_second
        if rate < 1_000_000 and not self._world.lagged:
            self.grants = (*self.grants[-9:], now)
            for distance, earlier in enumerate(reversed(self.grants)):
                if now - earlier < distance / rate - TOLERANCE - ROUNDING:
                    raise Violation("8 one budget", f"{distance + 1} requests within {now - earlier:.3f} s")
        self.admitted.add(actor.name)

    def _hold(self, actor: "Actor", seconds: float, *, result: None) -> None:
        del actor, result
        self.held_until = max(self.held_until, self._world.now + seconds)

    # -- requests to Monite

    def request_leaves(self, actor: "Actor", request: Request) -> None:
        call = self.calls.get(actor.name)
        if call is not None and call.kind in CHEAP:
            raise Violation("7 logout is cheap", f"{call.kind} sends a request")
        self.checks["1 isolation"] += 1
        if not self._monite.is_meant(request):
            raise Violation("1 isolation", f"{actor.name} asks another account's Monite")
        self.checks["8 one budget"] += 1
        if actor.name not in self.admitted:
            raise Violation("8 one budget", f"{actor.name} sends a request that was not admitted")
        self.admitted.discard(actor.name)
        if is_mint(request):
            self._mint_leaves(actor)
        else:
            self._revocation_leaves(request.secrets[-1].reveal())

    def _mint_leaves(self, actor: "Actor") -> None:
        self.checks["2 one mint"] += 1
        mine = self.held.get(actor.name)
        if mine is None:
            raise Violation("2 one mint", f"{actor.name} mints without a claim")
        for other, its in self.flying.items():
            if its.slot != mine.slot or other == actor.name:
                continue
            if its.until > mine.claimed_at + ROUNDING and mine.until > its.claimed_at + ROUNDING:
                raise Violation("2 one mint", f"{actor.name} mints for {mine.slot} while {other} does")
        self.flying[actor.name] = mine

    def _revocation_leaves(self, value: str) -> None:
        for check in ("1 isolation", "3 freshness", "5 logout is final"):
            self.checks[check] += 1
        if value not in self._monite.tokens:
            raise Violation("1 isolation", f"{value} is sent to a Monite that did not give it")
        if value not in self.doomed:
            raise Violation("3 freshness", f"{value} is revoked, and nobody has ended it")
        if self._holders(value):
            raise Violation("3 freshness", f"{value} is revoked, and a slot hands it out")
        self.condemned.add(value)

    def _due(self, actor: "Actor", limit: int, *, seconds: float, result: Any) -> None:
        del limit
        now = self._world.now
        for pending in result.batch:
            value = pending.token.reveal()
            holder, until = self.given.get(value, ("", 0.0))
            self.checks["8 one budget"] += 1
            if now < until - ROUNDING:
                raise Violation("8 one budget", f"{value} is given to {actor.name} while {holder} revokes it")
            self.given[value] = (actor.name, now + seconds)

    def _condemn(self, actor: "Actor", pending: Any, *, result: bool) -> None:
        del actor
        value = pending.token.reveal()
        self.checks["3 freshness"] += 1
        is_held = bool(self._holders(value))
        if result:
            if is_held:
                raise Violation("3 freshness", f"{value} is to be revoked, and a slot hands it out")
            if value in self.spared:  # the token of the slot that had it has expired
                self.doomed.add(value)
            self.condemned.add(value)
            return
        self.given.pop(value, None)
        if is_held:
            self.doomed.discard(value)  # it has to die with the slot that has it
            self.spared.add(value)

    def _settle(self, actor: "Actor", pending: Any, *, result: None) -> None:
        del actor, result
        value = pending.token.reveal()
        self.given.pop(value, None)
        record = self._monite.tokens[value]
        self.checks["6 nothing is lost"] += 1
        if record.is_alive(self._world.now):
            raise Violation("6 nothing is lost", f"{value} was taken off the list and is alive")

    def _postpone(self, actor: "Actor", pending: Any, seconds: float, *, result: None) -> None:
        del actor, seconds, result
        self.given.pop(pending.token.reveal(), None)

    def answer_arrives(self, actor: "Actor", request: Request, answer: Response | Fault) -> None:
        if not is_mint(request):
            return
        mine = self.flying.pop(actor.name, None)
        if isinstance(answer, Response) and answer.status == 200:
            self.unstored[actor.name] = f"{actor.name}#{actor.asked}"
        elif mine is not None and isinstance(answer, Response) and answer.status in (401, 403):
            self.refused[actor.name] = None if answer.status == 401 else mine.slot

    # -- ends of actors

    def gave_up(self, actor: "Actor") -> None:
        """The actor was cancelled and waits for no answer any more."""
        self.flying.pop(actor.name, None)
        self.refused.pop(actor.name, None)
        self._forget(actor)

    def actor_lost(self, actor: "Actor") -> None:
        """The actor died without a word. What it had on its way counts on."""
        self.bereaved.add(actor.process.name)
        self.refused.pop(actor.name, None)
        self._forget(actor)

    def actor_ended(self, actor: "Actor") -> None:
        if actor.name in self.unstored:
            raise Violation("5 logout is final", f"{self.unstored[actor.name]} was minted and is nowhere")
        self._forget(actor)

    def _forget(self, actor: "Actor") -> None:
        self.calls.pop(actor.name, None)
        self.held.pop(actor.name, None)
        self.booked.pop(actor.name, None)
        self.queued.discard(actor.name)
        self.admitted.discard(actor.name)
        self.unstored.pop(actor.name, None)

    # -- the end

    def has_pending(self) -> bool:
        """Say whether a token that has to die is alive."""
        tokens, now = self._monite.tokens, self._world.now
        return any(value in tokens and tokens[value].is_alive(now) for value in self.doomed)

    def all_is_over(self) -> int:
        """Judge what is left when nobody acts any more; return how many tokens were lost on their way."""
        now = self._world.now
        tokens = self._monite.tokens
        for value in self.doomed:
            self.checks["5 logout is final"] += 1
            self.checks["6 nothing is lost"] += 1
            if value not in tokens:
                raise Violation("1 isolation", f"{value} is to be revoked, and belongs to another account")
            if tokens[value].is_alive(now):
                raise Violation("6 nothing is lost", f"{value} was to be revoked and is still alive")
        for shelf in self.shelves.values():
            self.checks["3 freshness"] += 1
            revoked_at = tokens[shelf.live.value.reveal()].revoked_at if shelf.live is not None else None
            if shelf.live is not None and revoked_at is not None and revoked_at < shelf.live.expires_at:
                raise Violation(
                    "3 freshness", f"{shelf.live.value.reveal()} was revoked, and nobody had ended it"
                )
        return sum(value not in self.stored for value in tokens)


_WATCHED: dict[str, Any] = {
    "claim": Judge._claim,
    "commit": Judge._commit,
    "abandon": Judge._abandon,
    "discard": Judge._discard,
    "begin_session": Judge._begin_session,
    "end_session": Judge._end_session,
    "end_user": Judge._end_user,
    "end_everything": Judge._end_everything,
    "revoke": Judge._revoke,
    "relink": Judge._relink,
    "admit": Judge._admit,
    "hold": Judge._hold,
    "due": Judge._due,
    "condemn": Judge._condemn,
    "settle": Judge._settle,
    "postpone": Judge._postpone,
}
"""What the judge learns from the operations of the store."""
