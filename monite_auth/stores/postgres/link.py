"""One connection to PostgreSQL: what is sent over it, what comes back, and what to wait for meanwhile.

Steps are generators that yield whether to wait until the socket can be read or written. Threads wait in one way and event loops in
another (`thread_connections`, `loop_connections`); what happens in between is here, once. A link whose steps were not taken to their
end must be closed.
"""

import select
from collections.abc import Generator, Sequence

import psycopg
from psycopg import pq

from monite_auth.stores.postgres.errors import ServerError, lost
from monite_auth.stores.postgres.statements import Argument, Row, Statement

__all__ = ["READ", "WRITE", "Link", "Steps"]

READ, WRITE = 1, 2
"""What to wait for."""

Steps = Generator[int, None, list[Row]]

# As plain numbers: members of an enumeration take microseconds of every hit.
GOOD = (int(pq.ExecStatus.TUPLES_OK), int(pq.ExecStatus.COMMAND_OK))
TEXT, BINARY = int(pq.Format.TEXT), int(pq.Format.BINARY)

UNKNOWN_STATEMENT, KNOWN_STATEMENT = "26000", "42P05"
"""SQLSTATEs: the statement is not, or is already, prepared on this connection."""


class Link:
    """A connection that is open."""

    def __init__(self, connection: pq.abc.PGconn) -> None:
        connection.nonblocking = 1
        self._connection = connection
        self.socket = connection.socket
        self.readable = select.poll()
        """Waits in a thread until the socket can be read."""
        self.readable.register(self.socket, select.POLLIN)
        self._prepared: set[bytes] = set()
        self._prepares = True

    def close(self) -> None:
        """Close the connection."""
        self._connection.finish()

    @property
    def is_broken(self) -> bool:
        """Whether the connection can be used no more."""
        return self._connection.status != pq.ConnStatus.OK

    @property
    def backend_pid(self) -> int:
        """The process ID of the server's end, or what a pooler has made up for it."""
        return self._connection.backend_pid

    def notifications(self) -> list[str]:
        """Return what was told since (LISTEN). Raises OSError where the connection is lost."""
        told = []
        try:
            self._connection.consume_input()
            while (each := self._connection.notifies()) is not None:
                told.append(each.extra.decode())
        except psycopg.Error as error:
            raise lost(error) from None
        return told

    def execute(self, statement: Statement, arguments: Sequence[Argument]) -> Steps:
        """Execute a statement and return its rows.

        Raises: ServerError for what the server says, OSError where the connection is lost.
        """
        values = [each.encode() if type(each) is str else _written(each) for each in arguments]
        formats = [BINARY if type(each) is bytes else TEXT for each in arguments]
        connection = self._connection
        if self._prepares and statement.name not in self._prepared:
            try:
                connection.send_prepare(statement.name, statement.text)
            except psycopg.Error as error:
                raise lost(error) from None
            yield from self._answer(KNOWN_STATEMENT)
            self._prepared.add(statement.name)
        try:
            if self._prepares:
                connection.send_query_prepared(statement.name, values, formats, BINARY)
            else:
                connection.send_query_params(statement.text, values, None, formats, BINARY)
        except psycopg.Error as error:
            raise lost(error) from None
        try:
            answer = yield from self._answer()
        except ServerError as error:
            if error.sqlstate != UNKNOWN_STATEMENT or not self._prepares:
                raise
            # A pooler has given this transaction another connection. From now on the text goes along each time.
            self._prepares = False
            return (yield from self.execute(statement, arguments))
        return _rows(answer, statement)

    def script(self, text: str) -> Steps:
        """Execute some statements without arguments, in one transaction; return no rows."""
        try:
            self._connection.send_query(text.encode())
        except psycopg.Error as error:
            raise lost(error) from None
        yield from self._answer()
        return []

    def _answer(self, *harmless: str) -> Generator[int, None, pq.abc.PGresult]:
        connection = self._connection
        try:
            while connection.flush():
                yield WRITE
            last: pq.abc.PGresult | None = None
            failed: pq.abc.PGresult | None = None
            yield READ  # the answer is never there already
            connection.consume_input()
            while True:
                while connection.is_busy():
                    yield READ
                    connection.consume_input()
                result = connection.get_result()
                if result is None:
                    break
                last = result
                if result.status not in GOOD:
                    failed = result
        except psycopg.Error as error:
            raise lost(error) from None
        if failed is not None:
            said = ServerError.of(failed)
            if said.sqlstate not in harmless:
                raise said
        if last is None:
            raise lost(None)
        return last


def _written(argument: Argument) -> bytes | None:
    match argument:
        case None | bytes():
            return argument
        case str():
            return argument.encode()
        case bool():
            return b"t" if argument else b"f"
    return repr(argument).encode()


def _rows(result: pq.abc.PGresult, statement: Statement) -> list[Row]:
    columns, value = statement.columns, result.get_value
    return [
        tuple([None if (cell := value(row, column)) is None else decode(cell) for column, decode in columns])
        for row in range(result.ntuples)
    ]
