"""How an operation is executed in SQLite: as one transaction or one read, here or in a thread.

An operation is written as a function that decides over a Transaction and waits for nothing; `writing` and `reading` make
operations of such functions.

Every write begins by unlocking the account's vault, so it knows of a data key that somebody else has renewed. A read takes the
vault as the last write left it: the hot path is one statement. If a value does not open then, somebody has renewed the data key
since, or changed the file: the vault is unlocked anew, and the value is read once more.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial, wraps
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import Principal
from monite_auth.processes.lifetimes import PerProcess
from monite_auth.stores.dates import Began, WallClock
from monite_auth.stores.protocol import Store
from monite_auth.stores.sealing import SealBroken, Vault
from monite_auth.stores.sqlite.connections import Connections
from monite_auth.stores.sqlite.keys import AccountKeys, VaultLocked
from monite_auth.stores.sqlite.open_file import OpenFile
from monite_auth.stores.sqlite.sweep import Sweeper
from monite_auth.tokens import Clock

__all__ = ["Execution", "Executor", "Transaction", "reading", "writing"]

Result = TypeVar("Result")
Kind = TypeVar("Kind", bound="Execution")
Arguments = ParamSpec("Arguments")


class Transaction(NamedTuple):
    """All that an operation decides over: the rows of an `account`, its vault, and the time.

    `now` is the file's time. `ahead`: by how many seconds it is ahead of the `wall_clock`, which dates logins.

    Names are digests that only this account can make, so rows that are found by a name are its own. Where rows are found
    otherwise, their column `account` says whose they are.
    """

    db: sqlite3.Connection
    vault: Vault
    account: str
    now: float
    ahead: float
    wall_clock: WallClock

    def began(self, principal: Principal) -> Began | None:
        """Return when the principal's session began by its date, in the file's time."""
        return Began.of(principal, now=self.now, wall_clock=self.wall_clock)


Decide = Callable[Concatenate[Kind, Transaction, Arguments], Result]
Operation = Callable[Concatenate[Kind, Arguments], Coroutine[Any, Any, Result]]


class Executor(Protocol):
    """Does `work`, here or in another thread."""

    def __call__(self, work: Callable[[], Result]) -> Awaitable[Result]:
        """Run `work`, and return its result."""


class Execution:
    """Runs the operations of one account in one of their two forms, which differ in how they do `reads` and `writes`.

    `store`: closes its file when nobody has it any more, so this keeps it.
    `session_memory`: for how many seconds ended sessions are remembered.
    `clock`: the wall clock, which dates logins. `token_clock`: that of the tokens which callers bring and get.
    """

    def __init__(
        self,
        store: Store,
        keys: AccountKeys,
        sweeper: Sweeper,
        file: PerProcess[OpenFile],
        reads: Executor,
        writes: Executor,
        *,
        session_memory: float,
        requests_per_second: float,
        clock: WallClock,
        token_clock: Clock,
    ) -> None:
        self._store = store
        self._keys = keys
        self._sweeper = sweeper
        self._file = file
        self._reads = reads
        self._writes = writes
        self._session_memory = session_memory
        self._requests_per_second = requests_per_second
        self._clock = clock
        self._token_clock = token_clock

    # -- writes

    def _write(self, decide: Callable[[Transaction], Result]) -> Awaitable[Result]:
        return self._writes(partial(self._write_until, self._file().connections.deadline(), decide))

    def _write_until(self, until: float, decide: Callable[[Transaction], Result]) -> Result:
        return self._retry_while_replaced(lambda connections: self._write_once(connections, until, decide))

    def _retry_while_replaced(self, work: Callable[[Connections], Result]) -> Result:
        """Do `work` with connections to the file at the path; do it again if that was replaced meanwhile."""
        file = self._file()
        connections = file.present()
        while True:
            try:
                result = work(connections)
            except StoreUnavailable:
                if not connections.was_replaced():
                    raise
            else:
                if not connections.was_replaced():
                    return result
            connections = file.opened_anew(connections)

    def _write_once(
        self, connections: Connections, until: float, decide: Callable[[Transaction], Result]
    ) -> Result:
        def unlock_decide_and_sweep(db: sqlite3.Connection) -> Result:
            vault = self._keys.unlock(db, connections.opening)
            transaction = self._transaction(db, vault, connections)
            result = decide(transaction)
            self._sweeper.sweep(db, transaction.now)
            return result

        result = connections.write(unlock_decide_and_sweep, until=until)
        if self._keys.has_traces:
            self._wipe(connections, until)
        return result

    def _wipe(self, connections: Connections, until: float) -> None:
        """Empty the file's log after the data key was renewed; if that cannot be done now, the next opening tries again."""
        self._keys.has_traces = False
        with suppress(StoreUnavailable):  # what this was called after is recorded
            if connections.empty_log(until=until):
                connections.write(self._keys.traces_are_gone, until=until)

    # -- reads

    async def _read(self, read: Callable[[Transaction], Result]) -> Result:
        """Read with one statement; raise SealBroken if something does not open."""
        return await self._reads(partial(self._read_until, self._file().connections.deadline(), read))

    async def _read_or_none(self, read: Callable[[Transaction], Result | None]) -> Result | None:
        """Read as `_read` does; warn and return None if something does not open: something else has put it there."""
        try:
            return await self._read(read)
        except SealBroken:
            self._keys.warn()
            return None

    def _read_until(self, until: float, read: Callable[[Transaction], Result]) -> Result:
        return self._retry_while_replaced(lambda connections: self._read_once(connections, until, read))

    def _read_once(
        self, connections: Connections, until: float, read: Callable[[Transaction], Result]
    ) -> Result:
        def read_unlocked(db: sqlite3.Connection) -> Result:
            opening = connections.opening
            vault = self._keys.unlocked(opening) or self._keys.unlock_to_read(db, opening)
            return read(self._transaction(db, vault, connections))

        with suppress(VaultLocked, SealBroken):
            return connections.read(read_unlocked, until=until)
        vault = self._write_once(connections, until, lambda transaction: transaction.vault)
        return connections.read(lambda db: read(self._transaction(db, vault, connections)), until=until)

    def _read_at_once(self, read: Callable[[Transaction], Result]) -> Result:
        """Read as `_read` does if nothing has to be waited for; raise Locked or VaultLocked otherwise."""
        connections = self._file().present()
        vault = self._keys.unlocked(connections.opening)
        if vault is None:
            raise VaultLocked
        return connections.read_at_once(lambda db: read(self._transaction(db, vault, connections)))

    def _transaction(self, db: sqlite3.Connection, vault: Vault, connections: Connections) -> Transaction:
        now = connections.file_time.now()
        return Transaction(db, vault, self._keys.account, now, now - self._clock(), self._clock)


def writing(decide: Decide[Kind, Arguments, Result]) -> Operation[Kind, Arguments, Result]:
    """Make an operation of a function that decides: it runs in one transaction."""

    @wraps(decide)
    async def operation(self: Kind, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return await self._write(lambda transaction: decide(self, transaction, *args, **kwargs))

    return operation


def reading(decide: Decide[Kind, Arguments, Result]) -> Operation[Kind, Arguments, Result]:
    """Make an operation of a function that reads with one statement: it waits for no writer."""

    @wraps(decide)
    async def operation(self: Kind, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        return await self._read(lambda transaction: decide(self, transaction, *args, **kwargs))

    return operation
