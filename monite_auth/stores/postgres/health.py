"""Checks of the server at the start: whether it is new enough, and whether it could lose pending revocations."""

import logging

from monite_auth.errors import ConfigurationError
from monite_auth.stores.postgres.statements import statement

__all__ = ["ASK", "check_server", "warn_about_durability"]

log = logging.getLogger("monite_auth")

OLDEST = 14

ASK = statement(
    "SELECT current_setting('server_version_num'), current_setting('server_version'), current_setting('fsync'), "
    "current_setting('synchronous_commit'), current_setting('full_page_writes')",
    *["text"] * 5,
)
"""Asks for all that is checked here; any user may."""


def check_server(number: str, version: str, where: str) -> None:
    """Raise ConfigurationError for a server that is too old."""
    if int(number) < OLDEST * 10_000:
        raise ConfigurationError(
            f"PostgreSQL at {where} is {version}: the store needs PostgreSQL {OLDEST} or newer."
        )


def warn_about_durability(fsync: str, synchronous_commit: str, full_page_writes: str, where: str) -> None:
    """Log how this server could lose a logout, and what to set against that."""
    if fsync == "off" or full_page_writes == "off":
        log.warning(
            "PostgreSQL at %s does not make sure that its files are on the disk (%s = off): if its host crashes, the database may be "
            "broken, and the logouts and pending revocations in it lost. Set it on.",
            where,
            "fsync" if fsync == "off" else "full_page_writes",
        )
    if synchronous_commit == "off":
        log.warning(
            "PostgreSQL at %s answers before what it has written is on the disk (synchronous_commit = off): if it crashes, logouts and "
            "pending revocations of the last moments are forgotten, and those tokens live until they expire. Set synchronous_commit "
            "on, for this user or for all.",
            where,
        )
