"""The judge of one account; the package says what it judges."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from monite_auth import AccessToken, EntityUser, Principal
from monite_auth.errors import MoniteAuthError, RateLimited, SessionEnded, StoreUnavailable, TokenTooShort
from monite_auth.identity import PARTNER, Partner, Subject
from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.requests import Request
from monite_auth.settings import Settings
from monite_auth.stores import Claimed, Committed, Cooldown, Ended, Lease, Priority, Slot
from monite_auth.tokens import SAFETY
from tests.simulation.judge.budget import ROUNDING, BudgetJudge
from tests.simulation.judge.cooldowns import CooldownJudge
from tests.simulation.judge.records import Call, Held, SharedRead, Shelf
from tests.simulation.judge.sessions import Sessions
from tests.simulation.judge.violation import Violation
from tests.simulation.monite_model import MoniteModel, is_mint

if TYPE_CHECKING:
    from tests.simulation.process import Actor
    from tests.simulation.world import World

__all__ = ["Judge"]

SHARED_FOR = 0.005
"""Seconds for which a read counts for other calls of the same process."""

ENDINGS = {"discard", "end_session", "end_user", "end_everything", "revoke", "relink"}
"""Operations that take tokens away: in their own process they end the sharing of reads."""

CHEAP = {
    "login": "begin_session",
    "logout": "end_session",
    "end_user": "end_user",
    "relink": "relink",
    "revoke": "revoke",
    "end_partner_token": "relink",
}
"""Calls that are one operation of the store, with its name."""


class Judge:
    """Judges everything that happens to one account. It changes nothing."""

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
        """Whether no accident is in the way any more, so that every session that has not ended gets a token."""
        self.calls: dict[str, Call] = {}
        self.shelves: dict[Slot, Shelf] = {}
        self.current: dict[Slot, Held] = {}
        self.held: dict[str, Held] = {}  # by holder
        self.flying: dict[str, Held] = {}  # by actor
        self.sessions = Sessions(world.store_clock, settings.session_memory, world.moments)
        self.links: dict[tuple[str, str | None], tuple[str, ...]] = {}
        self.stored: set[str] = set()
        self.doomed: set[str] = set()  # has to die …
        self.spared: set[str] = set()  # had to die, but for a slot that had the same value
        self.condemned: set[str] = set()  # … and its revocation was decided: no slot may have it any more
        self.rejected: set[tuple[Slot, str]] = set()
        self.budget = BudgetJudge(world, settings, self.checks)
        self.cooldowns = CooldownJudge(world, self.checks)
        self.unstored: dict[str, str] = {}
        self.bereaved: set[str] = set()  # processes that lost an actor

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
        if call.kind in ("token", "call"):
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
        if call.kind not in ("token", "call"):
            raise Violation("7 logout is cheap", f"{call.kind} raised {error!r}")
        if not isinstance(error, MoniteAuthError):
            raise Violation("4 valid beats new", f"a call failed with {error!r}")
        if call.kind == "call" and isinstance(error, RateLimited):
            return
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
        for check in ("1 isolation", "3 freshness", "5 logout is final"):
            self.checks[check] += 1
        value = token.value.reveal()
        if token.expires_at <= now or token.expires_at - now < call.min_ttl:
            raise Violation("3 freshness", f"{value} has {token.expires_at - now} s, not {call.min_ttl}")
        wrong = self._wrong_with(call.principal, value)
        if wrong is not None and not self._is_shared(call, value):
            raise wrong

    def _wrong_with(self, principal: Subject, value: str) -> Violation | None:
        """Return why this token must not be handed to `principal` right now, or None."""
        record = self._monite.tokens.get(value)
        if record is None or record.entity_user not in self._links(principal):
            return Violation("1 isolation", f"{principal} got {value}, a token for {record}")
        if self.sessions.must_be_refused(principal):
            return Violation("5 logout is final", f"a call of an ended session returned {value}")
        if not record.is_alive(self._world.now):
            return Violation("3 freshness", f"{value} was handed out and is dead: {record}")
        slot = self._world.slot(principal)
        if (slot, value) in self.rejected:
            return Violation("3 freshness", f"{value} had been rejected and was handed out again")
        if value in self.condemned or (value in self.doomed and slot not in self._holders(value)):
            return Violation("3 freshness", f"{value} was handed out, and it is to be revoked")
        return None

    # -- reads that calls of one process share

    def _share(self, reader: Call, token: AccessToken) -> None:
        """Note that a call has read a token. It counts for the calls of its process that asked for the same before.

        What a call in the request budget has read counts for itself, while it asks for its turn.
        """
        value = token.value.reveal()
        others = [
            each
            for each in self.calls.values()
            if each.process == reader.process and (each is not reader or each.kind == "call")
        ]
        if others and self._wrong_with(reader.principal, value) is None:
            for call in others:
                if call.kind in ("token", "call") and call.principal == reader.principal:
                    call.shared_read = SharedRead(value, self._world.now)

    def _is_shared(self, call: Call, value: str) -> bool:
        """Say whether another call has read this token for `call`, so recently that it may be handed out; see the package."""
        read = call.shared_read
        return read is not None and read.value == value and self._world.now - read.at < SHARED_FOR

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
        """Note that the directory has changed. Until `relink` has returned, both entity users are right."""
        self.links[user, tenant] = (*self._links(Principal(user, tenant)), entity_user_id)  # type: ignore[arg-type]

    def _good(self, call: Call) -> AccessToken | None:
        """Return the token that the call is entitled to at this moment, or None."""
        principal = call.principal
        shelf = self.shelves.get(self._world.slot(principal))
        token = shelf.live if shelf is not None else None
        if token is None or token.expires_at - self._world.store_clock() < max(call.min_ttl, ROUNDING):
            return None
        if self.sessions.may_be_refused(principal):
            return None
        if principal is not PARTNER and principal.session_id is not None:
            return token if self.sessions.is_known(principal) else None
        return token

    def _holders(self, value: str) -> list[Slot]:
        """Return the slots that hand out this value, until it expires there."""
        live = [(slot, shelf.live) for slot, shelf in self.shelves.items() if shelf.live is not None]
        now = self._world.store_clock()
        return [slot for slot, token in live if token.value.reveal() == value and token.expires_at > now]

    def _token_ends(self, slot: Slot) -> None:
        """Note that all tokens of the slot must die, and what is being minted for it as well."""
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
        """Judge a moment at which every call waits: none may wait for a token that its own process has minted."""
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
        if name == "peek_in_turn":  # both at one moment
            self.store_did(actor, "peek", arguments, {}, result.token)
            if result.admission is not None:
                self.store_did(actor, "admit", (Priority.CALL, None), options, result.admission)
            return
        call = self.calls.get(actor.name)
        if call is not None and call.kind in CHEAP:
            self.checks["7 logout is cheap"] += 1
            self._cheap_call_did(call, name)
        if name == "peek" and result is not None and call is not None:
            self._share(call, result)
        elif name in ENDINGS:
            for each in self.calls.values():
                if each.process == actor.process.name:
                    each.shared_read = None
        if name in _WATCHED:
            getattr(self, f"_{name}")(actor, *arguments, **options, result=result)
        elif name in ("admit", "hold", "due"):
            getattr(self.budget, name)(actor, *arguments, **options, result=result)

    def _cheap_call_did(self, call: Call, name: str) -> None:
        if name != CHEAP[call.kind]:
            raise Violation("7 logout is cheap", f"{call.kind} does {name}")
        call.has_acted = True

    # -- what only a judge of fallbacks wants to know; see `outages`

    def answer_heard(self, actor: "Actor", name: str, arguments: tuple[Any, ...], result: Any) -> None:
        """Note that the actor has been told what the store did."""

    def store_failed(
        self, actor: "Actor", name: str, arguments: tuple[Any, ...], error: StoreUnavailable
    ) -> None:
        """Note that the actor was told that the store has failed."""

    def memory_did(
        self, actor: "Actor", name: str, arguments: tuple[Any, ...], options: dict[str, Any], result: Any
    ) -> None:
        """Note what the memory of the actor's process has done."""

    def process_died(self, process: str) -> None:
        """Note that a process was killed."""

    def step_begins(self, actor: "Actor") -> None:
        """Note that the actor is about to take a step within a call."""
        call = self.calls[actor.name]
        call.steps = min(call.steps + 1, 2)
        if call.kind == "token":
            shelf = self.shelves.get(self._world.slot(call.principal))
            call.found = shelf.live if shelf is not None else None
            # Both: a call that has joined a mint for an empty slot need not read at the moment when that ends.
            if call.steps == 1:
                call.at_hand = call.at_hand and self._good(call) is not None

    def step_ends(self, actor: "Actor") -> None:
        """Judge the step that the actor has taken within a call."""
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
        self.cooldowns.claim(actor, slot, result)
        if isinstance(result, Claimed):
            self._claimed(actor, slot, result.lease.id, seconds)

    def _claimed(self, actor: "Actor", slot: Slot, lease_id: str, seconds: float) -> None:
        now = self._world.store_clock()
        self.current[slot] = self.held[actor.name] = Held(slot, lease_id, actor.name, now, now + seconds)

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
                if not held.fenced and self._world.store_clock() < held.until:
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
        self.cooldowns.slot_works(lease.slot)

    def _abandon(
        self, actor: "Actor", lease: Lease, cooldown: Cooldown | None = None, *, result: None
    ) -> None:
        del result
        held = self.current.get(lease.slot)
        was_current = held is not None and held.id == lease.id
        in_force = was_current and held is not None and self._world.store_clock() < held.until
        if was_current:
            del self.current[lease.slot]
        self.cooldowns.abandon(actor, lease.slot, cooldown, in_force=in_force)

    def _discard(self, actor: "Actor", slot: Slot, fingerprint: str, *, result: None) -> None:
        del actor, result
        shelf = self.shelves.get(slot)
        if shelf is not None and shelf.live is not None and shelf.live.fingerprint == fingerprint:
            value = shelf.live.value.reveal()
            self.rejected.add((slot, value))
            shelf.live, shelf.older = None, (*shelf.older, value)

    def _begin_session(self, actor: "Actor", principal: Principal, *, ago: float = 0.0, result: None) -> None:
        del result
        self.sessions.becomes_known(principal)
        if self.sessions.dates_back(principal, ago):
            self._end_session(actor, principal, result=0)

    def _end_session(self, actor: "Actor", principal: Principal, *, ago: float = 0.0, result: int) -> None:
        del actor, ago, result
        self.sessions.told_of_logout(principal)
        for slot in self._slots_of(principal.user_id):
            if slot.session in (None, principal.session_id):
                self._token_ends(slot)

    def _end_user(self, actor: "Actor", user: str, *, ago: float = 0.0, result: int) -> None:
        del actor, result
        self.sessions.told_to_end_all(user, ago)
        for slot in self._slots_of(user):
            self._token_ends(slot)

    def _end_everything(self, actor: "Actor", *, ago: float = 0.0, result: Any) -> None:
        del actor, result
        self.sessions.told_to_end_all(None, ago)
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
        for slot in self._slots_of(user):
            self._token_ends(slot)
        self.cooldowns.relink(user)

    # -- requests to Monite

    def request_leaves(self, actor: "Actor", request: Request) -> None:
        call = self.calls.get(actor.name)
        if call is not None and call.kind in CHEAP:
            raise Violation("7 logout is cheap", f"{call.kind} sends a request")
        self.checks["1 isolation"] += 1
        if not self._monite.is_meant(request):
            raise Violation("1 isolation", f"{actor.name} asks another account's Monite")
        self.budget.request_leaves(actor)
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
        self.budget.is_back(value)
        if is_held:
            self.doomed.discard(value)  # it has to die with the slot that has it
            self.spared.add(value)

    def _settle(self, actor: "Actor", pending: Any, *, result: None) -> None:
        del actor, result
        value = pending.token.reveal()
        self.budget.is_back(value)
        record = self._monite.tokens[value]
        self.checks["6 nothing is lost"] += 1
        if record.is_alive(self._world.now):
            raise Violation("6 nothing is lost", f"{value} was taken off the list and is alive")

    def _postpone(self, actor: "Actor", pending: Any, seconds: float, *, result: None) -> None:
        del actor, seconds, result
        self.budget.is_back(pending.token.reveal())

    def answer_arrives(self, actor: "Actor", request: Request, answer: Response | Fault) -> None:
        if not is_mint(request):
            return
        mine = self.flying.pop(actor.name, None)
        if isinstance(answer, Response) and answer.status == 200:
            self.unstored[actor.name] = f"{actor.name}#{actor.asked}"
        elif mine is not None and isinstance(answer, Response) and answer.status in (401, 403):
            self.cooldowns.refused(actor, None if answer.status == 401 else mine.slot)

    # -- ends of actors

    def gave_up(self, actor: "Actor") -> None:
        """Note that the actor was cancelled, and waits for no answer any more."""
        self.flying.pop(actor.name, None)
        self.cooldowns.forget(actor)
        self._forget(actor)

    def actor_lost(self, actor: "Actor") -> None:
        """Note that the actor was lost in a crash. Its request still counts as on its way."""
        self.bereaved.add(actor.process.name)
        self.cooldowns.forget(actor)
        self._forget(actor)

    def actor_ended(self, actor: "Actor") -> None:
        if actor.name in self.unstored:
            raise Violation("5 logout is final", f"{self.unstored[actor.name]} was minted and is nowhere")
        self._forget(actor)

    def _forget(self, actor: "Actor") -> None:
        self.calls.pop(actor.name, None)
        self.held.pop(actor.name, None)
        self.budget.forget(actor)
        self.unstored.pop(actor.name, None)

    # -- the end

    def has_pending(self) -> bool:
        """Say whether a token that has to die is alive."""
        tokens, now = self._monite.tokens, self._world.now
        return any(value in tokens and tokens[value].is_alive(now) for value in self.doomed)

    def all_is_over(self) -> int:
        """Judge the final state; return how many tokens were lost on their way."""
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


_WATCHED = {
    *("claim", "commit", "abandon", "discard", "begin_session", "end_session", "end_user", "end_everything"),
    *("revoke", "relink", "condemn", "settle", "postpone"),
}
"""The operations of the store that are judged, each by the method of its name."""
