"""A partner: the company whose app calls Monite. Each has credentials and business data of its own."""

import secrets
import threading
from typing import Any

from monite_auth.emulator.clock import Clock
from monite_auth.emulator.directory import Directory


class Partner:
    """A partner. Several pairs of credentials can be in use at once, as during a rotation."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self.directory = Directory(clock, lock)
        self.settings: dict[str, Any] = {}
        #: Client secret by client id.
        self.credentials: dict[str, str] = {}

    def knows(self, client_id: str, client_secret: str) -> bool:
        expected = self.credentials.get(client_id)
        return expected is not None and secrets.compare_digest(expected.encode(), client_secret.encode())
