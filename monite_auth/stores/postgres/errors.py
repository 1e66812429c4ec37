"""What PostgreSQL says, and the errors of ours that it becomes: in words, without a password, without the driver's exception."""

from psycopg import pq

from monite_auth.errors import ConfigurationError, MoniteAuthError, StoreReadOnly, StoreUnavailable
from monite_auth.stores.postgres.address import Address

__all__ = [
    "ANOTHER_KEY",
    "CLOCK_SET",
    "AnotherKey",
    "CannotOpen",
    "ClockSet",
    "SchemaMissing",
    "ServerError",
    "lost",
    "store_is_unsettled",
    "strange_row",
    "translated",
]

ANOTHER_KEY = "MA001"
"""The SQLSTATE with which our functions say that the caller does not know the data key in force."""

CLOCK_SET = "MA002"
"""The SQLSTATE with which they say that the server's clock shows what the caller does not expect, or that another process has noted a step."""

READ_ONLY = ("25006", "53100")
"""read_only_sql_transaction, disk_full: the server answers, and can be read."""

AGAIN = ("40001", "40P01")
"""serialization_failure, deadlock_detected: nothing was done, and another try will do."""

MISSING = ("3F000", "42P01", "42883", "42703")
"""The schema, a table, a function or a column is not there."""

REFUSED = ("42501",)
"""insufficient_privilege."""

LOCKED = ("55P03", "57014")
"""lock_not_available, query_canceled: another session holds a lock of ours, or the server's own limit was reached."""

LOGIN_REFUSED = (
    "authentication failed",
    "no pg_hba.conf entry",
    "no password supplied",
    "role ",
    "permission denied for database",
    "does not support SSL",
    "certificate",
    " does not exist",
    "invalid ",
)
"""Words in what libpq says where a connection was refused for what the URL says, and not because the server is down.

The last two are about a database, and about the value of an option (`sslmode`).
"""

NO_CONNECTION_LEFT = "too many connections"
"""Words in what libpq says where the user, or the database, has as many connections as it may have: nothing in the URL is wrong."""


class ServerError(Exception):
    """What the server said of a statement: its SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate

    @classmethod
    def of(cls, result: pq.abc.PGresult) -> "ServerError":
        """Return the error in a result."""
        sqlstate, message = (
            (result.error_field(field) or b"").decode("utf-8", "replace")
            for field in (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY)
        )
        return cls(sqlstate, message)

    @property
    def is_worth_another_try(self) -> bool:
        """Whether the same statement may succeed at once."""
        return self.sqlstate in AGAIN

    @property
    def is_read_only(self) -> bool:
        """Whether the server only takes no writes."""
        return self.sqlstate in READ_ONLY

    @property
    def is_about_the_schema(self) -> bool:
        """Whether something of the schema is missing."""
        return self.sqlstate in MISSING

    @property
    def ends_the_connection(self) -> bool:
        """Whether the server has ended the connection: it shuts down, or an administrator has killed the backend."""
        return self.sqlstate.startswith("57P") or self.sqlstate.startswith("08")


class AnotherKey(Exception):
    """Another data key is in force than the caller knows: it opens the envelope again."""


class ClockSet(Exception):
    """The server's clock was set, or is another one: the caller looks at it."""


class SchemaMissing(Exception):
    """The tables and functions are not there, or not all of them: nobody has made them yet, or somebody has dropped them."""


class CannotOpen(OSError):
    """No connection could be opened, and why, as libpq says it."""


def lost(error: BaseException | None) -> ConnectionError:
    """Return the error for a connection that broke."""
    return ConnectionError(str(error).strip() if error is not None else "the connection was closed")


def translated(error: Exception, address: Address, timeout: float, *, has_worked: bool) -> MoniteAuthError:
    """Return our error for one of the server or of the way there.

    `timeout`: the seconds that a statement was given. `has_worked`: whether this server has answered before. If so, a refusal is an
    outage rather than a mistake of configuration.
    """
    where = f"PostgreSQL at {address.shown}"
    said = " ".join(str(error).split())
    for secret in address.secrets:
        said = said.replace(secret, "***")
    if isinstance(error, TimeoutError):
        return StoreUnavailable(f"{where} did not answer within {timeout:g} s.")
    if isinstance(error, ServerError):
        return _of_server(error, where, said, has_worked=has_worked)
    if isinstance(error, CannotOpen) and _is_refused(said):
        message = (
            f"{where} cannot be used in this way ({said.rstrip('.')}). Check user name, password, database and options "
            "(sslmode, sslrootcert) in MONITE_STORE_URL."
        )
        return StoreUnavailable(message) if has_worked else ConfigurationError(message)
    return StoreUnavailable(f"{where} cannot be reached: {said.rstrip('.') or type(error).__name__}.")


def _is_refused(said: str) -> bool:
    return NO_CONNECTION_LEFT not in said and any(each in said for each in LOGIN_REFUSED)


def _of_server(error: ServerError, where: str, said: str, *, has_worked: bool) -> MoniteAuthError:
    state = error.sqlstate
    if state in READ_ONLY:
        return StoreReadOnly(f"{where} takes no writes: {said}.")
    if state in REFUSED:
        message = (
            f"{where} refuses this user's statements ({said}). The tables are not there, or are another user's: have somebody "
            "run what `monite-auth store sql --role USER` prints who may create a schema."
        )
        return StoreUnavailable(message) if has_worked else ConfigurationError(message)
    if state in LOCKED:
        return StoreUnavailable(
            f"{where}: another session holds a lock, or the server has cancelled the statement ({said}). Does a backup, a migration or "
            "an open shell hold a transaction on the schema monite_auth?",
            retry_after=1,
            part="a locked record",
        )
    return StoreUnavailable(f"{where} refuses to work: {said} (SQLSTATE {state}).")


def strange_row() -> StoreUnavailable:
    """Return the error for a row with what the store never writes."""
    return StoreUnavailable(
        "The token store in PostgreSQL has a row with what the store never writes. Has another program changed it?",
        part="a row",
    )


def store_is_unsettled() -> StoreUnavailable:
    """Return the error where the data key was found changed again and again within one operation."""
    return StoreUnavailable(
        "The store in PostgreSQL is being set up anew, time and again: do several share its schema?"
    )
