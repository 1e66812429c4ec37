"""Errors that became answers, in the log: the answer tells the end user little, and the developer must know.

| status | level | because |
| --- | --- | --- |
| 500 and more | ERROR | the app's side has to mend it |
| 403 | WARNING | somebody was refused |
| 401 | none | end users log out and come back all the time |

Each kind of error is written at most once a minute, with the number of those in between, so that a stampede does not fill
the disk.
"""

import logging
import time

from monite_auth.errors import MoniteAuthError
from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.tokens import Clock

__all__ = ["ErrorLog", "log_answer", "log_error"]

log = logging.getLogger("monite_auth")

QUIET = 60.0
"""Count the same kind of error for this many seconds instead of writing it: one line a minute is enough to notice it."""


class ErrorLog:
    """Writes errors to the log, each kind at most once in QUIET seconds by `clock` (seconds)."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}
        """For each code, of which there are few: when it was written last, and how many came since."""
        self._lock = ProcessLock()

    def write(self, error: MoniteAuthError) -> None:
        """Write an error to the log, or count it."""
        self.write_answer(error.status_hint, error.code, str(error))

    def write_answer(self, status: int, code: str, message: str) -> None:
        """Write to the log why a request was answered with this status and code, or count it."""
        level = logging.ERROR if status >= 500 else logging.WARNING
        if status == 401:
            return
        now = self._clock()
        with self._lock:
            written, count = self._seen.get(code, (-QUIET, 0))
            if now - written < QUIET:
                self._seen[code] = written, count + 1
                return
            self._seen[code] = now, 0
        more = f" ({count} more of this kind since the last line about it)" if count else ""
        log.log(level, "A request was answered with %d: %s%s", status, message, more)


_of_this_process = ErrorLog()


def log_error(error: MoniteAuthError) -> None:
    """Write an error to the log that ends a request of this process."""
    _of_this_process.write(error)


def log_answer(status: int, code: str, message: str) -> None:
    """Write to the log why a request of this process was answered with this status and code."""
    _of_this_process.write_answer(status, code, message)
