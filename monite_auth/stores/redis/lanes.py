"""Lanes: how many connections are in use at a time, and who waits for one.

Peeks have a lane of their own, so that many of them hold up neither the mint that they wait for nor a logout. Waiting for a free
connection is the process's own queue. It counts against no timeout: the server is not asked meanwhile.
"""

import asyncio
import threading
from typing import Literal, Protocol

from monite_auth.processes.running_time import RunningTime

__all__ = [
    "CONNECTION_LIMITS",
    "GROWING_SHARE",
    "LARGEST_LIMITS",
    "Lane",
    "LaneName",
    "LoopLane",
    "ThreadLane",
]

LaneName = Literal["peek", "other"]

CONNECTION_LIMITS: dict[LaneName, int] = {"peek": 4, "other": 8}
"""Connections in each lane, at first. To open one takes as long as ten commands, so waiting for a free one is quicker; and with more
of them, threads wait for each other inside the interpreter."""

LARGEST_LIMITS: dict[LaneName, int] = {"peek": 64, "other": 32}
"""Connections in each lane, at the most. Those for peeks carry 640 a second to a server that takes 100 ms. More processes share a
server than one, and it takes 10,000 connections by default."""

GROWING_SHARE = 0.1
"""The share of the timeout after which another connection is opened for those who wait for a free one. By default it is a tenth of a
second: at a server nearby nobody waits that long."""


class Lane(Protocol):
    """A limited number of connections."""

    async def enter(self) -> None:
        """Wait for a free connection."""

    def leave(self) -> None:
        """Let the next one in."""


class ThreadLane:
    """The connections that threads may use at a time; more of them while threads wait for long and the server answers.

    `timeout`: the seconds that a command may take.
    """

    def __init__(self, name: LaneName, timeout: float) -> None:
        self._grows_after = timeout * GROWING_SHARE
        self._free = threading.Semaphore(CONNECTION_LIMITS[name])
        self._lock = threading.Lock()
        self._spare = LARGEST_LIMITS[name] - CONNECTION_LIMITS[name]
        self._left = 0
        """How many have left. While nobody does, the server hangs, and more connections would hang too."""

    async def enter(self) -> None:
        """Wait for a free connection, or take one more."""
        if self._free.acquire(blocking=False):
            return
        left = self._left
        while self._spare:
            if self._free.acquire(timeout=self._grows_after) or (
                self._left != left and self._takes_one_more()
            ):
                return
        self._free.acquire()

    def _takes_one_more(self) -> bool:
        with self._lock:
            if not self._spare:
                return False
            self._spare -= 1  # for good: `leave` adds its place to the others
            return True

    def leave(self) -> None:
        """Let the next one in."""
        self._left += 1
        self._free.release()


class LoopLane:
    """As ThreadLane, for the tasks of one event loop."""

    def __init__(self, name: LaneName, timeout: float) -> None:
        self._grows_after = timeout * GROWING_SHARE
        self._free = asyncio.Semaphore(CONNECTION_LIMITS[name])
        self._spare = LARGEST_LIMITS[name] - CONNECTION_LIMITS[name]
        self._left = 0

    async def enter(self) -> None:
        """Wait for a free connection, or take one more."""
        left = self._left
        while self._spare and self._free.locked():
            try:
                async with RunningTime(self._grows_after):
                    await self._free.acquire()
            except TimeoutError:
                if self._spare and self._left != left:
                    self._spare -= 1
                    return
            else:
                return
        await self._free.acquire()

    def leave(self) -> None:
        """Let the next one in."""
        self._left += 1
        self._free.release()
