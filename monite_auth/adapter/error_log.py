"""Errors that become answers, in the log: the answer tells the end user little, and the developer must know.

ERROR for what the app's side has to mend (500 and more), WARNING for who is refused (403). What end users do themselves,
such as coming back with an ended session (401), is no news. Each kind is written at most once a minute, with how many
there were in between, so that a crowd does not fill the disk.
"""

import logging
import time

from monite_auth.errors import MoniteAuthError
from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.tokens import Clock

__all__ = ["ErrorLog", "log_error"]

log = logging.getLogger("monite_auth")

QUIET = 60.0
"""Seconds for which the same kind of error is only counted."""


class ErrorLog:
    """Writes errors down, each kind at most once in QUIET seconds by `clock`."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}
        """By code, of which there are few: when written, and how many since."""
        self._lock = ProcessLock()

    def write(self, error: MoniteAuthError) -> None:
        """Write an error down, or count it."""
        level = logging.ERROR if error.status_hint >= 500 else logging.WARNING
        if error.status_hint == 401:
            return
        now = self._clock()
        with self._lock:
            written, count = self._seen.get(error.code, (-QUIET, 0))
            if now - written < QUIET:
                self._seen[error.code] = written, count + 1
                return
            self._seen[error.code] = now, 0
        more = f" ({count} more of this kind since the last line about it)" if count else ""
        log.log(level, "A request was answered with %d: %s%s", error.status_hint, error, more)


_of_this_process = ErrorLog()


def log_error(error: MoniteAuthError) -> None:
    """Write an error down that ends a request of this process."""
    _of_this_process.write(error)
