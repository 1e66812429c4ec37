"""What the judge knows of each token and each logout."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.chaos.event_log import Event


class Entry(NamedTuple):
    """A token of the ledger. Times are of the monotonic clock, as in event logs."""

    token: str  # its fingerprint
    entity_user_id: str | None
    minted_at: float
    revoked_at: float | None
    expires_at: float
    answer_lost: bool | None

    def is_expired(self, now: float) -> bool:
        return self.revoked_at is None and self.expires_at <= now


@dataclass(slots=True)
class Logout:
    """A logout that was accepted, and when the shared store had recorded it.

    `recorded`: the session's first, perhaps of an earlier try whose process was killed before it returned. `recorded_anew`: the
    first since this one began, which takes away the tokens that the user has got since that earlier try.
    """

    session: int
    process: str
    began: float
    returned: float
    recorded: float = math.inf
    recorded_anew: float = math.inf

    def holds_from(self, process: str) -> float:
        """Return the moment from which its session gets nothing from a process."""
        return self.returned if process == self.process else max(self.returned, self.recorded)

    def takes_away_from(self, process: str) -> float:
        """Return the moment from which a process hands out no token that was minted before it began."""
        return self.returned if process == self.process else max(self.returned, self.recorded_anew)


@dataclass(slots=True)
class Trace:
    """Where a token got to, as far as the event logs know."""

    read_by: str | None = None
    committed: bool = False  # the shared store has said that it has it
    kept_by: str | None = None  # the process that has put it into its memory
    slot_session: str | None = None
    handed_out: list[Event] = field(default_factory=list)
