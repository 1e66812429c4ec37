"""A partner: the company whose app calls Monite. Each has credentials and business data of its own."""

import secrets
import threading
from typing import Any

from monite_auth.emulator.world.clock import Clock
from monite_auth.emulator.world.directory import Directory

#: The name of the table, and of its only record.
SETTINGS = "partner_settings"


class Partner:
    """A partner. Several client ids, and several secrets of each, can be in use at once, as during a rotation."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self.directory = Directory(clock, lock)
        #: Client secrets by client id. A client id without one is no longer accepted; tokens that it minted stay live.
        self.credentials: dict[str, list[str]] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """The partner's settings. They are a record, so that they are kept as all records are."""
        record = self.directory.table(SETTINGS).get(SETTINGS)
        return dict(record.fields) if record else {}

    @settings.setter
    def settings(self, fields: dict[str, Any]) -> None:
        table = self.directory.table(SETTINGS)
        record = table.get(SETTINGS) or table.add(SETTINGS, {})
        table.change(record, fields)

    def knows(self, client_id: str, client_secret: str) -> bool:
        given = client_secret.encode()
        return any(
            secrets.compare_digest(each.encode(), given) for each in self.credentials.get(client_id, ())
        )
