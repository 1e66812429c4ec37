"""How long callers waited, and which of them waited longer than was promised.

| a caller wants | waits at most |
|---|---|
| a token | its deadline |
| an answer of Monite's API | twice its deadline and the HTTP client's timeout: if Monite refuses the token, another one is asked for |
| to log out | as long as the store may take to answer, since nobody knows yet that it is down, and half a second for the disk that the journal lies on |

Whoever waits for more than a second longer is *late*. The times at which the caller's process was stalled (`heartbeat`) do not
count: a process that is stopped keeps no deadline.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.chaos.event_log import Event
from tests.chaos.plan import Plan

GRACE = 1.0
"""Seconds beyond its time after which a caller is late."""

ANSWERS_WITHIN = 5.0
"""Seconds that an HTTP client waits for the answer of a call, unless it is told otherwise (httpx)."""

JOURNAL_WAIT = 0.5
"""Seconds that a logout waits for the disk at most (docs/journal.md)."""


class Wait(NamedTuple):
    """How long one caller waited, in seconds of its process, and how long it might have."""

    seconds: float
    allowed: float
    event: Event

    @property
    def is_late(self) -> bool:
        return self.seconds > self.allowed + GRACE

    def __str__(self) -> str:
        facts = self.event.facts
        outcome = facts.get("why") or self.event.kind
        return f"{self.seconds:.2f} s of {self.allowed:g} s (session {facts['session']} in {self.event.process}: {outcome})"


class Callers:
    """The callers of one experiment, as the event logs tell of them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._events: list[Event] = []
        self._stalls: dict[str, list[tuple[float, float, float]]] = {}

    def take_down(self, event: Event) -> None:
        if event.kind == "stalled":
            stall = (event.facts["since"], event.at, event.facts["seconds"])
            self._stalls.setdefault(event.process, []).append(stall)
        elif event.kind in ("got", "refused", "ended"):
            self._events.append(event)

    def waits(self) -> Iterator[tuple[str, Wait]]:
        """Yield what each caller wanted, a `token`, a `call` or a `logout`, and how long it waited."""
        for event in self._events:
            wanted = self._wanted(event)
            yield wanted, Wait(self._seconds(event), self._allowed(wanted), event)

    def _wanted(self, event: Event) -> str:
        if event.kind == "ended":
            return "logout"
        return "call" if event.facts["use"] == "call" else "token"

    def _allowed(self, wanted: str) -> float:
        match wanted:
            case "logout":
                return self._plan.store_patience + JOURNAL_WAIT
            case "call":
                return 2 * (self._plan.deadline + ANSWERS_WITHIN)
        return self._plan.deadline

    def _seconds(self, event: Event) -> float:
        began: float = event.facts["began"]
        stalled = sum(
            min(seconds, max(0.0, min(event.at, until) - max(began, since)))
            for since, until, seconds in self._stalls.get(event.process, ())
        )
        return event.at - began - stalled
