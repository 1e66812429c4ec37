"""Coalesced reads: on one event loop, one read answers all who ask the same and have asked before it begins.

Fifty tasks that come to a slot at once would each ask PostgreSQL, one after the other over a few connections, and keep the loop from
the mint that they all need. So where no connection is free, there is one read of the same thing at a time:

| a caller comes | and gets |
|---|---|
| while nobody reads this | what it reads itself |
| while a read is under way | what the *next* read brings: a logout may have been answered after the present one began |

Whoever begins a read reads for all who wait by then, and for those who have waited for the one before. If that caller is cancelled, another
one begins. A read that fails has failed for all who wait, also for the next one: they would only wait for a server that hangs a second time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress

from monite_auth.stores.postgres.statements import Row

__all__ = ["CoalescedReads"]


class _Read:
    """A read that is under way, and what it has brought when it is over: rows, a failure, or nothing where it was cancelled."""

    __slots__ = ("_waiting", "failure", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] | None = None
        self.failure: Exception | None = None
        self._waiting: list[asyncio.Future[None]] = []

    async def end(self) -> list[Row] | None:
        """Wait for the end, and return the rows. Raises the failure."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting
        if self.failure is not None:
            raise self.failure.with_traceback(None)  # else each who raises it adds its own
        return self.rows

    def wake(self) -> None:
        """Wake all who wait for the end."""
        with suppress(RuntimeError):  # the loop has been closed
            for each in self._waiting:
                if not each.done():
                    each.set_result(None)


class CoalescedReads:
    """The reads of one event loop that are under way, by what they read."""

    def __init__(self) -> None:
        self._reads: dict[Hashable, _Read] = {}

    async def rows(self, what: Hashable, read: Callable[[], Awaitable[list[Row]]]) -> list[Row]:
        """Return what `read` returns, or has returned to another caller who asked for the same `what`. Raises as `read` does."""
        older = self._reads.get(what)
        if older is not None:
            await older.end()
            # What is under way now has begun after that, and so after this caller has asked.
            while (shared := self._reads.get(what)) is not None:
                rows = await shared.end()
                if rows is not None:
                    return rows
        return await self._begin(what, read)

    async def _begin(self, what: Hashable, read: Callable[[], Awaitable[list[Row]]]) -> list[Row]:
        mine = self._reads[what] = _Read()
        try:
            mine.rows = await read()
        except Exception as error:
            mine.failure = error
            raise
        finally:
            del self._reads[what]
            mine.wake()
        return mine.rows
