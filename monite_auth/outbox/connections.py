"""How an application's connection is asked: psycopg's, or a connection or session of SQLAlchemy's.

Neither library is imported before a connection of it is there. Those for event loops return awaitables, and the others results;
so a caller awaits what is awaitable, and is a flow that `run` drives for threads.
"""

import re
from collections.abc import Mapping
from inspect import isawaitable, iscoroutinefunction
from typing import Any

__all__ = ["dialect_of", "execute", "fetch", "is_for_event_loops"]

NAMED = re.compile(r":(\w+)")
"""A value in a statement, as SQLAlchemy writes it; psycopg writes `%(name)s`."""


async def execute(connection: Any, statement: str, values: Mapping[str, Any]) -> Any:
    """Execute a statement in the connection's transaction, and return its result."""
    if _library(connection) == "psycopg":
        from psycopg.rows import tuple_row  # noqa: PLC0415 - the application has it

        cursor = connection.cursor(row_factory=tuple_row)  # whatever the application's own is
        return await _answer(cursor.execute(NAMED.sub(r"%(\1)s", statement), values))
    from sqlalchemy import text  # noqa: PLC0415 - the application has it

    return await _answer(connection.execute(text(statement), dict(values)))


async def fetch(connection: Any, statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Execute a query, and return its rows."""
    result = await execute(connection, statement, values)
    return [tuple(row) for row in await _answer(result.fetchall())]


def is_for_event_loops(connection: Any) -> bool:
    """Say whether what the connection returns is to be awaited."""
    return iscoroutinefunction(getattr(connection, "execute", None))


def dialect_of(connection: Any) -> str:
    """Return what SQLAlchemy calls the kind of database. Raises TypeError for what is no connection that is known here."""
    if _library(connection) == "psycopg":
        return "postgresql"
    bound = connection if hasattr(connection, "dialect") else connection.get_bind()
    return str(bound.dialect.name)


def _library(connection: Any) -> str:
    """Return the library that a connection is of; an application may have classes of its own, derived from the library's."""
    roots = {each.__module__.partition(".")[0] for each in type(connection).__mro__}
    found = roots & {"psycopg", "sqlalchemy"}
    if not found or not hasattr(connection, "execute"):
        raise TypeError(
            "An ending is written by a connection of psycopg, or by a connection or session of SQLAlchemy, not by "
            f"{type(connection).__module__}.{type(connection).__qualname__}."
        )
    return found.pop()


async def _answer(answer: Any) -> Any:
    return await answer if isawaitable(answer) else answer
