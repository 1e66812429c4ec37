"""The state of a world, as a value: two worlds with equal snapshots have the same future, whatever the schedule.

A snapshot holds

- the store, Monite and the judge, attribute by attribute. A value of an unknown kind raises TypeError, so that nothing new
  in the library is left out unseen;
- each process: whether it lives, the flights that an actor can still read, and what else its engine remembers;
- each actor. A coroutine is deterministic, so its state follows from what it was told at each of its steps: the time,
  the results of its operations, and what it saw of flights (`process.Watch`). This *history* is kept as a number: equal
  numbers, equal histories. It tells more states apart than there are, never fewer;
- the clock, and the time that was lost in lags. `exploration` adds the accidents that may still happen.

Counters of checks are left out. `test_harness.py` compares with an exploration that merges nothing.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from cachetools import TLRUCache

from monite_auth import AccessToken
from monite_auth.engine.single_flight import Flight, State
from monite_auth.identity import Partner
from monite_auth.stores.memory.endings import Moments
from monite_auth.stores.memory.operations import MemoryOperations
from monite_auth.stores.memory.users import User
from monite_auth.tokens import Secret
from tests.simulation.judge import Judge
from tests.simulation.judge.budget import BudgetJudge
from tests.simulation.judge.cooldowns import CooldownJudge
from tests.simulation.judge.outages import OutageSessions
from tests.simulation.judge.sessions import Sessions
from tests.simulation.monite_model import MoniteModel
from tests.simulation.operations import Failed
from tests.simulation.process import Actor, Process, error_facts, result_facts
from tests.simulation.world import World

__all__ = ["Histories", "snapshot"]


class Histories:
    """Numbers for histories, the same number for the same history in all runs of one exploration."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, Any], int] = {}

    def observe(self, world: World, actor: Actor, label: str, result: Any) -> None:
        """Add to the actor's history what it is being told."""
        told = (actor.history, (label, freeze(result), world.now, freeze(actor.seen)))
        actor.seen.clear()
        actor.history = self._numbers.setdefault(told, len(self._numbers) + 1)


def snapshot(world: World) -> tuple[Any, ...]:
    """Return the state of the world; it can be hashed and compared."""
    return (
        world.now,
        world.lagged,
        world.store_is_ahead,
        tuple(sorted((a.name, a.history, a.operation.label, a.operation.wake_at) for a in world.actors)),
        (world.shared.trouble, freeze(world.journals.texts), frozenset(world.journals.dead)),
        tuple(_process(world, process) for process in world.processes),
        tuple(
            (_store(account.store), freeze(account.people), _monite(account.monite), _judge(account.judge))
            for account in world.accounts
        ),
    )


# -- parts

# Which users of no use are let go next: nobody can tell whether they are still there. Notes are there for directories: no flow leaves any.
# Since when something is pending is told to people: no flow reads it. The other accounts of a store are seen as accounts of the world.
_STORE_CONSTANTS = {
    "_clock",
    "_dropped",
    "_lock",
    "_maxsize",
    "_new_id",
    "_notes",
    "_rate",
    "_sequence",
    "_session_memory",
    "_told",
    "_unchecked",
    "_wall_clock",
    "since",
}
# Who holds a token there; and what is pending, once more by fingerprint.
_STORE_COPIES = {"_holders", "ids"}
_STORE_PARTS = {"_users", "_endings", "_revocations"}


def _store(store: MemoryOperations) -> tuple[Any, ...]:
    state = []
    for part in (store, store._users, store._endings, store._revocations):
        for name, value in vars(part).items():
            if name in _STORE_CONSTANTS | _STORE_COPIES | _STORE_PARTS:
                continue
            # Its numbers only break ties, so the order is all they mean; some no longer hold.
            if name == "queue":
                due = {pending: revocation.due_at for pending, revocation in part.pending.items()}
                value = [(at, pending) for at, _, pending in sorted(value) if due.get(pending) == at]
            # Users are in the order of writing for eviction, which no exhaustive scenario reaches.
            state.append((name, frozenset(freeze(value)) if name == "by_name" else freeze(value)))
    return tuple(state)


def _monite(monite: MoniteModel) -> tuple[Any, ...]:
    """Return Monite's books; in which order it gave its tokens matters to nobody."""
    return tuple(
        sorted((t.value, t.entity_user or "", t.minted_at, t.revoked_at) for t in monite.tokens.values())
    )


def _process(world: World, process: Process) -> tuple[Any, ...]:
    if not process.alive:
        return (process.name,)
    assert process.watch is not None
    names, engine = process.watch.names, process.engine
    known, drainer = engine.flights._flights, engine.drainer
    visible = {names[flight]: flight for flight in known.values()}
    for actor in world.actors:
        if actor.process is process:
            visible.update(actor.joined)
    return (
        process.name,
        frozenset((slot, names[flight]) for slot, flight in known.items()),
        process.epoch.current,
        frozenset(_flight(process, name, flight) for name, flight in visible.items()),
        frozenset(engine.renewals._resume_at.items()),
        frozenset((names[each], each.alive_until, each.is_wanted_again) for each in drainer._working),
        (drainer.sweep_at, drainer._sleeper and drainer._sleeper.alive_until),
        frozenset((_is_running(each.loop), each.pending) for each in drainer._passes),
        frozenset((kept.slot, freeze(kept.token), kept.is_stray()) for kept in engine.strays._kept),
        frozenset(engine.tokens._leader._mint.keywords["lookup"].keywords["unlinked"]._users),
        freeze({name: value for name, value in vars(engine.tokens).items() if name not in _TOKEN_FLOW}),
        process.host.facts(),
        process.fallback and (_store(process.fallback.memory), freeze(process.fallback.facts())),
    )


_TOKEN_FLOW = {
    "_settings",
    "_requires_sessions",
    "_has_token_per_session",
    "_kind",
    "_directory",
    "_flights",
    "_leader",
    "_renewals",
    "_drainer",
    "_epoch",
    "_surroundings",
    "_counts",
}
"""What a token flow works with. It remembers nothing; a mutant may."""


def _flight(process: Process, name: str, flight: Flight) -> tuple[Any, ...]:
    runtime, peek = process.runtime, flight.shared_peek
    shared = (min(runtime.waiters(peek), 2), *(result_facts(peek) if runtime.is_shared(peek) else ()))
    if flight.is_finished:
        return (name, error_facts(flight._error), shared)
    return (
        name,
        flight._expires_at,
        flight._priority,
        flight._state is State.STARTED,
        flight._known_empty_until,
        flight._is_left,
        shared,
        _is_running(flight._loop),
    )


def _is_running(loop: Any) -> bool:
    return loop is not None and loop.is_running()


_JUDGE_CONSTANTS = {"_monite", "_people", "_settings", "_trust", "_has_journal", "_world", "checks"}


def _judge(judge: Judge | BudgetJudge | CooldownJudge) -> tuple[Any, ...]:
    """Return a judge's record; unlike the library's, none of its dictionaries means anything by its order."""
    return tuple(
        frozenset((key, freeze(each)) for key, each in value.items())
        if type(value) is dict
        else freeze(value)
        for name, value in vars(judge).items()
        if name not in _JUDGE_CONSTANTS
    )


# -- values


def freeze(value: Any) -> Any:
    """Return `value` as something that can be hashed; raise TypeError where that is not known how."""
    kind = type(value)
    known = _FREEZERS.get(kind)
    if known is None:
        known = _FREEZERS[kind] = _freezer(kind)
    return known(value)


def _same(value: Any) -> Any:
    return value


def _sequence(value: Any) -> Any:
    return tuple([freeze(each) for each in value])


def _token(token: AccessToken) -> Any:
    return (token.value.reveal(), token.expires_at, token.renew_at, token.entity_user)


def _mapping(value: Any) -> Any:
    return tuple([(freeze(key), freeze(each)) for key, each in value.items()])


_FREEZERS: dict[type, Callable[[Any], Any]] = {
    AccessToken: _token,
    Secret: Secret.reveal,
    list: _sequence,
    deque: _sequence,
    tuple: _sequence,
    dict: _mapping,
    TLRUCache: _mapping,
    Partner: _same,
    BudgetJudge: _judge,
    CooldownJudge: _judge,
    Sessions: Sessions.facts,
    OutageSessions: OutageSessions.facts,
    Failed: lambda failed: ("failed", *(error_facts(failed.error) or ())),
    Moments: _mapping,  # what it holds is when it was put there
    # The order of both is for eviction.
    User: lambda user: (
        frozenset(map(freeze, user.places.values())),
        frozenset(map(freeze, user.sessions.values())),
    ),
    set: frozenset,
    frozenset: _same,
    **dict.fromkeys([bool, int, float, str, bytes, type(None)], _same),
}


def _freezer(kind: type) -> Callable[[Any], Any]:
    if issubclass(kind, tuple):  # a NamedTuple equals any tuple of its values, whatever their names mean
        return lambda value: (kind.__name__, *_sequence(value))
    if issubclass(kind, int | Enum):
        return _same
    if is_dataclass(kind):
        names = [field.name for field in fields(kind)]
        return lambda value: (kind.__name__, *[freeze(getattr(value, name)) for name in names])
    raise TypeError(f"a snapshot cannot tell what is in a {kind.__name__}: teach `snapshot` about it")
