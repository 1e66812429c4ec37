"""What a store's operations take and return: slots, leases, answers to a claim, pending revocations.

Plain values without behaviour. `protocol` has the operations, `budget` the values of the request budget.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

from monite_auth.identity import PARTNER, Partner, Principal
from monite_auth.processes.awaited import Awaited
from monite_auth.tokens import AccessToken, Secret

__all__ = [
    "PARTNER_SLOT",
    "Busy",
    "Claim",
    "Claimed",
    "Committed",
    "Cooldown",
    "CoolingDown",
    "Due",
    "Ended",
    "Everything",
    "Hit",
    "Lease",
    "Name",
    "Overview",
    "Page",
    "Pending",
    "Remembered",
    "SessionState",
    "Slot",
    "Status",
]


class Slot(NamedTuple):
    """The place of one token: a user's, in a tenant, and of one session where each session has its own token.

    `kind` is "partner" for a partner token that is kept for a user, so that it is never taken for the user's own.
    """

    user: str | Partner
    tenant: str | None
    session: str | None
    kind: str | None = None


PARTNER_SLOT = Slot(PARTNER, None, None)
"""The place of the partner token."""


class Lease(NamedTuple):
    """The right to mint for a slot. It lasts until it runs out or somebody claims the slot again."""

    slot: Slot
    id: str

    @classmethod
    def void(cls, slot: Slot) -> "Lease":
        """Return a lease that no store gives: a token that is committed under it becomes a pending revocation."""
        return cls(slot, "void")


class Cooldown(NamedTuple):
    """Why nobody should try to mint for some `seconds`. Other processes turn it into the same error.

    `code` is the error's. `monite_message` is what Monite said, or the fields that it complained about. `everyone`
    means that no slot should try: the cause is not this slot's, refused credentials say.
    """

    seconds: float
    code: str
    message: str
    request_id: str | None = None
    monite_status: int = 0
    monite_message: str = ""
    everyone: bool = False


# -- the answers to a claim


class Hit(NamedTuple):
    """The slot has a token with enough life left."""

    token: AccessToken


class Claimed(NamedTuple):
    """The caller mints under this lease, and everybody else waits."""

    lease: Lease


class Busy(NamedTuple):
    """Another owner mints. Its lease runs out in `retry_in` seconds at the latest.

    `mint`: finishes when that mint may be over, where the store hears of it. The caller asks again then, and once in a while before.
    """

    retry_in: float
    mint: Awaited | None = None


class Ended(NamedTuple):
    """The session gets no more tokens.

    It has ended; or it is `too_old`: it began so long ago that nobody remembers whether it has.
    """

    too_old: bool = False


class CoolingDown(NamedTuple):
    """A mint failed a moment ago. The next try is allowed in `retry_in` seconds."""

    retry_in: float
    why: Cooldown


Claim = Hit | Claimed | Busy | Ended | CoolingDown


class SessionState(Enum):
    """How a session stands, as far as a store can tell by reading."""

    ALIVE = "alive"
    """It is known, or its date is younger than all endings, or nothing could end it."""
    UNKNOWN = "unknown"
    """Its name is not known, and it has no date. A claim would write it down."""
    ENDED = "ended"
    """It has ended."""
    TOO_OLD = "too old"
    """It is not known, and began so long ago that nobody remembers whether it has ended."""

    @classmethod
    def of(cls, principal: Principal, ending: Ended | None, *, is_known: bool) -> "SessionState":
        """Return the state of a principal's session. `ending`: what a claim would be answered, if it has ended."""
        if ending is not None:
            return cls.TOO_OLD if ending.too_old else cls.ENDED
        has_date, has_id = principal.began_at is not None, principal.session_id is not None
        return cls.ALIVE if is_known or has_date or not has_id else cls.UNKNOWN


# -- what became of tokens


class Committed(Enum):
    """What became of a token that was committed."""

    STORED = "stored"
    """The slot has it."""
    FENCED = "fenced"
    """The lease was fenced, void or gone: the token is a pending revocation."""
    DOOMED = "doomed"
    """Its value has been revoked or is about to be. It must not be used, and nothing more has to be done about it."""


class Everything(NamedTuple):
    """How many known sessions, and how many tokens, were ended with everything of an account.

    `is_owed`: the store has not heard of it yet; the counts are those of this process.
    """

    sessions: int
    tokens: int
    is_owed: bool = False


class Pending(NamedTuple):
    """A token that must be revoked, given to one drainer. `attempts` counts the failed tries so far."""

    id: str
    token: Secret
    expires_at: float
    attempts: int


class Due(NamedTuple):
    """Revocations for one drainer.

    `expired`: how many were dropped because their tokens had expired. `next_in`: in how many seconds more are due;
    None when nothing is pending.
    """

    batch: list[Pending]
    expired: int
    next_in: float | None


# -- what one store tells another


Item = TypeVar("Item")


class Name(str):
    """The name that a store has for a user or a session: a digest, whose text nobody knows any more.

    Operations take it in place of the text, from whoever copies a store into another one that makes the same names.
    """

    __slots__ = ()


class Remembered(NamedTuple):
    """What a store remembers of a session; of all sessions of a user, without `session`; of everybody's, without `user`, too.

    `has_ended`: the session has ended; or else it is known and began `ago` seconds ago. All sessions of a user or of everybody have ended
    that began more than `ago` seconds ago.
    """

    user: Name | None
    session: Name | None
    has_ended: bool
    ago: float


class Page(NamedTuple, Generic[Item]):
    """Some of many items, and what to ask for the next page with; None after the last."""

    items: list[Item]
    next: str | None


class Status(NamedTuple):
    """How many live tokens a user has, and when the last of them expires (epoch seconds)."""

    live: int
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    """What a store has of an account.

    `live`: how many tokens are handed out; None where there are too many users to count, or nobody asked. `pending`: how many revocations are
    pending; `oldest`: for how many seconds the oldest of them has been, None where nothing is. `held_for`: for how many seconds
    nobody may send, since Monite asked for it; `rate`: how many requests a second may leave otherwise.
    """

    live: int | None
    pending: int
    oldest: float | None
    held_for: float
    rate: float
