"""Coalesced reads: on one event loop, one read answers all who ask the same and have asked before it begins.

Fifty tasks that come to a slot at once would each ask PostgreSQL, one after the other over a few connections, and keep the loop from
the mint that they all need. So there is one read of the same thing at a time:

| a caller comes | and gets |
|---|---|
| while nobody reads this | what it reads itself, at once |
| while a read is under way | what the *next* read brings: a logout may have been answered after the present one began |

Whoever is the first in turn reads for all who wait for the same read. If that caller is cancelled, the next one reads. A read that fails
has failed for all who are there by then: those who wait for the next read would only wait for a server that hangs a second time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable

from monite_auth.stores.postgres.statements import Row

__all__ = ["CoalescedReads"]


class _Read:
    """One read: what it has brought, once it is over."""

    __slots__ = ("failure", "rows")

    def __init__(self) -> None:
        self.rows: list[Row] | None = None
        self.failure: Exception | None = None

    @property
    def is_over(self) -> bool:
        return self.rows is not None or self.failure is not None


class _Line:
    """Those who ask the same: how many `callers`, the `turn` that the reading one holds, the `next` read, which has not begun."""

    __slots__ = ("callers", "next", "turn")

    def __init__(self) -> None:
        self.callers = 0
        self.turn = asyncio.Lock()
        self.next = _Read()


class CoalescedReads:
    """The reads of one event loop."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}

    async def rows(self, what: Hashable, read: Callable[[], Awaitable[list[Row]]]) -> list[Row]:
        """Return what `read` returns, or has returned to another caller who asked for the same `what`. Raises as `read` does."""
        line = self._lines.get(what)
        if line is None:
            line = self._lines[what] = _Line()
        mine = line.next
        line.callers += 1
        try:
            await line.turn.acquire()
            try:
                if not mine.is_over:
                    await self._read(line, mine, read)
            except asyncio.CancelledError:
                line.turn.release()
                raise
            # In no `finally`: where a flow is left in the middle (GeneratorExit), there is no event loop to wake anybody.
            line.turn.release()
        finally:
            line.callers -= 1
            if not line.callers:
                del self._lines[what]
        if mine.failure is not None:
            raise mine.failure.with_traceback(None)  # else each who raises it adds its own
        assert mine.rows is not None
        return mine.rows

    async def _read(self, line: _Line, mine: _Read, read: Callable[[], Awaitable[list[Row]]]) -> None:
        line.next = _Read()  # for those who come from now on
        try:
            mine.rows = await read()
        except Exception as error:  # noqa: BLE001 - it is raised where the rows are awaited
            mine.failure = line.next.failure = error
            line.next = _Read()
