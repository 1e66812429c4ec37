"""A timeout for event loops that counts only the time in which the loop ran.

A loop that was blocked for two seconds (a view that hashes passwords, a garbage collection, a suspended laptop) finds its
timers over and the server's answer waiting, and must not take the server for dead. So time is counted in ticks. A tick that
fires late counts as one, however late it is.
"""

import asyncio
from types import TracebackType

__all__ = ["RunningTime"]

TICK = 0.05
"""Seconds of a tick. An answer takes about four rounds of the loop to be read, so a loop that is blocked in every round still
gets them within half a second of ticks."""


class RunningTime:
    """As `asyncio.timeout(seconds)`, in time in which the event loop ran. Raises TimeoutError."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._loop = asyncio.get_running_loop()
        self._wait()

    def _wait(self) -> None:
        seconds = min(self._left, TICK)
        self._left -= seconds
        self._timer = self._loop.call_later(seconds, self._tick)

    def _tick(self) -> None:
        if self._left > 0:
            self._wait()
        else:
            self._timeout.reschedule(self._loop.time())

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        await self._timeout.__aexit__(kind, error, traceback)
