"""The principals of the scenarios."""

from monite_auth import Principal
from tests.simulation.account import START

__all__ = [
    "AHEAD",
    "ALICE",
    "ALICE_TOO",
    "ANN",
    "BEHIND",
    "BOB",
    "DATED",
    "JOB",
    "LATER_JOB",
    "LONG_AGO",
    "NORTH",
    "SOUTH",
    "THIS_SECOND",
    "YOUNG",
]

ALICE = Principal("alice", session_id="alice-1")
ALICE_TOO = Principal("alice", session_id="alice-2")
BOB = Principal("bob", session_id="bob-1")
ANN = Principal("ann", session_id="ann-1")
LONG_AGO = Principal("alice", authenticated_at=START - 1000)
NORTH = Principal("alice", "north", "alice-1")
SOUTH = Principal("alice", "south", "alice-1")

DATED = Principal("alice", session_id="alice-3", authenticated_at=START - 1000.5)
AHEAD = Principal("alice", session_id="alice-4", authenticated_at=START + 299.5)
"""A session whose login was dated by a host whose clock is as far ahead as it may be."""

BEHIND = Principal("alice", session_id="alice-5", authenticated_at=START - 299.5)
"""A session whose login was dated by a host whose clock is as far behind as it may be."""

JOB = Principal("alice", authenticated_at=START - 0.5)
"""A job for alice (`broker.for_job`), asked for just before anything happens in the scenario."""

LATER_JOB = Principal("alice", authenticated_at=START + 0.5)
"""A job for alice, asked for just after the scenario has begun."""

YOUNG = Principal("alice", authenticated_at=START + 700.5)
"""A login after most of the time that `MEMORY` lasts."""

THIS_SECOND = Principal("alice", authenticated_at=START)
"""A login within the second in which everything happens; its date has no fraction."""
