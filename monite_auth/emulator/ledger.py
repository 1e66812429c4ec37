"""The record of every token minted: for whom, until when, how it was used, and how it ended."""

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from monite_auth.emulator.clock import Clock
from monite_auth.emulator.journal import Journal

TokenState = Literal["live", "expired", "revoked"]


class Connection(Protocol):
    """The part of an asyncio transport that tells whether the client is still connected."""

    def is_closing(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Holder:
    """The entity user whom a token was minted for. All fields are None for the partner."""

    entity_user_id: str | None = None
    entity_id: str | None = None
    login: str | None = None
    name: str | None = None


@dataclass(slots=True, eq=False)
class Token:
    """One minted token. Times are epoch seconds of the emulator's clock."""

    id: int
    value: str = field(repr=False)
    holder: Holder
    client_id: str
    minted_at: float
    expires_at: float
    revoked_at: float | None = None
    uses: int = 0
    last_used_at: float | None = None
    refusals: int = 0
    last_refused_at: float | None = None
    last_refusal: str | None = None
    # None until the answer to the mint has been sent. True if the client cannot have read the token.
    answer_lost: bool | None = None

    @property
    def entity_user_id(self) -> str | None:
        return self.holder.entity_user_id

    @property
    def masked(self) -> str:
        return f"…{self.value[-4:]}"

    @property
    def fingerprint(self) -> str:
        """The first 12 hex digits of the token's SHA-256. They identify the token in logs and across processes."""
        return hashlib.sha256(self.value.encode()).hexdigest()[:12]

    def state(self, now: float) -> TokenState:
        if self.revoked_at is not None:
            return "revoked"
        return "live" if now < self.expires_at else "expired"


class Ledger:
    """Records tokens. Only `clear` removes entries."""

    def __init__(
        self, clock: Clock, journal: Journal, lock: threading.RLock, new_token: Callable[[], str]
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._lock = lock
        self._new_token = new_token
        self._by_value: dict[str, Token] = {}
        self._by_user: defaultdict[str | None, list[Token]] = defaultdict(list)
        self._minting: defaultdict[str | None, list[Connection | None]] = defaultdict(list)
        #: The highest number of mints in flight at once, by entity user id. None is the partner.
        self.max_concurrent_mints: defaultdict[str | None, int] = defaultdict(int)

    @property
    def tokens(self) -> list[Token]:
        """All tokens, oldest first."""
        with self._lock:
            return list(self._by_value.values())

    def live(self, entity_user_id: str | None = None) -> list[Token]:
        """Return the live tokens of one entity user; None means of everybody."""
        now = self._clock.now()
        tokens = self.tokens if entity_user_id is None else self.mints(entity_user_id)
        return [token for token in tokens if token.state(now) == "live"]

    def mints(self, entity_user_id: str | None) -> list[Token]:
        """Return all tokens of one entity user, oldest first; None means the partner's."""
        with self._lock:
            return list(self._by_user.get(entity_user_id, ()))

    def find(self, value: str) -> Token | None:
        with self._lock:
            return self._by_value.get(value)

    def mint(self, holder: Holder, client_id: str, life: float) -> Token:
        with self._lock:
            now = self._clock.now()
            token = Token(
                id=len(self._by_value) + 1,
                value=self._new_token(),
                holder=holder,
                client_id=client_id,
                minted_at=now,
                expires_at=now + life,
            )
            self._by_value[token.value] = token
            self._by_user[holder.entity_user_id].append(token)
        self._journal.record("minted", token=token.masked, name=holder.name, life=life)
        return token

    def revoke(self, token: Token) -> bool:
        """Revoke a token. Return False if it was no longer live."""
        with self._lock:
            now = self._clock.now()
            if token.state(now) != "live":
                return False
            token.revoked_at = now
        self._journal.record("revoked", token=token.masked, name=token.holder.name)
        return True

    def use(self, token: Token) -> None:
        with self._lock:
            token.uses += 1
            token.last_used_at = self._clock.now()

    def refuse(self, token: Token, reason: str) -> None:
        with self._lock:
            token.refusals += 1
            token.last_refused_at = self._clock.now()
            token.last_refusal = reason
        self._journal.record("refused", token=token.masked, name=token.holder.name, reason=reason)

    @contextmanager
    def minting(self, entity_user_id: str | None, connection: Connection | None) -> Iterator[None]:
        """Count a mint as in flight during the block, or until its client hangs up, if that is earlier."""
        with self._lock:
            in_flight = self._minting[entity_user_id]
            in_flight.append(connection)
            waiting = sum(1 for other in in_flight if other is None or not other.is_closing())
            self.max_concurrent_mints[entity_user_id] = max(
                waiting, self.max_concurrent_mints[entity_user_id]
            )
        try:
            yield
        finally:
            with self._lock:
                in_flight.remove(connection)

    def clear(self) -> None:
        with self._lock:
            self._by_value.clear()
            self._by_user.clear()
            self._minting.clear()
            self.max_concurrent_mints.clear()
