"""For how long Monite asks to be sent nothing, and which failures are worth another try."""

import re
from email.utils import parsedate_to_datetime

from monite_auth.monite_api.answers import Fault, Response
from monite_auth.monite_api.headers import DATE, RETRY_AFTER

__all__ = ["is_final", "requested_pause", "seconds_to_wait"]

_LONGEST_PAUSE = 3600.0
"""Seconds; a `Retry-After` beyond an hour is asked again after an hour."""

_DEFAULT_PAUSE = 1.0
"""Seconds after a 429 with no readable `Retry-After`: Monite counts requests by the second."""


def seconds_to_wait(header: str | None, *, date: str | None, now: float) -> float:
    """Return the seconds of a `Retry-After` header: a number or an HTTP date (RFC 9110, section 10.2.3).

    `date`: the answer's own `Date`, from the same clock as an HTTP date in `header`. `now`: epoch seconds by ours, which may be
    wrong; it counts where the answer has no date.
    """
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        seconds = float(text)
    else:
        try:
            seconds = _epoch_seconds(text) - (now if date is None else _epoch_seconds(date))
        except (TypeError, ValueError, OverflowError):
            seconds = _DEFAULT_PAUSE
    return min(max(seconds, 0.0), _LONGEST_PAUSE)


def requested_pause(answer: Response | Fault, *, now: float) -> float | None:
    """Return for how many seconds an answer asks to be sent nothing, or None.

    A 429 asks for it, and so does every failure that may be over soon and has a `Retry-After`. `now`: epoch seconds.
    """
    if isinstance(answer, Fault) or 200 <= answer.status < 300:
        return None
    header, date = answer.headers.get(RETRY_AFTER), answer.headers.get(DATE)
    if answer.status == 429:
        return seconds_to_wait(header, date=date, now=now)
    if header is None or is_final(answer.status):
        return None
    return seconds_to_wait(header, date=date, now=now)


def _epoch_seconds(date: str) -> float:
    return parsedate_to_datetime(date).timestamp()


def is_final(status: int) -> bool:
    """Return whether a status refuses the request for good: the same request would be refused again."""
    return 400 <= status < 500 and status not in (408, 425, 429)  # these three ask to be tried again
