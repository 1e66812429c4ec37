"""The form of a scenario: a world to begin with, callers, and what may go wrong."""

from dataclasses import dataclass

from monite_auth.engine.mint import CLAIM_MARGIN
from tests.simulation.actions import Action, Sleep

__all__ = [
    "ANSWERS_LOST",
    "DAY",
    "LEASE",
    "LEEWAY",
    "MEMORY",
    "TIME_TO_RENEW",
    "TWO",
    "Scenario",
    "Script",
    "scenario",
    "script",
]

DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Script:
    """The actions of one caller, in order. `process`: the number of the process that it runs in, from 0."""

    name: str
    process: int
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world to begin with, callers, and what may go wrong at any point of it.

    `processes`: the flavour of each; see `world.FLAVOURS`.
    `before`: actions of the past, one after the other, each with the number of its process.
    `mishaps`: what may happen to a request to Monite instead of the usual answer, `mishap_count` times in all.
    `crash_count`: processes that may be killed. `stop_count`: event loops that may stop for good.
    `cancel_count`: tasks that may be cancelled, before or after the operation that they wait for.
    `lags`: seconds that may pass at any point, in this order, although somebody could have gone on.
    `scope`: the token scope. `requests_per_second`: the request budget; by default nobody ever waits for it.
    `life`: seconds that a token lives. `retry_after`: what a 429 says.
    `sweeps`: whether a process that is in use starts a drain every half minute.
    `accounts`: the number of each process's account; by default all have the same.
    `repeats`: whether Monite answers with the token that lives instead of a new one.
    `security`: the security model. `session_memory`: seconds for which sessions and endings are remembered.
    `troubles`: what may happen to the store that all share, `trouble_count` times in all, each until it is over; see
    `shared_store`. `lasting_trouble`: what is the matter with it until all callers are done, instead. Where it may, each process has a fallback: it serves whom it has seen alive for `outage_trust` seconds. Some
    have a journal as well (`has_journal`), which the others adopt when it dies.
    `walls`: by how many seconds the wall clock of each process's host is ahead at first. `wall_steps`: by how many seconds a wall
    clock is set, in this order, each at any point and on any host. `store_jumps`: the same for the store's clock, forward alone.
    `afterwards`: whether to see at the end that every process still gives, renews and revokes tokens.
    """

    name: str
    scripts: tuple[Script, ...]
    processes: tuple[str, ...] = ("tasks",)
    before: tuple[tuple[int, Action], ...] = ()
    mishaps: tuple[str, ...] = ()
    mishap_count: int = 0
    crash_count: int = 0
    stop_count: int = 0
    cancel_count: int = 0
    lags: tuple[float, ...] = ()
    scope: str = "user"
    requests_per_second: float = 1e15
    life: int = 1800
    retry_after: str = "1"
    sweeps: bool = False
    afterwards: bool = True
    accounts: tuple[int, ...] = ()
    repeats: bool = False
    security: str = "monite_managed"
    session_memory: float = 14 * DAY
    troubles: tuple[str, ...] = ()
    trouble_count: int = 1
    lasting_trouble: str = ""
    outage_trust: float = 60.0
    has_journal: bool = False
    walls: tuple[float, ...] = ()
    wall_steps: tuple[float, ...] = ()
    store_jumps: tuple[float, ...] = ()


MEMORY, LEEWAY = 600.0, 300.0
"""Seconds for which sessions are remembered in scenarios about that; a store remembers endings longer, by the second."""

LEASE = 5.0 + CLAIM_MARGIN
"""Seconds that a lease to mint lasts by default: MONITE_LEASE, and the margin. A mint that lags so long is taken over."""

TIME_TO_RENEW = Sleep(1800 - 5 - 300)
"""A pause after which a token of 1,800 s is in its last fifth, so that it is renewed."""

ANSWERS_LOST = ("lost", "down", "hang")
"""Mishaps after which the caller has no token."""

TWO = ("tasks", "tasks")
"""Two processes, each with an event loop."""


def script(process: int, *actions: Action) -> Script:
    """Return a script; `scenario` names it."""
    return Script("", process, actions)


def scenario(name: str, *scripts: Script, **more: object) -> Scenario:
    """Return a scenario whose callers are called c1, c2 and so on. `more`: its other fields."""
    numbered = tuple(Script(f"c{n}", each.process, each.actions) for n, each in enumerate(scripts, 1))
    return Scenario(name, numbered, **more)  # type: ignore[arg-type]  # as written in the tables
