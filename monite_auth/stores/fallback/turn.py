"""A turn: the right of one caller in a process to do something that others must not do at the same time."""

import asyncio
from dataclasses import dataclass
from os import getpid
from weakref import ref

__all__ = ["Turn"]


@dataclass(slots=True, eq=False)
class Turn:
    """A turn. It ends when its holder says so, and without that `until`, epoch seconds, or with its event loop.

    An event loop that is stopped or closed in the middle tells nobody. A forked child has a copy that nobody there uses.
    """

    until: float
    process: int
    loop: "ref[asyncio.AbstractEventLoop] | None"

    @classmethod
    def begin(cls, *, until: float) -> "Turn":
        """Return a turn of the caller: of a thread, or on the running event loop."""
        try:
            loop = ref(asyncio.get_running_loop())
        except RuntimeError:
            loop = None
        return cls(until, getpid(), loop)

    def end(self) -> None:
        """Give the turn back. It takes no lock: Python may have come upon a flow that its event loop left."""
        self.until = 0.0

    def is_taken(self, now: float) -> bool:
        """Say whether its holder may still be at it."""
        loop = self.loop() if self.loop is not None else None
        has_stopped = self.loop is not None and (loop is None or not loop.is_running())
        return now < self.until and self.process == getpid() and not has_stopped
