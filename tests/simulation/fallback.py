"""The fallback of a simulated process: the real one, over the shared store of the world and a memory that tells what it does.

What a coroutine learns from a fallback stands in its history as well (see `snapshot`): the results of memory, and before each
step all that the fallback knows.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from monite_auth import MemoryStore
from monite_auth.stores.fallback import FallbackStore
from monite_auth.stores.fallback.outage import Outage
from monite_auth.stores.memory.operations import MemoryOperations
from monite_auth.stores.values import Slot
from monite_auth.telemetry import Silence
from monite_auth.tokens import AccessToken
from tests.simulation.shared_store import ModelJournal

if TYPE_CHECKING:
    from tests.simulation.account import Account
    from tests.simulation.world import World

__all__ = ["Fallback"]

Told = Callable[[str, tuple[Any, ...], dict[str, Any], Any], None]


class ProcessMemory(MemoryOperations):
    """The memory of a process. `told` hears of each operation and its result."""

    def __init__(self, *, told: Told, **options: Any) -> None:
        super().__init__(**options)
        self._told = told

    def take(self) -> list[tuple[Slot, AccessToken]]:
        taken = super().take()
        self._told("take", (), {}, taken)
        return taken


def _telling(name: str) -> Any:
    async def operation(self: ProcessMemory, *arguments: Any, **options: Any) -> Any:
        result = await getattr(MemoryOperations, name)(self, *arguments, **options)
        self._told(name, arguments, options, result)
        return result

    return operation


for _name in (
    *(
        "peek",
        "claim",
        "commit",
        "abandon",
        "discard",
        "begin_session",
        "session_state",
        "end_session",
        "end_user",
    ),
    *(
        "end_everything",
        "relink",
        "revoke",
        "due",
        "condemn",
        "settle",
        "postpone",
        "admit",
        "hold",
        "backlog",
    ),
):
    setattr(ProcessMemory, _name, _telling(_name))


class Fallback:
    """The fallback of one process.

    `operations`: what its flows ask. `memory`: what it keeps for itself. `trust`: for how many seconds it serves whom it has
    seen alive.
    """

    def __init__(
        self, world: "World", account: "Account", process: str, *, trust: float, journal: bool
    ) -> None:
        self._world = world
        self._account = account
        self._process = process
        self._endings = 0
        memory = MemoryStore(
            clock=world.clock,
            session_memory=account.settings.session_memory,
            requests_per_second=1e15,
            new_id=world.new_id,
            make_operations=partial(ProcessMemory, told=self._told),  # type: ignore[arg-type]  # it makes one
        )
        memory = memory.of(account.settings.account_name)
        self.store = FallbackStore(
            world.shared,
            memory,
            clock=world.clock,
            telemetry=Silence(),
            outage_trust=trust,
            ends_within=math.inf,
            journal=ModelJournal(world.journals, process, world.clock) if journal else None,
        )
        self._last_endings = self.store._trust.endings
        self.memory: Any = memory.operations(blocking=True)
        self.operations = self.store.operations(blocking=True)

    def _told(self, name: str, arguments: tuple[Any, ...], options: dict[str, Any], result: Any) -> None:
        actor = self._world.running
        if actor is None:
            return
        if self._world.observe is not None:
            actor.seen.append((name, result))
        self._account.judge.memory_did(actor, name, arguments, options, result)

    def facts(self) -> tuple[Any, ...]:
        """Return what it knows besides its memory, for snapshots."""
        store = self.store
        owed, handover, trust = store._owed, store._handover, store._trust
        return (
            _outage(store.outage),
            _outage(store.read_only),
            {part: _outage(each) for part, each in store.parts._outages.items()},
            dict(store.parts._part_of),
            (
                list(owed._operations),
                list(owed._left),
                list(owed._kept),
                owed._turn,
                owed._refusals,
                dict(owed._stuck._until),
                set(owed._stuck.ended),
                owed._adopt_at,
            ),
            (list(handover._tokens), list(handover._kept), handover._turn),
            (set(trust._newer.items()), set(trust._older.items()), self._endings),
        )

    def step_ends(self) -> None:
        """Count the steps in which something has ended, since nobody can tell the objects apart that say so."""
        if self.store._trust.endings is not self._last_endings:
            self._last_endings = self.store._trust.endings
            self._endings += 1


def _outage(outage: Outage) -> tuple[Any, ...]:
    """Return what an outage knows; the rest is for the log."""
    return (
        outage.is_on,
        outage.lasts,
        outage.about,
        outage._ask_again_at,
        outage._asked_until,
        outage._failed_at,
    )
