"""The outbox of applications without Django: the table `monite_endings` of their own database (docs/transactions.md has its DDL)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from typing import Any, TypeVar, cast
from uuid import uuid4

from monite_auth.errors import ConfigurationError
from monite_auth.outbox.connections import dialect_of, execute, fetch
from monite_auth.outbox.ending import Ending, Outbox
from monite_auth.processes.flows import Flow, run
from monite_auth.processes.lifetimes import PerProcess
from monite_auth.processes.threads import Threads

__all__ = ["TableOutbox", "outbox_of", "write"]

Result = TypeVar("Result")

Opened = AbstractContextManager[Any] | AbstractAsyncContextManager[Any]

Opener = Callable[[], Opened]
"""Opens a connection for a while: a context that commits when it is left without an error."""

LOOPS = PerProcess(lambda: Threads(4, name="monite_auth outbox"))
"""Run the event loops in which engines that know nothing else are asked: the caller's thread may have one already."""

NOW = {
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) AS double precision)",  # now() stands still in a transaction
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
}
"""The time of the database, epoch seconds. One clock dates a row and says how old it is, so hosts need not agree."""

INSERT = "INSERT INTO monite_endings (id, account, what, user_id, at) VALUES (:id, :account, :what, :user_id, {now})"
FIND = "SELECT id, what, user_id, {now} - at FROM monite_endings WHERE account = :account ORDER BY at"
DELETE = "DELETE FROM monite_endings WHERE id = :id"


async def write(connection: Any, account: str, what: str, user_id: str) -> str:
    """Write a row in the connection's transaction, and return its id.

    Raises TypeError for a connection of another library, ConfigurationError for another kind of database, and whatever its driver
    raises.
    """
    values = {"id": uuid4().hex, "account": account, "what": what, "user_id": user_id}
    await execute(connection, _dated(INSERT, connection), values)
    return values["id"]


async def _find(connection: Any, account: str) -> list[Ending]:
    rows = await fetch(connection, _dated(FIND, connection), {"account": account})
    return [Ending(str(id_), str(what), str(user_id), float(ago)) for id_, what, user_id, ago in rows]


async def _delete(connection: Any, endings: Sequence[Ending]) -> None:
    for each in endings:
        await execute(connection, DELETE, {"id": each.id})


class TableOutbox:
    """Finds the rows that `write` has written, by connections of its own."""

    is_left_to_writers = False

    def __init__(self, source: object) -> None:
        self._open = _opener(source)

    def find(self, account: str) -> dict[str, list[Ending]]:
        """See Outbox. There is one database, which needs no name."""
        return {"": self._within(partial(_find, account=account))}

    def delete(self, endings: Sequence[Ending]) -> None:
        """See Outbox."""
        self._within(partial(_delete, endings=endings))

    def _within(self, work: Callable[[Any], Flow[Result]]) -> Result:
        opened = self._open()
        if isinstance(opened, AbstractContextManager):
            with opened as connection:
                return run(work(connection))
        return LOOPS().submit(lambda: asyncio.run(_awaited(opened, work))).result()


async def _awaited(
    opened: AbstractAsyncContextManager[Any], work: Callable[[Any], Awaitable[Result]]
) -> Result:
    async with opened as connection:
        return await work(connection)


def outbox_of(source: object) -> Outbox | None:
    """Return the outbox that a TokenBroker was given, or made of it. Raises ConfigurationError for what opens nothing."""
    is_one = source is None or all(hasattr(source, name) for name in ("find", "delete", "is_left_to_writers"))
    return cast("Outbox | None", source) if is_one else TableOutbox(source)


def _opener(source: object) -> Opener:
    """Return what opens a connection: an engine's or a sessionmaker's `begin`, a pool's `connection`, or the function itself."""
    for name in ("begin", "connection"):
        if callable(found := getattr(source, name, None)):
            return cast("Opener", found)
    if callable(source):
        return cast("Opener", source)
    raise ConfigurationError(
        "outbox is what opens a connection to the application's database: an engine or a sessionmaker of SQLAlchemy, a pool "
        f"of psycopg, or a function, not {type(source).__name__}."
    )


def _dated(statement: str, connection: Any) -> str:
    dialect = dialect_of(connection)
    if dialect not in NOW:
        raise ConfigurationError(
            f"An outbox can be in PostgreSQL or SQLite; this connection is one to {dialect}."
        )
    return statement.format(now=NOW[dialect])
