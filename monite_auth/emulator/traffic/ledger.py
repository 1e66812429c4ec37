"""The record of every token minted: for whom, until when, how it was used, and how it ended."""

import hashlib
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from heapq import heappop, heappush
from typing import Any, Literal, Protocol

from monite_auth.emulator.traffic.journal import Journal
from monite_auth.emulator.world.clock import Clock

TokenState = Literal["live", "expired", "revoked"]

# How many ended tokens stay: more than a test looks at, and some 10 MB.
KEPT = 10_000


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
    life: float
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

    def saved(self) -> dict[str, Any]:
        """Return the token as JSON, whole, to make it again."""
        return asdict(self)

    def state(self, now: float) -> TokenState:
        if self.revoked_at is not None:
            return "revoked"
        return "live" if now < self.expires_at else "expired"


class Ledger:
    """Records tokens. It knows every live token, and of those that have ended the last `kept`; the others it only counts.

    While the clock stands still, no token expires. A clock that is set back does not bring forgotten tokens back.
    """

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        lock: threading.RLock,
        new_token: Callable[[], str],
        kept: int = KEPT,
    ) -> None:
        self.kept = kept
        self._clock = clock
        self._journal = journal
        self._lock = lock
        self._new_token = new_token
        self._minted = 0
        self._by_value: dict[str, Token] = {}
        self._by_user: defaultdict[str | None, dict[int, Token]] = defaultdict(dict)
        # The tokens that are not known to have ended, by id, and the moments at which they expire, as a heap: a clock that is
        # set back, or another life, makes later tokens expire first. A moment may be that of a token that has been revoked.
        self._unended: dict[int, Token] = {}
        self._expiries: list[tuple[float, int]] = []
        self._ended: deque[Token] = deque()
        self._forgotten: Counter[str] = Counter()
        #: Called with "minted", "revoked" or "forgotten" and the token.
        self.watchers: list[Callable[[str, Token], object]] = []
        self._minting: dict[str | None, list[Connection | None]] = {}
        #: The highest number of mints in flight at once, by entity user id. None is the partner.
        self.max_concurrent_mints: defaultdict[str | None, int] = defaultdict(int)

    @property
    def tokens(self) -> list[Token]:
        """All tokens that are kept, oldest first."""
        with self._lock:
            return list(self._by_value.values())

    @property
    def counts(self) -> dict[str, int]:
        """How many tokens were `minted`, are `live`, `revoked`, `expired`, and how many calls were `refused`. All count."""
        with self._lock:
            now = self._clock.now()
            counts = self._forgotten.copy()
            counts.update(token.state(now) for token in self._by_value.values())
            counts["refused"] += sum(token.refusals for token in self._by_value.values())
            return {"minted": self._minted} | {
                name: counts[name] for name in ("live", "revoked", "expired", "refused")
            }

    def live(self, entity_user_id: str | None = None) -> list[Token]:
        """Return the live tokens of one entity user; None means of everybody."""
        now = self._clock.now()
        tokens = self.tokens if entity_user_id is None else self.mints(entity_user_id)
        return [token for token in tokens if token.state(now) == "live"]

    def mints(self, entity_user_id: str | None) -> list[Token]:
        """Return all tokens of one entity user that are kept, oldest first; None means the partner's."""
        with self._lock:
            return list(self._by_user[entity_user_id].values()) if entity_user_id in self._by_user else []

    def find(self, value: str) -> Token | None:
        with self._lock:
            return self._by_value.get(value)

    def mint(self, holder: Holder, client_id: str, life: float) -> Token:
        with self._lock:
            now = self._clock.now()
            self._minted += 1
            token = Token(
                id=self._minted,
                value=self._new_token(),
                holder=holder,
                client_id=client_id,
                minted_at=now,
                life=life,
                expires_at=now + life,
            )
            self._by_value[token.value] = token
            self._by_user[holder.entity_user_id][token.id] = token
            self._expect(token)
            self._tell("minted", token)
            self._forget(now)
        self._journal.record("minted", token=token.masked, name=holder.name, life=life)
        return token

    def revoke(self, token: Token) -> bool:
        """Revoke a token. Return False if it was no longer live."""
        with self._lock:
            now = self._clock.now()
            if token.state(now) != "live":
                return False
            token.revoked_at = now
            self._tell("revoked", token)
            if self._unended.pop(token.id, None):
                self._ended.append(token)
            self._forget(now)
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
            in_flight = self._minting.setdefault(entity_user_id, [])
            in_flight.append(connection)
            waiting = sum(1 for other in in_flight if other is None or not other.is_closing())
            self.max_concurrent_mints[entity_user_id] = max(
                waiting, self.max_concurrent_mints[entity_user_id]
            )
            if len(self.max_concurrent_mints) > self.kept:
                del self.max_concurrent_mints[next(iter(self.max_concurrent_mints))]
        try:
            yield
        finally:
            with self._lock:
                in_flight.remove(connection)
                if not in_flight:
                    self._minting.pop(entity_user_id, None)

    @property
    def tally(self) -> dict[str, Any]:
        """What `restore` needs beside the tokens: how many there were, and how those that are forgotten ended."""
        with self._lock:
            return {"minted": self._minted, "forgotten": dict(self._forgotten)}

    def restore(self, tally: Mapping[str, Any], tokens: Iterable[Mapping[str, Any]]) -> None:
        """Replace all tokens by those that `Token.saved` has told."""
        with self._lock:
            self.clear()
            self._minted = tally["minted"]
            self._forgotten = Counter(tally["forgotten"])
            for saved in tokens:
                token = Token(**{**saved, "holder": Holder(**saved["holder"])})
                self._by_value[token.value] = token
                self._by_user[token.entity_user_id][token.id] = token
                if token.revoked_at is None:
                    self._expect(token)
                else:
                    self._ended.append(token)

    def clear(self) -> None:
        with self._lock:
            self._minted = 0
            self._by_value.clear()
            self._by_user.clear()
            self._unended.clear()
            self._expiries.clear()
            self._ended.clear()
            self._forgotten.clear()
            self._minting.clear()
            self.max_concurrent_mints.clear()

    def _expect(self, token: Token) -> None:
        self._unended[token.id] = token
        heappush(self._expiries, (token.expires_at, token.id))

    def _forget(self, now: float) -> None:
        """Forget the tokens that ended first, until only `kept` ended ones are left."""
        while self._expiries and self._expiries[0][0] <= now:
            if token := self._unended.pop(heappop(self._expiries)[1], None):
                self._ended.append(token)
        if len(self._expiries) > 2 * len(self._unended) + KEPT:
            # Most of them have been revoked. A sorted list is a heap.
            self._expiries = sorted((token.expires_at, token.id) for token in self._unended.values())
        while len(self._ended) > self.kept:
            token = self._ended.popleft()
            state = token.state(now)
            if state == "live":
                # The clock was set back.
                self._expect(token)
                continue
            self._forgotten[state] += 1
            self._forgotten["refused"] += token.refusals
            del self._by_value[token.value]
            of_user = self._by_user[token.entity_user_id]
            del of_user[token.id]
            if not of_user:
                del self._by_user[token.entity_user_id]
            self._tell("forgotten", token)

    def _tell(self, what: str, token: Token) -> None:
        for watcher in self.watchers:
            watcher(what, token)
