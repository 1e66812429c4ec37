"""Dates of logins, which are wall-clock time of somebody, in the time that a store counts by."""

from typing import NamedTuple

from monite_auth.identity import Principal

__all__ = ["Began"]


class Began(NamedTuple):
    """When a principal's session began by a store's time: `at` that moment, and `by` the last one that the date can mean."""

    at: float
    by: float

    @classmethod
    def of(cls, principal: Principal, *, now: float, wall: float) -> "Began | None":
        """Return when the session began, or None if it has no date. It is `now` in the store, and `wall` by the wall clock.

        The wall clock knows how long ago the login was, and the store's time is counted back from now. A date that is yet to come was
        given by another clock, or before this one was set back. Then nobody knows how long ago, and it counts as the store's time says,
        if that is earlier: a session from before an ending must not look like one from after it.
        """
        at, by = principal.began_at, principal.began_by
        if at is None or by is None:
            return None
        ahead = now - wall
        if at > wall:
            ahead = min(ahead, 0.0)
        return cls(at + ahead, by + ahead)
