"""How much of a store one user may fill, however many requests they send. What the stores do beyond it is in `protocol`."""

__all__ = ["MOST_ENDINGS", "MOST_SESSIONS", "MOST_SLOTS", "MOST_SUPERSEDED"]

MOST_SUPERSEDED = 10
"""Superseded tokens of one slot. A renewal leaves one, and so does each token that Monite rejects."""

MOST_SLOTS = 1000
"""Slots of one user that have something in them: tenants, and sessions where each has its own token. People share an account for a
demo or a kiosk, so many sessions may be in use at once."""

MOST_SESSIONS = 1000
"""Known sessions of one user, for the same reason."""

MOST_ENDINGS = 1000
"""Ended sessions of one user that are remembered by their names."""
