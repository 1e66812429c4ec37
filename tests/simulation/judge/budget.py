"""The judge of the request budget: promise 8."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from monite_auth.settings import Settings
from monite_auth.stores import Priority
from monite_auth.stores.window import JITTER
from tests.simulation.judge.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.process import Actor
    from tests.simulation.world import World

__all__ = ["ROUNDING", "BudgetJudge"]

ROUNDING = 1e-6
"""Seconds that count as none: times of the store are sums of floats."""


class BudgetJudge:
    """Who may send a request, and when; and that one revocation is with one drain at a time."""

    def __init__(self, world: "World", settings: Settings, checks: Counter[str]) -> None:
        self._world = world
        self._settings = settings
        self.checks = checks
        self.admitted: set[str] = set()
        self.grants: tuple[float, ...] = ()
        self.booked: dict[str, float] = {}  # users who wait, and until when
        self.calls: dict[str, float] = {}  # calls that wait, and until when
        self.queued: set[str] = set()  # others who wait, and did so before any user
        self.held_until = 0.0
        self.given: dict[str, tuple[str, float]] = {}  # revocations, with whom they are and until when

    def admit(self, actor: "Actor", priority: Priority, ticket: Any, *, patience: float, result: Any) -> None:
        del ticket, patience
        now = self._world.store_clock()
        self.booked.pop(actor.name, None)
        self.calls.pop(actor.name, None)
        had_booked = actor.name in self.queued
        self.queued.discard(actor.name)
        if not result.admitted:
            return
        if priority is Priority.CALL and result.wait > 0:
            self.calls[actor.name] = now + result.wait
            return
        if priority is not Priority.USER and not had_booked and any(at > now for at in self.booked.values()):
            raise Violation("8 one budget", f"{actor.name} ({priority.name}) was admitted while a user waits")
        if priority > Priority.CALL and not had_booked and any(at > now for at in self.calls.values()):
            raise Violation("8 one budget", f"{actor.name} ({priority.name}) was admitted while a call waits")
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
        if rate < 1_000_000:
            self.grants = (*[earlier for earlier in self.grants if now - earlier <= 1 + JITTER], now)
            if len(self.grants) > rate:
                raise Violation(
                    "8 one budget", f"{len(self.grants)} requests within {now - self.grants[0]:.3f} s"
                )
        self.admitted.add(actor.name)

    def hold(self, actor: "Actor", seconds: float, *, throttled: bool = False, result: None) -> None:
        del actor, throttled, result
        self.held_until = max(self.held_until, self._world.store_clock() + seconds)

    def request_leaves(self, actor: "Actor") -> None:
        self.checks["8 one budget"] += 1
        if actor.name not in self.admitted:
            raise Violation("8 one budget", f"{actor.name} sends a request that was not admitted")
        self.admitted.discard(actor.name)

    def due(self, actor: "Actor", limit: int, *, seconds: float, result: Any) -> None:
        del limit
        now = self._world.store_clock()
        for pending in result.batch:
            value = pending.token.reveal()
            holder, until = self.given.get(value, ("", 0.0))
            self.checks["8 one budget"] += 1
            if now < until - ROUNDING:
                raise Violation("8 one budget", f"{value} is given to {actor.name} while {holder} revokes it")
            self.given[value] = (actor.name, now + seconds)

    def is_back(self, value: str) -> None:
        """Note that the drain which had this revocation is done with it."""
        self.given.pop(value, None)

    def forget(self, actor: "Actor") -> None:
        """Drop the record of an actor that has ended."""
        self.booked.pop(actor.name, None)
        self.calls.pop(actor.name, None)
        self.queued.discard(actor.name)
        self.admitted.discard(actor.name)
