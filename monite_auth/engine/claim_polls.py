"""When to ask the store again for a slot that another process mints for.

Each such mint asks again after a tenth of the time that it has waited so far. So its callers learn of the token at most that
much later, and a mint that takes long is asked for less and less often. All mints of one process together ask at most
`ASKS_PER_SECOND` times a second: where 250 slots are being minted for elsewhere, each asks every 2.5 seconds.
"""

from types import TracebackType
from typing import Self

__all__ = ["ClaimPoll", "ClaimPolls"]

ASKS_PER_SECOND = 100
"""Bounds what one process asks of the store while it waits for others: ten such processes send a Redis 1,000 short scripts a second."""

SHARE = 0.1
"""The share of its wait so far after which a mint asks again."""


class ClaimPolls:
    """The mints of one process that wait for other processes. `shortest`: seconds between two claims of one, at least."""

    def __init__(self, shortest: float) -> None:
        self._shortest = shortest
        self._waiting: set[ClaimPoll] = set()

    def begin(self) -> "ClaimPoll":
        """Return the poll of one mint, to be used as a context manager."""
        return ClaimPoll(self)

    def pause(self, waited: float) -> float:
        """Return the seconds until the next claim of a mint that has waited for so many."""
        return max(self._shortest, SHARE * waited, len(self._waiting) / ASKS_PER_SECOND)

    def add(self, poll: "ClaimPoll") -> None:
        """Note that a mint waits."""
        self._waiting.add(poll)

    def remove(self, poll: "ClaimPoll") -> None:
        """Note that it waits no longer. It takes no lock, see `runtime`."""
        self._waiting.discard(poll)


class ClaimPoll:
    """One mint, which waits for another process from its first `pause` until the end of the context."""

    def __init__(self, polls: ClaimPolls) -> None:
        self._polls = polls
        self._began: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._began is not None:
            self._polls.remove(self)

    def pause(self, now: float) -> float:
        """Return the seconds until the next claim. `now`: epoch seconds."""
        if self._began is None:
            self._began = now
            self._polls.add(self)
        return self._polls.pause(now - self._began)
