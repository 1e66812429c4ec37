"""The judge of processes with a fallback: what is promised while the store that they share is in trouble.

What the store answers is judged as ever. Beside that, each process has a memory of its own:

- *5. Logout is final.* A call in the process that has accepted an ending returns no token from then on, wherever that comes
  from; in other processes from when the store knows. In the end, every token of the session is dead: those of the store, and
  those that a process has minted for itself, unless it died without a journal.
- *7. Logout is cheap.* A call that ends something never fails, sends no request and takes no time. The ending that it could not tell the
  store is told later, by this process or by one that finds its journal; else its session gets tokens at the end.
- *11. Careful when degraded.* A token of a process's memory goes only to a session that the store has told this process is alive,
  a short while ago. Such a call does not fail because of the store.
- *4. Valid beats new.* A call whose process has not met any trouble with what is the user's is served as ever.

One mint at a time is promised for each slot of the store, and for each slot of each memory.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from monite_auth import AccessToken, Principal
from monite_auth.errors import SessionEnded, StoreReadOnly, StoreUnavailable
from monite_auth.identity import PARTNER, Subject
from monite_auth.stores import Claimed, Committed, Ended, Lease, SessionState, Slot
from tests.simulation.judge.budget import ROUNDING
from tests.simulation.judge.judge import CHEAP, Judge
from tests.simulation.judge.records import Call
from tests.simulation.judge.sessions import Key, Sessions, session_key
from tests.simulation.judge.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.process import Actor

__all__ = ["OutageJudge", "OutageSessions"]

CAREFUL = "11 careful when degraded"
FINAL = "5 logout is final"


class OutageSessions(Sessions):
    """The record of sessions where endings come to the store late: when each began counts."""

    def facts(self) -> tuple[Any, ...]:
        return (super().facts(), frozenset(self._began.items()))


class OutageJudge(Judge):
    """Judges an account whose processes have a fallback.

    `trust`: for how many seconds they serve whom they have seen alive. `has_journal`: what they owe survives them.
    """

    def __init__(self, *arguments: Any, trust: float, has_journal: bool) -> None:
        super().__init__(*arguments)
        self._has_journal = has_journal
        self.sessions = OutageSessions(
            self._world.store_clock, self._settings.session_memory, self._world.moments
        )
        self._trust = trust
        self.seen: dict[
            tuple[str, Key], float
        ] = {}  # when the store told a process of a session that was alive
        self.accepted: set[tuple[str, Key]] = set()  # endings, by the process that has accepted them
        self.told_here: set[tuple[str, Key]] = set()  # the same, from when its memory knows
        self.awaited: dict[Key, None] = {}  # accepted, and the store does not know yet
        self.awaited_users: dict[str, frozenset[Key]] = {}  # the same for all sessions of a user
        self.troubled: set[tuple[str, Any]] = (
            set()
        )  # processes that have met trouble, with a user or all (None)
        self.in_memory: dict[str, str] = {}  # tokens that a process has minted for itself
        self.given_back: dict[str, str] = {}  # tokens that a process could not store, by its name

    # -- calls

    def call_begins(self, actor: "Actor", kind: str, principal: Subject, min_ttl: float = 0.0) -> None:
        super().call_begins(actor, kind, principal, min_ttl)
        if kind == "login" and principal is not PARTNER:
            self._saw(actor.process.name, principal)

    def call_returns(self, actor: "Actor", token: AccessToken | None) -> None:
        call = self.calls[actor.name]
        if call.kind in CHEAP and self._world.now > call.began + self._world.lagged - call.lagged + ROUNDING:
            raise Violation("7 logout is cheap", f"{call.kind} took {self._world.now - call.began:.3f} s")
        if call.kind not in CHEAP or call.has_acted:
            super().call_returns(actor, token)
        else:
            self._call_over(actor)
            self._owed(call)
        if call.kind == "logout" and call.principal is not PARTNER:
            self._accepted(call.process, session_key(call.principal))
        elif call.kind == "end_user":
            for key in call.logged_in:
                self._accepted(call.process, key)

    def _owed(self, call: Call) -> None:
        """Note that a call has returned, and the store does not know of it yet."""
        assert call.principal is not PARTNER
        user, key = call.principal.user_id, session_key(call.principal)
        if call.kind == "login":
            self.sessions.login_returned(call.principal)
            return
        self.troubled.add((call.process, user))
        if call.kind == "logout" and key is not None:
            self.awaited[key] = None
        elif call.kind == "end_user":
            self.awaited_users[user] = call.logged_in

    def _accepted(self, process: str, key: Key | None) -> None:
        if key is not None:
            self.accepted.add((process, key))
            self.told_here.add((process, key))

    def call_fails(self, actor: "Actor", error: Exception) -> None:
        call = self.calls[actor.name]
        key = None if call.principal is PARTNER else session_key(call.principal)
        call.refused = call.refused or (call.process, key) in self.told_here
        if isinstance(error, StoreUnavailable) and self._is_trusted(call.process, call.principal):
            raise Violation(CAREFUL, f"a call of a session that was seen alive failed: {error!r}")
        if isinstance(error, SessionEnded) and call.refused:
            self._call_over(actor)
            return
        super().call_fails(actor, error)

    def _cheap_call_did(self, call: Call, name: str) -> None:
        call.has_acted = call.has_acted or name == CHEAP[call.kind]

    def _saw(self, process: str, principal: Principal) -> None:
        key = session_key(principal)
        if key is not None:
            self.seen[process, key] = self._world.now

    def _is_trusted(self, process: str, principal: Subject) -> bool:
        if principal is PARTNER:
            return True
        key = session_key(principal)
        if key is None or (process, key) in self.told_here:
            return False
        return self._world.now - self.seen.get((process, key), 0.0) < self._trust

    # -- tokens that are handed out

    def _judge_token(self, call: Call, token: AccessToken) -> None:
        key = None if call.principal is PARTNER else session_key(call.principal)
        if (call.process, key) in self.accepted:
            raise Violation(FINAL, f"a call of a session that has ended in this process returned {token!r}")
        value = token.value.reveal()
        owner = self.in_memory.get(value)
        if owner is None:
            super()._judge_token(call, token)
            return
        self.checks[CAREFUL] += 1
        if owner != call.process:
            raise Violation("1 isolation", f"{call.process} hands out what {owner} has minted for itself")
        if not self._is_trusted(call.process, call.principal):
            raise Violation(CAREFUL, f"{value} was handed out to a session that nobody has seen alive")
        now, record = self._world.now, self._monite.tokens[value]
        if record.entity_user not in self._links(call.principal):
            raise Violation("1 isolation", f"{call.principal} got {value}, a token for {record}")
        if token.expires_at - now < max(call.min_ttl, ROUNDING) or not record.is_alive(now):
            raise Violation("3 freshness", f"{value} was handed out, and is dead or about to be: {record}")
        if value in self.doomed:
            raise Violation("3 freshness", f"{value} was handed out, and it is to be revoked")
        if self._good(call) is not None:
            raise Violation("4 valid beats new", f"{value} was minted although the store has a good token")
        if not self._is_troubled(call) and self.sessions.must_be_refused(call.principal):
            raise Violation(FINAL, f"{value} was handed out to a session whose end could be read")

    def _good(self, call: Call) -> AccessToken | None:
        return None if self._is_troubled(call) and not self.must_succeed else super()._good(call)

    def _is_troubled(self, call: Call) -> bool:
        """Say whether the call's process has met trouble with what concerns its user."""
        user = None if call.principal is PARTNER else call.principal.user_id
        return bool({(call.process, None), (call.process, user)} & self.troubled)

    def step_ends(self, actor: "Actor") -> None:
        call = self.calls[actor.name]
        is_troubled = any(process == call.process for process, _ in self.troubled)
        if call.kind not in CHEAP and not is_troubled:
            super().step_ends(actor)

    # -- what a process hears of the store

    def answer_heard(self, actor: "Actor", name: str, arguments: tuple[Any, ...], result: Any) -> None:
        process = actor.process.name
        is_alive = (
            (name == "peek" and result is not None)
            or (name == "peek_in_turn" and result.token is not None)
            or (name == "claim" and not isinstance(result, Ended))
            or (name == "session_state" and result is SessionState.ALIVE)
        )
        is_over = isinstance(result, Ended) or result in (SessionState.ENDED, SessionState.TOO_OLD)
        principal = arguments[-1] if arguments else None
        if is_alive and isinstance(principal, Principal):
            self._saw(process, principal)
        elif is_over and isinstance(principal, Principal):
            self.seen.pop((process, session_key(principal)), None)  # type: ignore[arg-type]  # it has one

    def store_failed(
        self, actor: "Actor", name: str, arguments: tuple[Any, ...], error: StoreUnavailable
    ) -> None:
        if name == "commit":
            self.unstored.pop(actor.name, None)
            self.given_back[arguments[1].value.reveal()] = actor.process.name
        if error.part is not None:
            self.troubled.add((actor.process.name, _user_of(arguments)))
        elif not isinstance(error, StoreReadOnly):
            self.troubled.add((actor.process.name, None))

    # -- what the store hears late

    def _end_session(self, actor: "Actor", principal: Principal, *, ago: float = 0.0, result: int) -> None:
        super()._end_session(actor, principal, ago=ago, result=result)
        key = session_key(principal)
        if key in self.awaited:
            del self.awaited[key]
            self.sessions.logout_returned(principal)

    def _end_user(self, actor: "Actor", user: str, *, ago: float = 0.0, result: int) -> None:
        super()._end_user(actor, user, ago=ago, result=result)
        if user in self.awaited_users:
            self.sessions.all_ended(user, self.awaited_users.pop(user))

    # -- memories

    def _slots(self) -> set[Slot]:
        return {slot for slot in super()._slots() if not _is_memory(slot)}

    def _memory_slots(self, process: str, is_meant: Callable[[Slot], bool]) -> list[Slot]:
        """Return the slots of a process's memory, as far as they are meant."""
        return [slot for slot in super()._slots() if slot.kind == _kind(process) and is_meant(slot)]

    def memory_did(
        self, actor: "Actor", name: str, arguments: tuple[Any, ...], options: dict[str, Any], result: Any
    ) -> None:
        process = actor.process.name
        match name, arguments:
            case "claim", (slot, principal):
                self._claimed_here(actor, slot, principal, result, options["seconds"])
            case "commit", (Lease(slot, lease_id), token):
                value = token.value.reveal()
                self.in_memory[value] = process
                self._commit(actor, Lease(_here(slot, process), lease_id), token, result=result)
            case "abandon", (Lease(slot, lease_id), *more):
                self._abandon(actor, Lease(_here(slot, process), lease_id), *more, result=None)
            case "discard", (slot, fingerprint):
                self._discard(actor, _here(slot, process), fingerprint, result=None)
            case "end_session", (principal,):
                self._end_here(process, principal.user_id, session_key(principal))
            case "end_user", (user,):
                self._end_here(process, user, None)
            case "relink", (user,):
                self._end_tokens_here(process, user)
            case "take", ():
                for slot in self._memory_slots(process, lambda _slot: True):
                    self._token_ends(slot)
            case (("condemn" | "settle" | "postpone"), _):
                getattr(self, f"_{name}")(actor, *arguments, result=result)
            case (("admit" | "hold" | "due"), _):
                getattr(self.budget, name)(actor, *arguments, **options, result=result)

    def _claimed_here(
        self, actor: "Actor", slot: Slot, principal: Subject, result: Any, seconds: float
    ) -> None:
        process = actor.process.name
        if isinstance(result, Claimed):
            self.checks[CAREFUL] += 1
            if not self._is_trusted(process, principal):
                raise Violation(CAREFUL, f"{process} mints for {principal}, whom it has not seen alive")
            self._claimed(actor, _here(slot, process), result.lease.id, seconds)

    def _end_here(self, process: str, user: str, key: Key | None) -> None:
        """Note that an ending holds in a process: of one session, or of all that the user has."""
        self.troubled.add((process, user))  # it may be an ending that the store has to hear of first
        keys = [key] if key is not None else [each for _, each in self.seen if each[0] == user]
        self.told_here.update((process, each) for each in keys if each is not None)
        self._end_tokens_here(process, user)

    def _end_tokens_here(self, process: str, user: Any) -> None:
        for slot in self._memory_slots(process, lambda slot: slot.user == user):
            self._token_ends(slot)

    def process_died(self, process: str) -> None:
        """What its memory had is dead with it: a journal may tell others of it, or else nobody knows."""
        for slot in self._memory_slots(process, lambda _slot: True):
            for values in (self.shelves, self.current):
                values.pop(slot, None)

    def _commit(self, actor: "Actor", lease: Lease, token: AccessToken, *, result: Committed) -> None:
        super()._commit(actor, lease, token, result=result)
        if result is Committed.FENCED and not _is_memory(lease.slot):
            self.in_memory.pop(token.value.reveal(), None)

    # -- the end

    def all_is_over(self) -> int:
        lost = super().all_is_over()
        if self.awaited or self.awaited_users:
            raise Violation(FINAL, f"the store was never told of {[*self.awaited, *self.awaited_users]}")
        now = self._world.now
        alive = {each.name for each in self._world.processes if each.alive}
        for value, process in [*self.in_memory.items(), *self.given_back.items()]:
            is_kept = process in alive or self._has_journal
            if is_kept and self._monite.tokens[value].is_alive(now):
                raise Violation(
                    "6 nothing is lost", f"{value} of an outage is alive, and {process} forgot it"
                )
        return lost


def _kind(process: str) -> str:
    return f"memory of {process}"


def _here(slot: Slot, process: str) -> Slot:
    """Return the slot as that of a process's memory."""
    return slot._replace(kind=_kind(process))


def _is_memory(slot: Slot) -> bool:
    return (slot.kind or "").startswith("memory of ")


def _user_of(arguments: tuple[Any, ...]) -> Any:
    """Return the user that an operation of a part of the store is about."""
    first = arguments[0]
    match first:
        case Principal():
            return first.user_id
        case Slot():
            return first.user
        case Lease():
            return first.slot.user
    return first
