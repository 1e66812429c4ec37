"""What a store promises, operation by operation. `monite_auth.testing.StoreContract` tests all of it.

A store decides and a flow acts. Each operation is one atomic step: one lock in memory, one transaction in SQLite, one
script in Redis. No operation sends anything to Monite.

Operations are `async def`. A store gives them in two forms (`Store.operations`): a *blocking* one, whose awaits never
suspend, for threads; and one for event loops. Where an operation does no I/O, both can be the same object.

Every operation may raise StoreUnavailable when the store cannot be reached, and ConfigurationError when it can be
reached and must not be used: its content belongs to another program, or opens with none of the keys. Operations that
write may raise StoreReadOnly when the store answers and takes no writes, since it is full, say.

*Times.* A token's times are of the caller's clock. A store for several hosts turns them into durations on the way in,
counts with one clock of its own, and turns them back on the way out.

*The fence.* An ending reaches into the future. A mint in flight keeps its lease, so that no second one starts beside
it, but the lease is *fenced*: the token that it brings becomes a pending revocation at once.

*Known sessions.* `begin_session` and `claim` write a session down. So `end_user` can end sessions that nobody names,
and `peek` needs no second read.

*Accounts.* Everything in a store belongs to an account, a partner at one of Monite's environments: tokens, sessions,
endings, notes, leases, cooldowns, pending revocations and the request budget. `Store.of` returns the store as one account
sees it. What a store held before there were accounts belongs to the account that opens it first.

*Dates.* A known session is judged by its name alone. An unknown one is judged by the principal's date: it must be younger
than the last ending of all the user's sessions, and than the time for which endings are remembered. Dates are
wall-clock time, and a store brings them into its own (`dates`).

*Late beginnings and endings.* A process that could not reach the store tells it of a login or an ending later, `ago` seconds after
it happened. Sessions that began since an ending go on, in whichever order the store hears of the two. A session began when the store first knew it, or at its date if that is earlier and nobody reported
its login. Where a store cannot tell, the session ends. The tokens of all sessions are taken away in any case: those that go on
mint again. Moments of endings only move forward.

*The same value again.* Monite may answer with a token that it has given before. A value that is revoked, or about to
be, is never stored again (`Committed.DOOMED`). A value that another slot still hands out is not revoked (`condemn`).

*Bounds.* However many requests one user sends, a store keeps a bounded amount of them (`bounds`). Where a slot has too many
superseded tokens, the oldest become pending revocations. Where a user has tokens in too many slots, those of the slots that
were minted for longest ago do. Where a user has too many known sessions, those that were written down
longest ago are let go: they are unknown again, and judged by their dates. Where a user has too many endings, the oldest are
forgotten, and every unknown session from before them has ended. A user's unknown session without a date cannot be told from one
that was let go: it has ended after `end_user` of such a user, and when an ending was forgotten.

*Notes* are what others keep in a store for a while: a directory's answer, say. They are no tokens, and no ending
removes them; only `delete_note` and time do.
"""

from typing import NamedTuple, Protocol, Self

from monite_auth.identity import Partner, Principal, Subject
from monite_auth.stores.budget import Admission, Priority, Ticket
from monite_auth.stores.values import (
    Claim,
    Committed,
    Cooldown,
    Due,
    Everything,
    Lease,
    Name,
    Overview,
    Page,
    Pending,
    Remembered,
    SessionState,
    Slot,
    Status,
)
from monite_auth.tokens import AccessToken, Secret

__all__ = [
    "BudgetOperations",
    "CallOperations",
    "CopyOperations",
    "InTurn",
    "NoteOperations",
    "Operations",
    "RevocationOperations",
    "SessionOperations",
    "StatusOperations",
    "Store",
    "TokenOperations",
]


class TokenOperations(Protocol):
    """One token for each slot, and one mint at a time."""

    async def peek(self, slot: Slot, principal: Subject) -> AccessToken | None:
        """Return the slot's token while it is valid, and the principal's session is known and has not ended.

        This is the hot path: one read, no write, and no lock that a mint holds.
        """

    async def claim(
        self, slot: Slot, principal: Subject, *, owner: str, seconds: float, min_life: float
    ) -> Claim:
        """Take the right to mint for `seconds`, unless the slot has a token with `min_life` seconds left.

        Writes the principal's session down as known. `owner` names a process; it may claim again what it holds. That
        renews the lease and voids the earlier one, since its holder may have died with its event loop.
        """

    async def commit(self, lease: Lease, token: AccessToken) -> Committed:
        """Store a token that was minted under `lease`. The slot's earlier token becomes superseded, within MOST_SUPERSEDED.

        A token that cannot be stored becomes a pending revocation in the same step, unless its value is known to be
        revoked. The lease is used up, except after DOOMED: then it is still in force.
        """

    async def abandon(self, lease: Lease, cooldown: Cooldown | None = None) -> None:
        """Give the lease back, if it is still in force. A `cooldown` keeps others from trying at once."""

    async def discard(self, slot: Slot, fingerprint: str) -> None:
        """Stop handing out the slot's token if it has this fingerprint, since Monite rejected it.

        The token becomes superseded: the next logout revokes it all the same, in case the rejection was a mistake.
        """


class SessionOperations(Protocol):
    """The beginnings of sessions, and all ways to end them or to take tokens away."""

    async def begin_session(self, principal: Principal, *, ago: float = 0.0) -> None:
        """Write the principal's session down as known: it has begun `ago` seconds ago, whatever its date says.

        Does nothing for a principal without a session id, and for a session that has ended. One whose user has ended all
        sessions since it began ends now, as by `end_session`.
        """

    async def session_state(self, principal: Principal) -> SessionState:
        """Say how the principal's session stands. It only reads: a store that takes no writes still answers."""

    async def end_session(self, principal: Principal, *, ago: float = 0.0) -> int:
        """End the principal's session, `ago` seconds ago, and return how many tokens became pending revocations.

        Fences the user's mints and takes away the live and superseded tokens of the session, in every tenant. Tokens
        that the user's sessions share are taken away too; the other sessions mint again.

        A principal with a session id ends that session. One with only `authenticated_at` ends every session of the
        user that began before now and has no id, and any that began at the very same moment.
        """

    async def end_user(self, user: str, *, ago: float = 0.0) -> int:
        """End every session of the user, as `end_session` does with one."""

    async def end_everything(self, *, ago: float = 0.0) -> Everything:
        """End every session of every user, `ago` seconds ago, and take away every token of the account, the partner's included.

        Where parts of a store fail by themselves, it ends everything in the others, and raises StoreUnavailable with what is
        `left`. Then it is called with `left` as an argument, to go on there.
        """

    async def relink(self, user: str | Partner) -> int:
        """Fence the user's mints, take away all their tokens, and end their cooldowns. Sessions go on.

        Returns how many tokens became pending revocations. PARTNER has tokens and no sessions.
        """

    async def revoke(self, token: AccessToken) -> int:
        """Stop handing out this token's value in every slot, and make it a pending revocation, even if no slot has it.

        Returns how many slots had it.
        """


class RevocationOperations(Protocol):
    """The pending revocations, each given to one drainer at a time."""

    async def due(self, limit: int, *, seconds: float) -> Due:
        """Give at most `limit` revocations to the caller for `seconds`. After that they are due again."""

    async def condemn(self, pending: Pending) -> bool:
        """Decide that the token is revoked now. From then on its value is not stored any more.

        Returns False where another slot of the account still hands the same value out, or where the revocation is
        settled. It is off the list then.
        """

    async def settle(self, pending: Pending) -> None:
        """Take a revocation off the list: its token is known to be dead."""

    async def postpone(self, pending: Pending, seconds: float) -> None:
        """Make a revocation due again in `seconds`, and count the failed attempt."""


class NoteOperations(Protocol):
    """Short texts about a user, kept for a while."""

    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """Keep a note for `seconds`. It replaces the user's earlier note of this name."""

    async def get_note(self, user: str, name: str) -> str | None:
        """Return the user's note of this name, or None when there is none or its time is over."""

    async def delete_note(self, user: str, name: str) -> None:
        """Delete the user's note of this name, if there is one."""


class BudgetOperations(Protocol):
    """The request budget that all processes share; `budget.Budget` has its rules."""

    async def admit(self, priority: Priority, ticket: Ticket | None, *, patience: float) -> Admission:
        """Ask for one request, and return how long to wait before sending it.

        `ticket` is what an earlier call returned; `patience` is how many seconds the caller can wait.
        """

    async def hold(self, seconds: float, *, throttled: bool = False) -> None:
        """Keep everybody from sending for `seconds`, since Monite asked for it.

        `throttled`: Monite has refused a request as one too many, so everybody also goes on at a lower pace.
        """

    async def lower_limit(self, requests_per_second: float) -> None:
        """Keep everybody to a limit that Monite's answer has named, until none has named it for a while.

        It never raises the limit of the settings.
        """


class InTurn(NamedTuple):
    """What a call finds: the token, and at the same moment a turn in the request budget. The turn is None where none was asked for."""

    token: AccessToken | None
    admission: Admission | None


class CallOperations(Protocol):
    """What a call within the request budget asks, in one step where the store can."""

    async def peek_in_turn(self, slot: Slot, principal: Subject, *, patience: float) -> InTurn:
        """Peek, and where there is a token, ask for one request with the priority of a call, at the same moment.

        A store that cannot do both at one moment only peeks. `patience`: see `BudgetOperations.admit`.
        """


class StatusOperations(Protocol):
    """Reads for people who look after the application."""

    async def status(self, user: str) -> Status:
        """Return how many live tokens the user has."""

    async def backlog(self) -> int:
        """Return how many revocations are pending, of all users of the account."""

    async def overview(self, *, count_live: bool = True) -> Overview:
        """Return what there is of all users of the account, and how the request budget stands. It may take a while.

        `count_live`: whether to count live tokens, which takes longest; metrics do without.
        """


class CopyOperations(Protocol):
    """Reads for `monite-auth store copy`. A store that cannot be copied has none of them.

    A page is what there was at one moment, and the next one is of a later moment: what comes in between is found by the next copy.
    """

    async def names_key(self) -> Secret:
        """Return the key that makes names of users, sessions and tokens of the account."""

    async def remembered(self, after: str | None = None) -> Page[Remembered]:
        """Return what is remembered of sessions: known ones, ended ones, and from before when all of a user or of everybody have ended."""

    async def pending(self, after: str | None = None) -> Page[Pending]:
        """Return pending revocations, whether they are due or not, and whoever works on them. Tokens that have expired are none."""

    async def holders(self, after: str | None = None) -> Page[Name]:
        """Return the users, the partner too, who have tokens or for whom somebody mints."""


class Operations(
    TokenOperations,
    SessionOperations,
    RevocationOperations,
    NoteOperations,
    BudgetOperations,
    CallOperations,
    StatusOperations,
    Protocol,
):
    """All operations of a store. PARTNER never logs out. It is never None: that would be an anonymous visitor."""


class Store(Protocol):
    """A place for tokens, used by threads and by event loops.

    `is_shared` says whether other processes find there what this one keeps. A broker then keeps this process's memory beside
    the store, for when it is down.
    """

    @property
    def is_shared(self) -> bool:
        """Return the same for all stores of a kind; a class attribute will do."""

    def of(self, account: str) -> Self:
        """Return this store as the account sees it; connections are shared.

        A store that was built for no account belongs to the first that asks, or to "" once it is used.
        """

    def operations(self, *, blocking: bool) -> Operations:
        """Return the operations for threads (`blocking`), or for the running event loop."""

    def reopen(self) -> None:
        """Open what is sealed again at the next operation, since the keys have changed. Does not wait."""

    def close(self) -> None:
        """Close the files and connections that threads used."""

    async def aclose(self) -> None:
        """Close the files and connections that the running event loop used."""
