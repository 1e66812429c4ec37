"""Waiting, as the contracts that we ship do it, and for what only our own tests look at."""

from monite_auth.testing.waiting import PATIENCE, auntil, until

__all__ = ["PATIENCE", "auntil", "threads_waiting", "until"]


def threads_waiting(flight):
    """Return how many threads wait for the end of a flight."""
    return len(flight._finished._cond._waiters)
