"""The whole state of the emulator in plain Python: what a test looks into. HTTP is somebody else's business."""

import random
import secrets
import threading

from monite_auth.configuration.demo import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.emulator.clock import Clock
from monite_auth.emulator.directory import Directory, EntityUser
from monite_auth.emulator.faults import Faults
from monite_auth.emulator.journal import Journal
from monite_auth.emulator.ledger import Holder, Ledger, Token
from monite_auth.emulator.limits import Limiter, Statistics
from monite_auth.emulator.seed import sow

# 30 requests a second and half an hour are what Monite's documentation names; a token of 32 random bytes has 43 characters.
REQUESTS_PER_SECOND = 30
TOKEN_LIFE = 1800
TOKEN_BYTES = 32


class Monite:
    """One partner's Monite.

    All parts may be read and changed from any thread while requests are served. `token_life` (seconds),
    `requests_per_second` and `dead_token_status` may be set at any time and hold for what comes after.

    Args:
        requests_per_second: how many requests are let in per window of one second of the clock.
        token_life: seconds that a token lives.
        dead_token_status: the status for a request whose token has expired, was revoked or is unknown. Monite's
            documentation says 400; 401 and 403 have been seen.
        seed: begin with the data of seed.py; without, there is nothing but the demo credentials.
        clock: where the time comes from.
        chance: decides about faults that have a probability.

    """

    def __init__(
        self,
        *,
        requests_per_second: int = REQUESTS_PER_SECOND,
        token_life: int = TOKEN_LIFE,
        dead_token_status: int = 400,
        seed: bool = True,
        clock: Clock | None = None,
        chance: random.Random | None = None,
    ) -> None:
        lock = threading.RLock()
        self.token_life = token_life
        self.dead_token_status = dead_token_status
        self.clock = clock or Clock()
        self.journal = Journal(self.clock)
        self.ledger = Ledger(self.clock, self.journal, lock, lambda: secrets.token_urlsafe(TOKEN_BYTES))
        chance = chance or random.Random()  # noqa: S311 - it decides when to misbehave, it keeps no secret
        self.faults = Faults(self.clock, self.journal, lock, chance)
        self.limiter = Limiter(self.clock, requests_per_second)
        self.statistics = Statistics(self.clock)
        self.directory = Directory(self.clock, lock)
        self._lock = lock
        self._seed = seed
        self._credentials: dict[str, str] = {}
        self._begin()

    @property
    def requests_per_second(self) -> int:
        return self.limiter.requests_per_second

    @requests_per_second.setter
    def requests_per_second(self, value: int) -> None:
        self.limiter.requests_per_second = value

    def add_credentials(self, client_id: str, client_secret: str) -> None:
        """Accept one more pair of credentials; several may be in use at once, as during a rotation."""
        with self._lock:
            self._credentials[client_id.lower()] = client_secret

    def remove_credentials(self, client_id: str) -> None:
        """Accept these credentials no longer; the tokens that they minted live on."""
        with self._lock:
            self._credentials.pop(client_id.lower(), None)

    def knows(self, client_id: str, client_secret: str) -> bool:
        with self._lock:
            expected = self._credentials.get(client_id)
        return expected is not None and secrets.compare_digest(expected.encode(), client_secret.encode())

    def mint(self, user: EntityUser | None, client_id: str) -> Token:
        """Mint a token for an entity user (None: for the partner)."""
        holder = Holder() if user is None else Holder(user.id, user.entity_id, user.login, user.name)
        return self.ledger.mint(holder, client_id, self.token_life)

    def remove_user(self, user: EntityUser) -> None:
        """Delete an entity user; their tokens end with them."""
        self.directory.users.remove(user)
        for token in self.ledger.live(user.id):
            self.ledger.revoke(token)

    def reset(self) -> None:
        """Go back to the beginning: seed data, demo credentials, no tokens, no faults. The clock stays where it is."""
        self.faults.clear()
        self.faults.hits.clear()
        self.ledger.clear()
        self.journal.clear()
        self.limiter.clear()
        self.statistics.reset()
        self.directory.clear()
        self._credentials.clear()
        self._begin()

    def _begin(self) -> None:
        self.add_credentials(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)
        if self._seed:
            sow(self.directory, self.clock)
