"""What a store promises: every operation, and every answer it may give.

A store decides; flows do what was decided. Each operation is one atomic step: under one lock in memory, one
transaction in SQLite, one script in Redis. No operation asks Monite anything.

Operations are `async def`. A store gives them in two forms (`operations`): a *blocking* one whose awaits never
suspend, for threads, and one for event loops. Where an operation does no I/O, both are the same object.

Times in tokens are of the caller's clock. A store that serves several hosts turns them into durations on the way
in and back on the way out, and counts with one clock of its own.

Some things here differ from the usual cache:

*The fence.* `end_session` and its sisters reach into the future: a mint that is in flight keeps its lease, so that
no second one starts beside it, but the lease is *fenced*, and what it brings goes straight to the pending
revocations.

*Known sessions.* A session gets tokens after its first `claim`, which writes it down. So `end_user` can end
sessions that it was never told of, and `peek` needs no second look-up.

*Accounts.* Everything in a store belongs to an account, a partner at one of Monite's environments: tokens, sessions,
endings, notes, leases, rests, pending revocations and the request budget. `Store.of` returns the store as one account sees
it. What a store held before there were accounts belongs to the account that opens it first.

*Dates.* A session that the store knows, from its beginning or its first claim, is judged by its name alone. What it does
not know yet is judged by the principal's date: it must be younger than the last ending of all the user's sessions, and
than the time for which endings are remembered. Those dates, and the moments of endings, are wall-clock time; which
clock that is, each store says.

*The same value again.* Monite may answer with a token that it has given before. A value that is revoked, or about to be,
is stored nowhere any more (`Committed.DOOMED`), and one that another slot still hands out is not revoked (`condemn`).

Besides tokens a store keeps *notes*: what a directory wants to remember of a user for a while. Nothing but `forget`
and time ends a note: it is no token.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol, Self

from monite_auth.identity import PARTNER, Partner, Principal, Subject
from monite_auth.stores.budget import Admission, Priority, Ticket
from monite_auth.tokens import AccessToken, Secret

__all__ = [
    "PARTNER_SLOT",
    "Busy",
    "Claim",
    "Claimed",
    "Committed",
    "Due",
    "Ended",
    "Everything",
    "Hit",
    "Lease",
    "Operations",
    "Pending",
    "Rest",
    "Resting",
    "Slot",
    "Status",
    "Store",
]


class Slot(NamedTuple):
    """The place of one token: a user's, in a tenant, and for one session where each has a token of its own.

    `kind`: "partner" for a partner token that is kept for the user, so that it is never taken for the user's own.
    """

    user: str | Partner
    tenant: str | None
    session: str | None
    kind: str | None = None


PARTNER_SLOT = Slot(PARTNER, None, None)
"""The place of the partner token."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to mint for a slot, until it runs out or is claimed anew."""

    slot: Slot
    id: str


def void_lease(slot: Slot) -> Lease:
    """Return a lease that no store gives: a token that comes under it is a pending revocation at once."""
    return Lease(slot, "void")


@dataclass(frozen=True, slots=True)
class Rest:
    """Why nobody should try for a while, in a form that other processes can turn into the same error.

    `monite_message`: what Monite said, or the fields that it was about. `everyone`: the reason is not this slot's: no
    slot should try.
    """

    seconds: float
    code: str
    message: str
    request_id: str | None = None
    monite_status: int = 0
    monite_message: str = ""
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """There is a token that is good enough."""

    token: AccessToken


@dataclass(frozen=True, slots=True)
class Claimed:
    """The caller mints; everybody else waits."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Busy:
    """Another owner mints; its lease runs out in `retry_in` seconds at the latest."""

    retry_in: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The session gets no more tokens: it has ended, or began so long ago (`too_old`) that nobody knows whether it has."""

    too_old: bool = False


@dataclass(frozen=True, slots=True)
class Resting:
    """A mint failed a moment ago; the next try is allowed in `retry_in` seconds."""

    retry_in: float
    why: Rest


@dataclass(frozen=True, slots=True)
class Status:
    """How many tokens of a user are handed out at the moment, and when the last of them expires."""

    live: int
    expires_at: float | None


class Committed(Enum):
    """What became of a token that was committed."""

    STORED = "stored"
    """It is the slot's."""
    FENCED = "fenced"
    """The lease was fenced, void or gone: the token is pending revocation."""
    DOOMED = "doomed"
    """Its value has been revoked, or is about to be: it must not be used, and nothing more has to be done about it."""


@dataclass(frozen=True, slots=True)
class Everything:
    """What was ended when everything of an account was: how many sessions that were known, and how many tokens."""

    sessions: int
    tokens: int


Claim = Hit | Claimed | Busy | Ended | Resting


@dataclass(frozen=True, slots=True)
class Pending:
    """A token that must be revoked, given to one drainer. `attempts` counts the failed tries so far."""

    id: str
    token: Secret
    expires_at: float
    attempts: int


@dataclass(frozen=True, slots=True)
class Due:
    """Revocations for one drainer, how many had expired meanwhile, and in how many seconds there is more."""

    batch: list[Pending]
    expired: int
    next_in: float | None


class Operations(Protocol):
    """The operations of a store. PARTNER never logs out; it is never None, which would be an anonymous visitor."""

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """Return the slot's token while it is valid and the principal's session is known and has not ended.

        This is the hot path: one read, no write, no lock that a mint holds.
        """

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """Take the right to mint for `seconds`, unless there is a token with `min_life` seconds left.

        Writes the principal's session down as known. `owner` may claim again what it holds: that renews its lease
        and voids the earlier one, whose holder may have died.
        """

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """Store what was minted under `lease`; the token that was there becomes superseded.

        Where that cannot be, the token is pending revocation, or known to be revoked, in the same step. After DOOMED the
        lease is still in force.
        """

    async def abandon(self, lease: Lease, rest: Rest | None = None) -> None:
        """Give the lease back, if it is still the slot's; `rest` keeps others from trying at once."""

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """Stop handing out the token with this fingerprint.

        It becomes superseded: the next logout revokes it all the same, in case that Monite's refusal was no more
        than a hiccup.
        """

    async def begin_session(self, principal: Principal) -> None:
        """Write the principal's session down as known: it has just begun, whatever its date says.

        A principal without a session id has nothing to be known by.
        """

    async def end_session(self, principal: Principal) -> int:
        """End the principal's session: fence mints, make its live and superseded tokens pending, in every tenant.

        A principal with a session id ends that session; one with only `authenticated_at` ends everything of the
        user that logged in before now and is not known by an id, and whatever has the very same date. Tokens that the user's sessions share are revoked too; the others mint
        again. Return how many tokens are pending by it.
        """

    async def end_user(self, user: str) -> int:
        """End every session of the user, in every tenant, as `end_session` does with one."""

    async def relink(self, user: str | Partner) -> int:
        """Fence mints, make all tokens of the user pending, and end their slots' rests; sessions go on.

        PARTNER has tokens and no sessions.
        """

    async def end_everything(self) -> Everything:
        """End every session of every user, and take away every token of the account, the partner's included."""

    async def revoke(self, token: AccessToken) -> int:
        """Stop handing this value out, in whatever slots it is, and make it pending; so it is, too, if no slot has it.

        Return how many slots had it.
        """

    async def due(self, limit: int, *, seconds: float) -> Due:
        """Give at most `limit` revocations to the caller for `seconds`; then they are due again."""

    async def condemn(self, pending: Pending) -> bool:
        """Decide that a token will be revoked now; after that, its value is not stored any more.

        Return False where another slot of the account still hands the same value out: then it is off the list.
        """

    async def settle(self, pending: Pending) -> None:
        """Take a revocation off the list: its token is known to be dead."""

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """Make a revocation due again in `seconds`."""

    async def remember(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """Keep a note of the user's by this name for `seconds`, in the place of the one before."""

    async def recall(self, user: str, name: str) -> str | None:
        """Return the user's note by this name, while its time is not over."""

    async def forget(self, user: str, name: str) -> None:
        """Drop the user's note by this name, if there is one."""

    async def status(self, user: str) -> Status:
        """Say what the store has of a user, for people who look after the application."""

    async def backlog(self) -> int:
        """Return how many revocations are pending, of all users."""

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """Ask the request budget for one request; see `budget`."""

    async def hold(self, seconds: float) -> None:
        """Keep everybody from sending for `seconds`: Monite said so."""


class Store(Protocol):
    """A place that keeps all of the above, for threads and for event loops."""

    def of(self, account: str) -> Self:
        """Return this store as the account sees it; connections are shared.

        A store that was built for no account belongs to the first that asks, or to "" once it is used.
        """

    def operations(self, *, blocking: bool) -> Operations:
        """Return the operations for threads, or for the running event loop."""

    def reopen(self) -> None:
        """Have what is sealed opened again by the next operation, since the keys have changed; wait for nothing."""

    def close(self) -> None:
        """Let go of files and connections that threads used."""

    async def aclose(self) -> None:
        """Let go of files and connections that the running event loop used."""
