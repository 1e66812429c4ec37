"""Where ids and tokens come from. Two emulators with the same seed draw the same ones, in the same order."""

import base64
import hashlib
import random
import secrets
import threading
import uuid
from collections import Counter
from typing import Any


class Randomness:
    """Draws ids and tokens, each kind in an order of its own, so that one kind does not depend on how much of another is drawn.

    Args:
        seed: the number that determines everything drawn. None stands for one that nobody can guess.

    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self._secret = secrets.token_hex(32) if seed is None else str(seed)
        self._lock = threading.Lock()
        self._drawn: Counter[str] = Counter()

    @property
    def state(self) -> dict[str, Any] | None:
        """What `restore` takes. None without a seed: what was drawn once is then never drawn again."""
        with self._lock:
            return None if self.seed is None else {"seed": self.seed, "drawn": dict(self._drawn)}

    def restore(self, state: dict[str, Any] | None) -> None:
        """Go on as from that state; without one, with what nobody can guess."""
        with self._lock:
            self.seed = state["seed"] if state else None
            self._secret = str(self.seed) if state else secrets.token_hex(32)
            self._drawn = Counter(state["drawn"] if state else {})

    def reset(self) -> None:
        """Begin again. Without a seed, nothing that was drawn before is drawn again."""
        self.restore(None if self.seed is None else {"seed": self.seed, "drawn": {}})

    def new_id(self, kind: str = "id") -> str:
        """Return a UUID."""
        return str(uuid.UUID(bytes=self._draw(kind)[:16], version=4))

    def new_token(self, kind: str = "token") -> str:
        """Return 43 characters, of 32 random bytes."""
        return base64.urlsafe_b64encode(self._draw(kind)).decode().rstrip("=")

    def chance(self) -> random.Random:
        """Return a source of chance that follows the seed."""
        return random.Random(self._secret)  # noqa: S311 - it decides about faults and protects no secret

    def _draw(self, kind: str) -> bytes:
        with self._lock:
            self._drawn[kind] += 1
            return hashlib.sha256(f"{self._secret}/{kind}/{self._drawn[kind]}".encode()).digest()
