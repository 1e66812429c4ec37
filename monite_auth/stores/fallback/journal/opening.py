"""The journal that the settings ask for, and one line in the log where logouts in an outage cannot survive."""

import hashlib
import logging
from pathlib import Path

from monite_auth.settings import Settings
from monite_auth.stores.fallback.journal.directory import LOCKS, JournalDirectory
from monite_auth.stores.fallback.journal.journal import FileJournal, Journal, NoJournal
from monite_auth.tokens import Clock

__all__ = ["open_journal"]

log = logging.getLogger("monite_auth")


def open_journal(settings: Settings, clock: Clock) -> Journal:
    """Return the journal of the settings' account. `clock`: that of tokens."""
    if not settings.journal_directory:
        log.info(
            "MONITE_JOURNAL_DIRECTORY is not set: a logout during an outage of the token store is lost if "
            "this process dies before the outage is over. Set it to a directory of this host that the application may write to."
        )
        return NoJournal()
    directory = JournalDirectory(Path(settings.journal_directory))
    problem = directory.problem()
    if problem is not None:
        log.warning(
            "MONITE_JOURNAL_DIRECTORY cannot be used (%s): a logout during an outage of the token store is "
            "lost if this process dies before the outage is over.",
            problem,
        )
    if not LOCKS:
        return NoJournal()
    # The name of a file gives its account away to nobody.
    prefix = hashlib.sha256(settings.account_name.encode()).hexdigest()[:16] + "."
    return FileJournal(directory, prefix, settings.credentials, clock)
