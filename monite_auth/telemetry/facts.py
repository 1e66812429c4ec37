"""What the engine and the stores tell of: plain values. A fact says what happened, and nothing of who wants to know it.

Facts hold people and tokens, since events are about them. Metrics and spans take only the words from short lists.
"""

from typing import NamedTuple

from monite_auth.identity import Partner, Principal, Subject
from monite_auth.monite_api.answers import Fault
from monite_auth.monite_api.outcomes import (
    Astray,
    BadCredentials,
    Gone,
    Granted,
    Refused,
    Revoked,
    Throttled,
    Unusable,
)
from monite_auth.tokens import Secret

__all__ = [
    "AnsweredInOutage",
    "CallRefused",
    "CooldownBegan",
    "EndingOwed",
    "EventsDropped",
    "Fact",
    "Held",
    "MintCommitted",
    "MintTried",
    "OutageChanged",
    "OwedChanged",
    "RenewalEnded",
    "RevocationTried",
    "RevocationsExpired",
    "SecretsChanged",
    "StoreFailed",
    "StoreWaited",
    "TokensEnded",
    "TurnTaken",
    "WaitEnded",
]


MintOutcome = Granted | Unusable | BadCredentials | Refused | Astray | Throttled | Fault
RevokeOutcome = Revoked | Gone | BadCredentials | Refused | Throttled | Fault


def _name(outcome: MintOutcome | RevokeOutcome) -> str:
    return type(outcome).__name__.lower()


class MintTried(NamedTuple):
    """One attempt to mint is over, after so many `seconds`.

    `outcome`: granted, unusable, refused, astray, badcredentials, throttled, fault. `value`, `life`: the token that Monite gave,
    and its life in seconds.
    """

    subject: Subject
    outcome: str
    seconds: float
    value: Secret | None = None
    life: float | None = None
    request_id: str | None = None

    @classmethod
    def of(
        cls, subject: Subject, outcome: MintOutcome, seconds: float, request_id: str | None
    ) -> "MintTried":
        """Return the fact of an attempt that ended with this answer."""
        name = _name(outcome)
        if isinstance(outcome, Granted | Unusable):
            return cls(subject, name, seconds, outcome.value, outcome.life, request_id)
        return cls(subject, name, seconds, request_id=request_id)


class MintCommitted(NamedTuple):
    """The store was given a new token. `outcome`: stored, fenced (by an ending), doomed (revoked before)."""

    subject: Subject
    outcome: str
    value: Secret


class CooldownBegan(NamedTuple):
    """A mint failed in a way that keeps others from trying. `code`: the error's. `everyone`: it is for all slots."""

    code: str
    everyone: bool


class WaitEnded(NamedTuple):
    """A caller waited `seconds` for a mint, its own or another's. `outcome`: token, or the code of the error."""

    outcome: str
    seconds: float


class RenewalEnded(NamedTuple):
    """A renewal in the background is over. `outcome`: renewed, failed."""

    outcome: str


class RevocationTried(NamedTuple):
    """One attempt to revoke is over. `outcome`: revoked, gone, refused, badcredentials, throttled, fault."""

    outcome: str
    value: Secret
    request_id: str | None = None

    @classmethod
    def of(cls, outcome: RevokeOutcome, value: Secret, request_id: str | None) -> "RevocationTried":
        """Return the fact of an attempt that ended with this answer."""
        return cls(_name(outcome), value, request_id)


class RevocationsExpired(NamedTuple):
    """So many tokens expired before they could be revoked."""

    tokens: int


class TokensEnded(NamedTuple):
    """Tokens were taken away. `reach`: session, user, relink, partner, token, everything.

    `subject`: whose: a principal, the id of a user, the partner; None where it is everybody, or nobody knows. `value`: the one token.
    `pending`: how many tokens became pending revocations; None where the store has not said.
    """

    reach: str
    subject: Principal | str | Partner | None = None
    value: Secret | None = None
    pending: int | None = None


class Held(NamedTuple):
    """Monite asked for a pause of so many `seconds`. `reason`: throttled (a 429), or asked (another answer's Retry-After)."""

    reason: str
    seconds: float


class TurnTaken(NamedTuple):
    """A request waited `seconds` for its turn in the budget. `priority`: user, call, renewal, revocation."""

    priority: str
    seconds: float


class StoreFailed:
    """The shared store, or a part of it, did not answer."""


class StoreWaited(NamedTuple):
    """One operation of a shared store took so long that somebody noticed."""

    operation: str
    seconds: float


class OutageChanged(NamedTuple):
    """An outage of the store began or ended. `kind`: down, read_only, part."""

    kind: str
    is_on: bool


class AnsweredInOutage(NamedTuple):
    """Somebody asked for a token while the store was down. `is_served`: this process trusts the session, and serves it."""

    subject: Subject
    is_served: bool


class EndingOwed(NamedTuple):
    """An ending, or another change, holds in this process, and the store has still to hear of it. `operation`: its name."""

    operation: str


class OwedChanged(NamedTuple):
    """The number of operations that the shared store has still to hear of has changed `by` so many."""

    by: int


class CallRefused(NamedTuple):
    """The application, or the person's role, does not allow this. `permission`: object_type.action, where it is known."""

    subject: Subject
    permission: str


class SecretsChanged:
    """Another client secret, or other keys of the store, are in use in this process from now on."""


class EventsDropped(NamedTuple):
    """So many events found no room, or no sink took them."""

    events: int


Fact = (
    MintTried
    | MintCommitted
    | CooldownBegan
    | WaitEnded
    | RenewalEnded
    | RevocationTried
    | RevocationsExpired
    | TokensEnded
    | Held
    | TurnTaken
    | StoreFailed
    | StoreWaited
    | OutageChanged
    | AnsweredInOutage
    | EndingOwed
    | OwedChanged
    | CallRefused
    | SecretsChanged
    | EventsDropped
)
"""Everything that can be told."""
