"""The judge of cooldowns: who is told to wait after a failure, and who must not claim after a refusal."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from monite_auth.identity import Partner
from monite_auth.stores import Claimed, Cooldown, CoolingDown, Slot
from tests.simulation.judge.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.process import Actor
    from tests.simulation.world import World

__all__ = ["CooldownJudge"]

COOLDOWN = 29.0
"""Seconds that a refusal is remembered at least: the library says 30."""


class CooldownJudge:
    """After a refusal of our credentials nobody claims for a while; after one of an entity user, nobody claims its slot."""

    def __init__(self, world: "World", checks: Counter[str]) -> None:
        self._world = world
        self.checks = checks
        self.refusals: dict[
            str, Slot | None
        ] = {}  # by actor: what Monite has just refused; None: the credentials
        self.must_cool_down: dict[Slot | None, float] = {}  # until when nobody may claim
        self.may_cool_down: dict[
            Slot | None, float
        ] = {}  # until when a claim may be answered with a cooldown

    def refused(self, actor: "Actor", slot: Slot | None) -> None:
        """Note that Monite has refused a mint for `slot`, or our credentials (None)."""
        self.refusals[actor.name] = slot

    def claim(self, actor: "Actor", slot: Slot, result: Any) -> None:
        now = self._world.store_clock()
        may = now < max(self.may_cool_down.get(slot, 0.0), self.may_cool_down.get(None, 0.0))
        if isinstance(result, CoolingDown) and not may:
            raise Violation(
                "4 valid beats new", f"{actor.name} is told to cool down, and nothing has failed here"
            )
        if not isinstance(result, Claimed):
            return
        self.checks["cooldown after a refusal"] += 1
        if now < max(self.must_cool_down.get(slot, 0.0), self.must_cool_down.get(None, 0.0)):
            raise Violation(
                "cooldown after a refusal", f"{actor.name} claims although Monite has just refused"
            )

    def abandon(self, actor: "Actor", slot: Slot, cooldown: Cooldown | None, *, in_force: bool) -> None:
        """Note that a claim was given back. `in_force`: its lease was the slot's, so the store keeps the cooldown."""
        if cooldown is not None:
            self.may_cool_down[None if cooldown.everyone else slot] = (
                self._world.store_clock() + cooldown.seconds
            )
        if actor.name in self.refusals:
            reach = self.refusals.pop(actor.name)
            if reach is None or in_force:
                self.must_cool_down[reach] = self._world.store_clock() + COOLDOWN

    def slot_works(self, slot: Slot) -> None:
        """Note that a token of the slot was stored."""
        self.must_cool_down.pop(slot, None)

    def relink(self, user: str | Partner) -> None:
        """Note that the user has another entity user now, who was not refused."""
        for slot in [each for each in self.must_cool_down if each is not None and each.user == user]:
            del self.must_cool_down[slot]

    def forget(self, actor: "Actor") -> None:
        """Drop the record of an actor that has ended."""
        self.refusals.pop(actor.name, None)
