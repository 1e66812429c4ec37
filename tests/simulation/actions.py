"""Actions: what the callers of a scenario do. Each is one call of the engine, announced to the judge.

An actor plays the actions of its script one after the other. Between two of them there is no step.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from monite_auth import AccessToken, Principal
from monite_auth.broker import ASSUMED_LIFE
from monite_auth.errors import MoniteAuthError
from monite_auth.identity import PARTNER, Subject
from tests.simulation.account import PEOPLE
from tests.simulation.process import Actor, Process
from tests.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = [
    "Action",
    "Call",
    "Drain",
    "EndEverything",
    "EndPartnerToken",
    "EndUser",
    "Job",
    "Login",
    "Logout",
    "Reject",
    "Relink",
    "Revoke",
    "Sleep",
    "Token",
    "play",
]


class Caller:
    """Plays a script. `bearer`: the token that each principal was last given in it."""

    __slots__ = ("bearer", "engine", "judge", "people", "runtime", "world")

    def __init__(self, world: World, process: Process) -> None:
        self.world = world
        self.engine = process.engine
        self.judge = process.account.judge
        self.people = process.account.people
        self.runtime = process.runtime
        self.bearer: dict[Subject, AccessToken] = {}


class Action(Protocol):
    """Something that a caller does."""

    async def play(self, caller: Caller) -> None:
        """Do it."""


@dataclass(frozen=True, slots=True)
class Token:
    """Ask for a token, or for the partner's."""

    who: Subject
    min_ttl: float = 0.0

    async def play(self, caller: Caller) -> None:
        judge, actor = caller.judge, _actor(caller.world)
        judge.call_begins(actor, "token", self.who, self.min_ttl)
        try:
            token = await caller.engine.tokens.token(caller.runtime, self.who, self.min_ttl)
        except MoniteAuthError as error:
            judge.call_fails(actor, error)
        else:
            judge.call_returns(actor, token)
            caller.bearer[self.who] = token


@dataclass(frozen=True, slots=True)
class Call:
    """Make a call of Monite's API in the request budget, and give up where its turn comes too late."""

    who: Subject

    async def play(self, caller: Caller) -> None:
        judge, actor = caller.judge, _actor(caller.world)
        judge.call_begins(actor, "call", self.who)
        try:
            token = await caller.engine.tokens.token_in_turn(caller.runtime, self.who)
        except MoniteAuthError as error:
            judge.call_fails(actor, error)
        else:
            judge.call_returns(actor, token)
            judge.budget.request_leaves(actor)


@dataclass(frozen=True, slots=True)
class Job:
    """Ask for a token for a job of a user, dated by this host's wall clock (`broker.for_job`), and once more after a pause."""

    user: str
    pause: float

    async def play(self, caller: Caller) -> None:
        actor = _actor(caller.world)
        who = Principal(self.user, authenticated_at=actor.process.host.time())
        if caller.world.observe is not None:
            actor.seen.append(who.began_at)
        await Token(who).play(caller)
        await Sleep(self.pause).play(caller)
        await Token(who).play(caller)


@dataclass(frozen=True, slots=True)
class Reject:
    """Say that Monite does not accept the token that the script was last given."""

    who: Subject

    async def play(self, caller: Caller) -> None:
        token: AccessToken | None = caller.bearer.get(self.who)
        if token is not None:
            await caller.engine.tokens.reject(caller.runtime, self.who, token)


@dataclass(frozen=True, slots=True)
class Login:
    """Begin a session."""

    who: Principal

    async def play(self, caller: Caller) -> None:
        await _call(caller, "login", self.who, caller.engine.endings.login(caller.runtime, self.who))


@dataclass(frozen=True, slots=True)
class Logout:
    """End a session."""

    who: Principal

    async def play(self, caller: Caller) -> None:
        await _call(caller, "logout", self.who, caller.engine.endings.logout(caller.runtime, self.who))


@dataclass(frozen=True, slots=True)
class EndUser:
    """End all sessions of a user."""

    user: str

    async def play(self, caller: Caller) -> None:
        ending = caller.engine.endings.end_user(caller.runtime, self.user)
        await _call(caller, "end_user", Principal(self.user), ending)


@dataclass(frozen=True, slots=True)
class EndEverything:
    """End everything of the account, and drain for a while."""

    within: float = 1.0

    async def play(self, caller: Caller) -> None:
        ending = caller.engine.endings.end_everything(caller.runtime, within=self.within)
        await _call(caller, "end_everything", PARTNER, ending)


@dataclass(frozen=True, slots=True)
class EndPartnerToken:
    """Take the partner token away."""

    async def play(self, caller: Caller) -> None:
        await _call(
            caller, "end_partner_token", PARTNER, caller.engine.endings.end_partner_token(caller.runtime)
        )


@dataclass(frozen=True, slots=True)
class Revoke:
    """Revoke the token that the script was last given. `as_text`: nothing else of it is known."""

    who: Subject
    as_text: bool = False

    async def play(self, caller: Caller) -> None:
        token: AccessToken | None = caller.bearer.get(self.who)
        if token is None:
            return
        if self.as_text:
            clock = caller.runtime.clock
            token = AccessToken.granted(
                token.value, life=ASSUMED_LIFE, sent_at=clock(), jitter=0.5, clock=clock
            )
        await _call(caller, "revoke", PARTNER, caller.engine.endings.revoke(caller.runtime, token))


@dataclass(frozen=True, slots=True)
class Relink:
    """Link a user to somebody else: the application's directory changes, and then it tells us."""

    user: str
    tenant: str | None = None

    async def play(self, caller: Caller) -> None:
        world, other = caller.world, PEOPLE["alice", "elsewhere"]

        def change() -> None:
            caller.judge.link_changes(self.user, self.tenant, other.entity_user_id)
            caller.people[self.user, self.tenant] = other

        await world.act("the directory changes", change)
        relinking = caller.engine.endings.relink(caller.runtime, self.user)
        await _call(caller, "relink", Principal(self.user), relinking)


@dataclass(frozen=True, slots=True)
class Drain:
    """Work on the pending revocations."""

    within: float = 1.0

    async def play(self, caller: Caller) -> None:
        await caller.engine.drainer.drain(caller.runtime, within=self.within)


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing for some seconds."""

    seconds: float

    async def play(self, caller: Caller) -> None:
        await caller.runtime.sleep(self.seconds)


async def play(world: World, process: Process, actions: Iterable[Action]) -> None:
    """Play one action after the other."""
    caller = Caller(world, process)
    for action in actions:
        await action.play(caller)


async def _call(caller: Caller, kind: str, who: Subject, call: "Coroutine[object, object, object]") -> None:
    actor = _actor(caller.world)
    caller.judge.call_begins(actor, kind, who)
    try:
        await call
    except Exception as error:  # noqa: BLE001 - the judge allows none of any kind
        caller.judge.call_fails(actor, error)
    else:
        caller.judge.call_returns(actor, None)


def _actor(world: World) -> Actor:
    actor = world.running
    assert actor is not None
    return actor
