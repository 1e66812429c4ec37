"""Lanes: how many connections are in use at a time, and who waits for one.

Peeks have a lane of their own, so that many of them hold up neither the mint that they wait for nor a logout. Waiting for a free
connection is the process's own queue. It counts against no timeout: the server is not asked meanwhile.
"""

import asyncio
import threading
from typing import Literal, Protocol

from monite_auth.processes.running_time import RunningTime

__all__ = ["CONNECTION_LIMITS", "GROWTH", "Lane", "LaneName", "LoopLane", "ThreadLane"]

LaneName = Literal["peek", "other"]

CONNECTION_LIMITS: dict[LaneName, int] = {"peek": 4, "other": 8}
"""Connections in each lane. To open one takes as long as ten commands, so waiting for a free one is quicker; and with more of
them, threads wait for each other inside the interpreter."""

GROWTH = 4
"""Factor by which the lanes of an event loop may grow. Eight connections to a server that takes 50 ms carry 160 commands a
second, which 250 cold users exceed by far; four times as many carry them within a deadline."""

GROWS_AFTER = 0.1
"""Seconds of waiting for a free connection after which another one is opened: to a server nearby nobody waits that long."""


class Lane(Protocol):
    """A limited number of connections."""

    async def enter(self) -> None:
        """Wait for a free connection."""

    def leave(self) -> None:
        """Let the next one in."""


class ThreadLane:
    """The connections that threads may use at a time."""

    def __init__(self, limit: int) -> None:
        self._free = threading.Semaphore(limit)

    async def enter(self) -> None:
        """Wait for a free connection."""
        self._free.acquire()

    def leave(self) -> None:
        """Let the next one in."""
        self._free.release()


class LoopLane:
    """The connections that the tasks of one event loop may use at a time; more of them while tasks wait for long."""

    def __init__(self, limit: int) -> None:
        self._free = asyncio.Semaphore(limit)
        self._spare = limit * (GROWTH - 1)

    async def enter(self) -> None:
        """Wait for a free connection, or take one more."""
        if self._spare and self._free.locked():
            try:
                async with RunningTime(GROWS_AFTER):
                    await self._free.acquire()
            except TimeoutError:
                if self._spare:
                    self._spare -= 1  # for good: `leave` adds its place to the others
                    return
            else:
                return
        await self._free.acquire()

    def leave(self) -> None:
        """Let the next one in."""
        self._free.release()
