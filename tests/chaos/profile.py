"""How long an experiment is, and how much has to happen in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How long faults are injected: `seconds`, and until there were as many as below, but no longer than `patience`."""

    seconds: float
    patience: float
    short_drains: bool
    logouts: int = 0
    kills: int = 0
    outages: int = 0
    faults: int = 0


SHORT = Profile(seconds=16, patience=180, short_drains=True, logouts=1000, kills=5, outages=2, faults=30)
"""The short form, for CI."""


def long(seconds: float) -> Profile:
    """Return the long form, in which drains wait as long as they do in an application."""
    return Profile(seconds=seconds, patience=seconds, short_drains=False)
