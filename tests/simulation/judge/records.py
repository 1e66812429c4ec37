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
    """The steps that the call has begun, counted up to 2."""
    at_hand: bool = False
    """Whether a good token was there when it began, and when it took its first step."""
    found: AccessToken | None = None
    """The token of its slot when it took its last step, good enough or not."""
    has_acted: bool = False
    """Whether the store operation that is the purpose of the call was done."""
    refused: bool = False
    """Whether the store has rightly refused its session since it began. A login may come before the call learns of it."""
    logged_in: frozenset[Key] = frozenset()
    """For a call that ends all sessions: the sessions that had logged in before."""
    shared_read: SharedRead | None = None
    """The token that another call of its process has read for the same subject since this one began, or that it has read itself
    before its turn in the request budget, unless something was ended in the process after that."""


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
    """The tokens of a slot: the one to hand out, and older ones that live."""

    live: AccessToken | None = None
    minted_in: str = ""
    older: tuple[str, ...] = ()
