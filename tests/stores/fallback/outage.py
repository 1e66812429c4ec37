"""A world whose shared store can be down, fail at one operation, or lose its answers."""

import asyncio
from collections.abc import Callable

from monite_auth import AccessToken, MemoryStore, Principal, errors
from monite_auth.engine.runtime import run
from monite_auth.identity import Subject
from monite_auth.stores import Claimed
from monite_auth.stores.fallback import FallbackStore
from monite_auth.stores.fallback.outage import STEADY
from monite_auth.stores.fallback.owed_operation import OwedOperation
from monite_auth.telemetry import Silence
from tests.scripted import ALICE, BOB, World, numbered


class Forever:
    def __await__(self):
        yield


ABOUT_USERS = {
    "peek",
    "claim",
    "commit",
    "abandon",
    "discard",
    "begin_session",
    "end_session",
    "end_user",
    "relink",
    "session_state",
}


class Fragile:
    """A shared store that may be down, or do its work and lose the answer."""

    is_shared = True

    def __init__(self, inner: MemoryStore) -> None:
        self.inner = inner.operations(blocking=True)
        self.done: list[tuple[str, ...]] = []
        self.during: Callable[[], object] | None = None
        """What happens once while the store is at work on something that is not a read."""
        self.before_answer: Callable[[], object] | None = None
        """What happens once between something that the store has done and its answer."""
        self.is_down = False
        self.loses_answers = False
        self.loses_answers_of: str | None = None
        self.refuses: frozenset[str] = frozenset()
        """Operations that it refuses to write, though it answers."""
        self.fails_at: str | None = None
        self.broken: dict[object, str] = {}
        """Users of whom nothing can be asked, each with the part of the store that is down."""
        self.broken_at: dict[str, str] = {}
        """Operations that fail, each with the part of the store that is down."""
        self.cancelled_at: str | None = None
        self.stuck_at: str | None = None
        self.asked = 0

    def of(self, account: str) -> "Fragile":
        return self

    def operations(self, *, blocking: bool) -> "Fragile":
        return self

    async def aclose(self) -> None:
        pass

    def __getattr__(self, name: str):
        async def operation(*args, **kwargs):
            self.asked += 1
            if self.is_down or name == self.fails_at:
                raise errors.StoreUnavailable("down")
            if name in self.refuses:
                raise errors.StoreReadOnly("full")
            if name in self.broken_at:
                raise errors.StoreUnavailable("a part is down", part=self.broken_at[name])
            for user in self.broken:
                if OwedOperation(name, args).concerns(user) and name in ABOUT_USERS:
                    raise errors.StoreUnavailable("a part is down", part=self.broken[user])
            if name == self.cancelled_at:
                raise asyncio.CancelledError
            if name != "peek" and self.during is not None:
                during, self.during = self.during, None
                during()
            if name == self.stuck_at:
                await Forever()
            result = await getattr(self.inner, name)(*args, **kwargs)
            self.done.append((name, *args))
            if self.before_answer is not None:
                happens, self.before_answer = self.before_answer, None
                happens()
            if self.loses_answers or name == self.loses_answers_of:
                raise errors.StoreUnavailable("the answer was lost")
            return result

        return operation


class Outage(World):
    """A world whose store can fail. This process has `seen` some sessions alive in it just now."""

    def __init__(self, *answers, seen=(ALICE, BOB), shared: Fragile | None = None, **changes) -> None:
        super().__init__(*answers, **changes)
        self.shared = shared or Fragile(self.memory)
        self.inner = self.shared.inner
        memory = MemoryStore(clock=self.clock, requests_per_second=30)
        self.fallback = self.new_process(memory)
        self.store = self.fallback.operations(blocking=True)
        for principal in seen:
            self.see(principal)

    def new_process(self, memory: MemoryStore | None = None) -> FallbackStore:
        """Return the store as another process has it."""
        return FallbackStore(
            self.shared,
            memory or MemoryStore(clock=self.clock, requests_per_second=30),
            clock=self.clock,
            telemetry=Silence(),
            outage_trust=self.settings.outage_trust,
        )

    def see(self, principal: Principal) -> None:
        """Have the store answer as for a session that is alive, and leave no token there."""
        slot = self.engine.tokens.slot(principal)
        claim = run(self.store.claim(slot, principal, owner="me", seconds=1, min_life=0))
        if isinstance(claim, Claimed):
            run(self.store.abandon(claim.lease))

    def peek(self, principal: Principal) -> AccessToken | None:
        """Return what the protected store has for a caller who does not mint."""
        return run(self.store.peek(self.engine.tokens.slot(principal), principal))

    def back(self) -> None:
        """Let the store answer again, and so much time pass that its next answer ends the outage."""
        self.shared.is_down = False
        self.now += STEADY + 1


def after_an_outage(*subjects: Subject) -> Outage:
    """Return a world after an outage in which each of these got a token that the store does not know."""
    world = Outage(numbered())
    world.shared.is_down = True
    for subject in subjects:
        world.value(subject)
    world.back()
    return world


AGAIN = Principal("alice", session_id="alice-2")
ENDINGS = {
    "end_session": lambda store: store.end_session(ALICE),
    "end_user": lambda store: store.end_user("alice"),
    "end_everything": lambda store: store.end_everything(),
}
"""What ends the session of ALICE."""


def while_missing(ending: str) -> Outage:
    """Return a world in an outage in which the store, which has ALICE's token, has missed an ending."""
    world = Outage(numbered())
    world.value()
    world.shared.is_down = True
    run(ENDINGS[ending](world.store))
    return world


def after_missing(ending: str) -> Outage:
    """Return the same world when the store answers again."""
    world = while_missing(ending)
    world.back()
    return world


def after_missing_many(endings: int) -> Outage:
    """Return a world after an outage in which so many users ended: user-0, user-1 and so on."""
    world = Outage(numbered())
    world.shared.is_down = True
    for number in range(endings):
        run(world.store.end_user(f"user-{number}"))
    world.back()
    return world
