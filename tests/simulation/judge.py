"""The judge: sees every step, keeps a plain record of what ought to be so, and raises `Violation` where it is not.

The record is written anew here, from the promises and not from the library: which token of a slot is good, who
holds which lease, who has logged out. It learns of steps only what the store answered and what went to Monite.

What is judged, by promise (DESIGN.md), and where it had to be made precise:

1. *Isolation.* A token that is handed out was minted for the entity user that the principal is linked to; after
   `relink` has returned, only the new link counts.
2. *One mint.* When a request to mint leaves, no other for that slot is on its way. One that is on its way counts
   until its answer arrives or its caller gives up. If its actor was lost (crash), it counts until the lease runs
   out; a lease that has run out may be taken over, so two mints may overlap when one was claimed after the other's
   lease had run out. What comes under a lease that is no longer the slot's is not stored.
   *No wedge.* Every call ends by its deadline (or by the end of a look at a busy slot that was begun before), and
   afterwards every slot gives tokens again, renews them, and revokes them, in every process that lives.
3. *Freshness.* A token that is handed out lives in Monite's books, has `min_ttl` seconds, and was not rejected.
4. *Valid beats new.* A call that finds a good token ends in its first step, with it. No call fails while there is
   one, and none goes on waiting for one that its own process has minted. (Other processes learn of it when they
   look again, and so do those who wait for a leader that has died.) A session is sure to find a token once it has
   claimed; before, it has to claim.
5. *Logout is final.* A call of a session returns no token after a logout of that session has returned. When all is
   over, every token that the session's slots had or that a mint from before brought is dead. A token whose answer
   never reached the store (it was lost, or its process died) is counted apart: nobody has it.
6. *Nothing is lost.* A token that has become a pending revocation is dead when all is over.
7. *Logout is cheap.* It is one operation of the store, and never fails.
8. *One budget.* Every request was admitted, none was admitted during a hold, admissions keep the limit's pace, and
   nothing less urgent is admitted while a user waits. One revocation is with one drainer at a time. (The pace is
   judged where nobody was held up: a process that was stopped between its admission and its request sends late.)

And from "When things go wrong": after a refusal of our credentials nobody claims for a while, after a refusal of
one entity user nobody claims that slot.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from monite_auth import AccessToken, Principal
from monite_auth.errors import MoniteAuthError, SessionEnded, TokenTooShort
from monite_auth.stores.base import Claimed, Committed, Ended, Lease, Slot
from monite_auth.stores.budget import Priority
from monite_auth.tokens import SAFETY
from monite_auth.wire import Fault, Request, Response
from tests.simulation.monite_model import is_mint

if TYPE_CHECKING:
    from tests.simulation.world import Actor, World

__all__ = ["Call", "Judge", "Violation"]

ROUNDING = 1e-6
"""Seconds that are nothing: times of the store are sums of floats."""

TOLERANCE = 0.008
"""Seconds that a request may be early against the pace; `budget.TOLERANCE` says why."""

REST = 29.0
"""Seconds that a refusal is remembered, at least: the library says 30."""


ENDINGS = ("logout", "end_user", "relink")
"""Calls that take tokens away."""


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
    principal: Principal | None
    min_ttl: float
    began: float
    lagged: float
    steps: int = 0
    """How many steps the call has begun, up to 2."""
    at_hand: bool = False
    """Whether a good token was there when it began, and when it took its first step."""
    found: AccessToken | None = None
    """What its slot had when it took the last, good enough or not."""


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
    """Sees all, forgets nothing, changes nothing."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._rate = world.settings.requests_per_second
        self.checks: Counter[str] = Counter()
        self.must_succeed = False
        """Whether nothing is in the way any more, so that every session that has not ended gets a token."""
        self.calls: dict[str, Call] = {}
        self.shelves: dict[Slot, Shelf] = {}
        self.current: dict[Slot, Held] = {}
        self.held: dict[str, Held] = {}  # by holder
        self.flying: dict[str, Held] = {}  # by actor
        self.known: set[tuple[str, str]] = set()
        self.over: set[tuple[str, str]] = set()  # sessions that the store was told to end …
        self.over_before: dict[str, float] = {}
        self.ended: set[tuple[str, str]] = set()  # … and whose logout has returned
        self.ended_before: dict[str, float] = {}
        self.links: dict[tuple[str, str | None], tuple[str, ...]] = {}
        self.stored: set[str] = set()
        self.doomed: set[str] = set()
        self.rejected: set[str] = set()
        self.admitted: set[str] = set()
        self.grants: tuple[float, ...] = ()
        self.booked: dict[str, float] = {}  # users who wait, and until when
        self.queued: set[str] = set()  # others who wait, and did so before any user
        self.held_until = 0.0
        self.given: dict[str, tuple[str, float]] = {}
        self.unstored: dict[str, str] = {}
        self.bereaved: set[str] = set()  # processes that lost an actor
        self.refused: dict[str, Slot | None] = {}
        self.resting: dict[Slot | None, float] = {}

    # -- calls

    def call_begins(
        self, actor: "Actor", kind: str, principal: Principal | None, min_ttl: float = 0.0
    ) -> None:
        process, world = actor.process.name, self._world
        call = self.calls[actor.name] = Call(kind, process, principal, min_ttl, world.now, world.lagged)
        if kind == "token":
            shelf = self.shelves.get(world.slot(principal))
            call.found = shelf.live if shelf is not None else None
            call.at_hand = self._good(call) is not None

    def call_returns(self, actor: "Actor", token: AccessToken | None) -> None:
        call = self._call_over(actor)
        if call.kind == "token":
            assert token is not None
            self._judge_token(call, token)
        elif call.kind == "relink":
            assert call.principal is not None
            for (user, tenant), links in self.links.items():
                if user == call.principal.user_id:
                    self.links[user, tenant] = links[-1:]
        elif call.kind == "logout":
            self._session_is_over(call.principal)
        elif call.kind == "end_user":
            assert call.principal is not None
            user = call.principal.user_id
            self.ended |= {each for each in self.over if each[0] == user}
            self.ended_before[user] = self.over_before[user]

    def call_fails(self, actor: "Actor", error: Exception) -> None:
        call = self._call_over(actor)
        if call.kind != "token":
            raise Violation("7 logout is cheap", f"{call.kind} raised {error!r}")
        if not isinstance(error, MoniteAuthError):
            raise Violation("4 valid beats new", f"a call failed with {error!r}")
        self.checks["4 valid beats new"] += 1
        if self._good(call) is not None:
            raise Violation("4 valid beats new", f"a call failed although a good token was there: {error!r}")
        if isinstance(error, TokenTooShort) and call.min_ttl <= self._world.monite.life - SAFETY:
            raise Violation("3 freshness", f"tokens live long enough for {call.min_ttl} s: {error!r}")
        if self.must_succeed and not self.is_over(call.principal):
            raise Violation("2 no wedge", f"long after, {call.principal} gets no token: {error!r}")
        if isinstance(error, SessionEnded) and not self.is_over(call.principal):
            raise Violation("4 valid beats new", "a session that has not ended was told that it has")

    def _call_over(self, actor: "Actor") -> Call:
        call = self.calls.pop(actor.name)
        took = self._world.now - call.began - (self._world.lagged - call.lagged)
        self.checks["2 no wedge"] += 1
        if call.kind == "token" and took > self._world.settings.deadline + self._world.poll + ROUNDING:
            raise Violation("2 no wedge", f"a call took {took:.3f} s")
        return call

    def _judge_token(self, call: Call, token: AccessToken) -> None:
        now = self._world.now
        value = token.value.reveal()
        record = self._world.monite.tokens.get(value)
        for check in ("1 isolation", "3 freshness", "5 logout is final"):
            self.checks[check] += 1
        if record is None or record.entity_user not in self._links(call.principal):
            raise Violation("1 isolation", f"{call.principal} got {value}, a token for {record}")
        if self._is_ended(call.principal):
            raise Violation("5 logout is final", f"a call of an ended session returned {value}")
        if not record.is_alive(now):
            raise Violation("3 freshness", f"{value} was handed out at {now} and is dead: {record}")
        if token.expires_at <= now or token.expires_at - now < call.min_ttl:
            raise Violation("3 freshness", f"{value} has {token.expires_at - now} s, not {call.min_ttl}")
        if value in self.rejected:
            raise Violation("3 freshness", f"{value} had been rejected and was handed out again")

    # -- what ought to be

    def _links(self, principal: Principal | None) -> tuple[str | None, ...]:
        if principal is None:
            return (None,)
        key = (principal.user_id, principal.tenant)
        if key not in self.links:
            person = self._world.people.get(key)
            self.links[key] = (person.entity_user_id,) if person else ()
        return self.links[key]

    def link_changes(self, user: str, tenant: str | None, entity_user_id: str) -> None:
        """The directory says something else from now on; until `relink` has returned, both answers are right."""
        self.links[user, tenant] = (*self._links(Principal(user, tenant)), entity_user_id)  # type: ignore[arg-type]

    def _is_ended(self, principal: Principal | None) -> bool:
        if principal is None:
            return False
        at = principal.authenticated_at
        if at is not None and at < self.ended_before.get(principal.user_id, 0.0):
            return True
        return principal.session_id is not None and (principal.user_id, principal.session_id) in self.ended

    def is_over(self, principal: Principal | None) -> bool:
        """Say whether the store was told of the session's end; its logout may still be on its way back."""
        if principal is None:
            return False
        at = principal.authenticated_at
        if at is not None and at < self.over_before.get(principal.user_id, 0.0):
            return True
        return principal.session_id is not None and (principal.user_id, principal.session_id) in self.over

    def _session_is_over(self, principal: Principal | None) -> None:
        assert principal is not None
        if principal.session_id is not None:
            self.ended.add((principal.user_id, principal.session_id))
        elif principal.authenticated_at is not None:
            self.ended_before[principal.user_id] = self._world.now

    def _good(self, call: Call) -> AccessToken | None:
        """Return the token that the call has a right to right now."""
        principal = call.principal
        shelf = self.shelves.get(self._world.slot(principal))
        token = shelf.live if shelf is not None else None
        if token is None or token.expires_at - self._world.now < max(call.min_ttl, ROUNDING):
            return None
        if self.is_over(principal):
            return None
        if principal is not None and principal.session_id is not None:
            return token if (principal.user_id, principal.session_id) in self.known else None
        return token

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

    def _slots(self, user: str) -> set[Slot]:
        held = {held.slot for held in [*self.held.values(), *self.flying.values()]}
        return {slot for slot in {*self.shelves, *self.current, *held} if slot.user == user}

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
        if call is not None and call.kind in ENDINGS:
            self.checks["7 logout is cheap"] += 1
            if name not in ("end_session", "end_user", "relink"):
                raise Violation("7 logout is cheap", f"{call.kind} does {name}")
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
            if (
                call.steps == 1
            ):  # both: who has joined a mint for an empty slot need not look as it comes to its end
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
        elif call.kind in ENDINGS and call.steps:
            raise Violation("7 logout is cheap", f"{call.kind} goes on with {actor.operation.label}")

    def _claim(
        self,
        actor: "Actor",
        slot: Slot,
        principal: Principal | None,
        *,
        owner: str,
        seconds: float,
        min_life: float,
        result: Any,
    ) -> None:
        del owner, min_life
        now = self._world.now
        if self._is_ended(principal):
            self.checks["5 logout is final"] += 1
            if isinstance(result, Claimed):
                raise Violation("5 logout is final", "an ended session may mint")
        if principal is not None and principal.session_id is not None and not isinstance(result, Ended):
            self.known.add((principal.user_id, principal.session_id))
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
        if result is not Committed.STORED:
            if not self._is_handed_out(value):  # it may have been stored before, and the answer was cut off
                self.doomed.add(value)
            if held is not None and self.current.get(lease.slot) is held:
                del self.current[lease.slot]
                if not held.fenced and self._world.now < held.until:
                    raise Violation("2 one mint", f"{value} was thrown away, and its lease was in force")
            return
        self.checks["5 logout is final"] += 1
        if held is None or held.id != lease.id or self.current.get(lease.slot) is not held:
            raise Violation("2 one mint", f"{value} was stored under a lease that is no longer the slot's")
        if held.fenced:
            raise Violation("5 logout is final", f"{value}, minted since before a logout, was stored")
        del self.current[lease.slot]
        shelf = self.shelves.setdefault(lease.slot, Shelf())
        if shelf.live is not None:
            shelf.older = (*shelf.older, shelf.live.value.reveal())
        shelf.live, shelf.minted_in = token, actor.process.name
        self.resting.pop(lease.slot, None)

    def _abandon(self, actor: "Actor", lease: Lease, rest: Any = None, *, result: None) -> None:
        del rest, result
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
            self.rejected.add(value)
            shelf.live, shelf.older = None, (*shelf.older, value)

    def _end_session(self, actor: "Actor", principal: Principal, *, result: int) -> None:
        del actor, result
        user, session = principal.user_id, principal.session_id
        if session is not None:
            self.over.add((user, session))
            self.known.discard((user, session))
        elif principal.authenticated_at is not None:
            self.over_before[user] = self._world.now
        for slot in self._slots(user):
            if slot.session in (None, session):
                self._token_ends(slot)

    def _end_user(self, actor: "Actor", user: str, *, result: int) -> None:
        del actor, result
        for name, session in list(self.known):
            if name == user:
                self.known.discard((name, session))
                self.over.add((name, session))
        self.over_before[user] = self._world.now
        for slot in self._slots(user):
            self._token_ends(slot)

    def _relink(self, actor: "Actor", user: str, *, result: int) -> None:
        del actor, result
        for slot in self._slots(user) | {
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
        if self._rate < 1_000_000 and not self._world.lagged:
            self.grants = (*self.grants[-9:], now)
            for distance, earlier in enumerate(reversed(self.grants)):
                if now - earlier < distance / self._rate - TOLERANCE - ROUNDING:
                    raise Violation("8 one budget", f"{distance + 1} requests within {now - earlier:.3f} s")
        self.admitted.add(actor.name)

    def _hold(self, actor: "Actor", seconds: float, *, result: None) -> None:
        del actor, result
        self.held_until = max(self.held_until, self._world.now + seconds)

    # -- requests to Monite

    def request_leaves(self, actor: "Actor", request: Request) -> None:
        call = self.calls.get(actor.name)
        if call is not None and call.kind in ENDINGS:
            raise Violation("7 logout is cheap", f"{call.kind} sends a request")
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
        self.checks["5 logout is final"] += 1
        if value not in self.doomed:
            raise Violation("3 freshness", f"{value} is revoked, and nobody has ended it")

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

    def _is_handed_out(self, value: str) -> bool:
        return any(
            shelf.live is not None and shelf.live.value.reveal() == value for shelf in self.shelves.values()
        )

    def _condemn(self, actor: "Actor", pending: Any, *, result: bool) -> None:
        del actor
        value = pending.token.reveal()
        self.checks["3 freshness"] += 1
        if result is self._is_handed_out(value):
            what = "is to be revoked and is handed out" if result else "was taken off the list and must die"
            raise Violation("3 freshness" if result else "6 nothing is lost", f"{value} {what}")
        if not result:
            self.given.pop(value, None)

    def _settle(self, actor: "Actor", pending: Any, *, result: None) -> None:
        del actor, result
        value = pending.token.reveal()
        self.given.pop(value, None)
        record = self._world.monite.tokens[value]
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
        tokens, now = self._world.monite.tokens, self._world.now
        return any(tokens[value].is_alive(now) for value in self.doomed)

    def all_is_over(self) -> int:
        """Judge what is left when nobody acts any more; return how many tokens were lost on their way."""
        now = self._world.now
        tokens = self._world.monite.tokens
        for value in self.doomed:
            self.checks["5 logout is final"] += 1
            self.checks["6 nothing is lost"] += 1
            if tokens[value].is_alive(now):
                raise Violation("6 nothing is lost", f"{value} was to be revoked and is still alive")
        for shelf in self.shelves.values():
            self.checks["3 freshness"] += 1
            if shelf.live is not None and tokens[shelf.live.value.reveal()].revoked_at is not None:
                raise Violation(
                    "3 freshness", f"{shelf.live.value.reveal()} was revoked, and nobody had ended it"
                )
        return sum(value not in self.stored for value in tokens)


_WATCHED: dict[str, Any] = {
    "claim": Judge._claim,
    "commit": Judge._commit,
    "abandon": Judge._abandon,
    "discard": Judge._discard,
    "end_session": Judge._end_session,
    "end_user": Judge._end_user,
    "relink": Judge._relink,
    "admit": Judge._admit,
    "hold": Judge._hold,
    "due": Judge._due,
    "condemn": Judge._condemn,
    "settle": Judge._settle,
    "postpone": Judge._postpone,
}
"""What the judge learns from the operations of the store."""
