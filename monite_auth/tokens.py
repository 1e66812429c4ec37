"""Secrets and access tokens: values that cannot be printed by accident, and the arithmetic of their lives.

Nothing here does I/O. Times are epoch seconds of the clock that is handed in; lives are seconds.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from monite_auth.identity import EntityUser
from monite_auth.processes.boot_clock import since_boot

__all__ = [
    "DEFAULT_TIMING",
    "LONGEST_EXPIRY_MARGIN",
    "SAFETY",
    "AccessToken",
    "Clock",
    "MaskedUrl",
    "Secret",
    "TokenTiming",
    "steady_clock",
]

Clock = Callable[[], float]
"""Returns the time in epoch seconds."""

BOOTED_AT = time.time() - since_boot()
"""What `steady_clock` showed when this host was booted, epoch seconds. Another process may have found another wall clock."""


def steady_clock() -> float:
    """Return epoch seconds that never jump: the wall clock is read once, at import, and then only time passes.

    A wall clock that is set back would bring expired tokens to life.
    """
    return BOOTED_AT + since_boot()


class Secret:
    """Text that must not be seen: every way of printing or pickling it is masked or refused."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Secret cannot be pickled: it would be written where it can be read.")


class MaskedUrl(str):
    """A URL that may hold a password: text like any other, but a repr shows its scheme only."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{self.partition('://')[0]}://***'"


SAFETY = 5.0
"""Seconds by which stores wait beyond the end of a token's use, until it is dead at Monite for certain."""

LONGEST_EXPIRY_MARGIN = SAFETY
"""Seconds. With a longer margin, stores would give up a pending revocation while its token is still alive."""


class TokenTiming(NamedTuple):
    """When a token is renewed, and when it is no longer used.

    `expiry_margin`: seconds before its end at Monite: it must still be valid when the request that carries it arrives.
    `renewal_share`: the last part of its life, in which it is renewed while it still works for everybody.
    `renewal_jitter`: by how much of that part the moment varies, so that tokens minted together are not renewed together.
    `renewal_margin`: seconds before its end at which it is renewed at the latest, unless half of its life is shorter.
    """

    expiry_margin: float = SAFETY
    renewal_share: float = 0.2
    renewal_jitter: float = 0.1
    renewal_margin: float = 30.0


DEFAULT_TIMING = TokenTiming()
"""The timing where nothing is set."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token of Monite.

    `value`: the token; `.reveal()` gives the text.
    `expires_at`: when it is no longer used, epoch seconds.
    `issued_at`: when the request for it was sent, epoch seconds.
    `renew_at`: from when on it is worth renewing.
    `entity_user`: whose token it is; None for a partner token.
    """

    value: Secret
    expires_at: float
    issued_at: float
    renew_at: float
    entity_user: EntityUser | None = None
    clock: Clock = field(default=steady_clock, repr=False, compare=False)

    @classmethod
    def granted(
        cls,
        value: Secret,
        *,
        life: float,
        sent_at: float,
        jitter: float,
        entity_user: EntityUser | None = None,
        clock: Clock = steady_clock,
        timing: TokenTiming = DEFAULT_TIMING,
    ) -> "AccessToken":
        """Return the token that Monite granted for `life` seconds in answer to a request sent at `sent_at`.

        `jitter`, from 0 to 1, places the renewal within its window.
        """
        usable = life - timing.expiry_margin
        ahead = usable * timing.renewal_share * (1 + timing.renewal_jitter * (2 * jitter - 1))
        expires_at = sent_at + usable
        renew_at = expires_at - min(max(ahead, timing.renewal_margin), usable / 2)
        return cls(value, expires_at, sent_at, renew_at, entity_user, clock)

    @property
    def expires_in(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self.expires_at - self.clock())

    @property
    def life(self) -> float:
        """Seconds that it was usable for when it was new."""
        return self.expires_at - self.issued_at

    @property
    def authorization(self) -> str:
        """The value of an `Authorization` header (RFC 6750, section 2.1)."""
        return f"Bearer {self.value.reveal()}"

    @property
    def fingerprint(self) -> str:
        """A short digest that tells tokens apart and does not give them away."""
        return fingerprint(self.value)


def fingerprint(value: Secret) -> str:
    """Return the first 64 bits of the token's SHA-256, in hex: enough to tell a user's tokens apart."""
    return hashlib.sha256(value.reveal().encode()).hexdigest()[:16]
