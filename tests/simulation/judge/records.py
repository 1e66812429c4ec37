"""The judge's records of a call, a lease and a slot."""

from dataclasses import dataclass
from typing import NamedTuple

from monite_auth import AccessToken
from monite_auth.identity import Subject
from monite_auth.stores import Slot
from tests.simulation.judge.sessions import Key

__all__ = ["Call", "Held", "SharedRead", "Shelf"]


class SharedRead(NamedTuple):
    """A token that a call has read from the store, and when: others of its process may be given it too."""

    value: str
    at: float


@dataclass(slots=True)
class Call:
    """One call of the application that is under way."""

    kind: str
    process: str
    principal: Subject
    min_ttl: float
    began: float
    lagged: float
    steps: int = 0
    """How many steps the call has begun, up to 2."""
    at_hand: bool = False
    """Whether a good token was there when it began, and when it took its first step."""
    found: AccessToken | None = None
    """What its slot had when it took the last, good enough or not."""
    has_acted: bool = False
    """Whether the store was told what the call is there for."""
    refused: bool = False
    """Whether its session was refused by the store since, and rightly; a login may come before the call is told."""
    logged_in: frozenset[Key] = frozenset()
    """Of a call that ends all sessions: those that had logged in before."""
    shared_read: SharedRead | None = None
    """What another call of its process has read for the same subject since this one began. No ending came between here."""


@dataclass(slots=True)
class Held:
    """A lease to mint, as the judge saw it claimed."""

    slot: Slot
    id: str
    holder: str
    claimed_at: float
    until: float
    fenced: bool = False


@dataclass(slots=True)
class Shelf:
    """What a slot has: the token to hand out, and older ones that live."""

    live: AccessToken | None = None
    minted_in: str = ""
    older: tuple[str, ...] = ()
