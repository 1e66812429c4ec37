"""Connections to PostgreSQL, whether of threads or of an event loop: they execute a statement, and return its rows.

*Trying again.* A statement is executed twice at most, and only here:

| the first time | why it is executed again |
|---|---|
| its connection broke, or the server has ended it | it was idle, and a restart, a failover or an administrator has cut it |
| the server says that it takes no writes | another server may be the primary by now |
| a deadlock | the server has undone one of the two |
| no answer came within half the timeout, over a connection that was idle | a firewall may have forgotten it; those that are idle are closed with it |

The second time goes over a fresh connection, except after a deadlock. The first may have been carried out all the same; every statement
can bear that, as `operations` says for each.

*Whose time counts.* Waiting for a free connection counts against no timeout. Neither does the time in which an event loop was blocked.
Once the server is found to hang, all those fail at once who were waiting for a connection meanwhile.
"""

import math
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from monite_auth.stores.postgres.address import Address
from monite_auth.stores.postgres.errors import (
    ANOTHER_KEY,
    CLOCK_SET,
    AnotherKey,
    ClockSet,
    SchemaMissing,
    ServerError,
    strange_row,
    translated,
)
from monite_auth.stores.postgres.link import Link, Steps
from monite_auth.stores.postgres.statements import Argument, Row, Statement

__all__ = ["LANE_LIMITS", "Connections"]

LANE_LIMITS = {"peek": 4, "other": 4}
"""Connections in use at a time, of all threads of a process together and of each event loop. PostgreSQL takes 100 by default, from all
programs. Peeks have a lane of their own, so that many of them hold up neither the mint that they wait for nor a logout."""

FIRST_SHARE = 0.5
"""The part of the timeout for the first answer over a connection that may be old."""

STRANGE = (ValueError, IndexError, ArithmeticError)
"""What Python raises when something is in a row that we do not write."""


class Connections(ABC):
    """Executes statements. `timeout`: the seconds that one may take."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
        self._timeout = timeout
        self._has_worked = False
        self._hung_at = -math.inf
        self._idle: deque[Link] = deque()

    @abstractmethod
    async def _enter(self, lane: str) -> None:
        """Wait for a free connection."""

    @abstractmethod
    def _leave(self, lane: str) -> None:
        """Let the next one in."""

    @abstractmethod
    async def _acquire(self) -> Link:
        """Open a connection, or take one that another caller has just given back."""

    @abstractmethod
    async def _take(self, link: Link, steps: Steps, patience: float) -> list[Row]:
        """Take the steps to their end. Raises TimeoutError after `patience` seconds."""

    @abstractmethod
    def one_at_a_time(self) -> AbstractAsyncContextManager[None]:
        """Have those who open an envelope wait for each other."""

    async def run(
        self, statement: Statement, arguments: Sequence[Argument], *, is_setup: bool = False
    ) -> list[Row]:
        """Execute a statement and return its rows. `is_setup`: it comes before the first operation, and may find that none is possible.

        Raises: StoreUnavailable, ConfigurationError; AnotherKey, ClockSet, SchemaMissing.
        """
        lane = "peek" if statement.is_peek else "other"
        patience = statement.patience * self._timeout
        rows = await self._run(lane, lambda link: link.execute(statement, arguments), patience)
        self._has_worked = self._has_worked or not is_setup
        return rows

    async def script(self, text: str, *, patience: float) -> None:
        """Execute some statements in one transaction, to set up. `patience`: seconds. Raises as `run` does."""
        await self._run("other", lambda link: link.script(text), patience)

    async def _run(self, lane: str, execute: Callable[[Link], Steps], patience: float) -> list[Row]:
        queued_at = time.monotonic()
        await self._enter(lane)
        try:
            if self._hung_at > queued_at:
                raise TimeoutError
            return await self._try_twice(execute, patience)
        except (ServerError, OSError, *STRANGE) as error:
            failure = self._failure(error, patience)
        finally:
            self._leave(lane)
        raise failure  # here, where it has no context: the frames of that hold the address with its password

    def _failure(self, error: Exception, patience: float) -> Exception:
        if isinstance(error, ServerError):
            if error.sqlstate == ANOTHER_KEY:
                return AnotherKey()
            if error.sqlstate == CLOCK_SET:
                return ClockSet()
            if error.is_about_the_schema:
                return SchemaMissing()
        elif isinstance(error, TimeoutError):
            self._hung_at = time.monotonic()
            self.close_idle()
        elif isinstance(error, STRANGE):
            return strange_row()
        return translated(error, self.address, patience, has_worked=self._has_worked)

    async def _try_twice(self, execute: Callable[[Link], Steps], patience: float) -> list[Row]:
        has_idle = bool(self._idle)
        try:
            return await self._try_once(execute, patience * FIRST_SHARE if has_idle else patience)
        except ServerError as error:
            if not self._may_try_again(error):
                raise
        except TimeoutError:
            if not has_idle:
                raise
            self.close_idle()
        except ConnectionError:
            self.close_idle()
        return await self._try_once(execute, patience)

    def _may_try_again(self, error: ServerError) -> bool:
        if error.ends_the_connection or error.is_read_only:
            self.close_idle()  # they lead to the same server
            return True
        return error.is_worth_another_try

    async def _try_once(self, execute: Callable[[Link], Steps], patience: float) -> list[Row]:
        # The present stack: a connection in use during a close does not come back to the next one.
        idle = self._idle
        link = idle.pop() if idle else await self._acquire()
        try:
            rows = await self._take(link, execute(link), patience)
        except ServerError as error:
            if error.ends_the_connection or error.is_read_only or link.is_broken:
                link.close()
            else:
                idle.append(link)
            raise
        except BaseException:
            link.close()
            raise
        idle.append(link)
        return rows

    def close_idle(self) -> None:
        """Close the connections that nobody uses now; they are opened again when they are needed."""
        idle, self._idle = self._idle, deque()
        while idle:
            try:
                idle.pop().close()
            except IndexError:  # a thread that holds this stack was quicker
                break
