"""The tables of the SQLite store, and how older files come to have them.

A row names its owner by a digest (`sealing.Seal.name`) and holds secrets as sealed values; times are epoch seconds (`file_time`). A token is
one row from its mint to its end: its `state` says that it is superseded or must be revoked, so nothing is copied, or lost
between two tables, on the way there.
"""

import sqlite3
from pathlib import Path

from monite_auth.errors import ConfigurationError

__all__ = ["APPLICATION_ID", "MIGRATIONS", "OWNED", "check_library", "is_newest", "upgrade", "use_log"]

OLDEST_SQLITE = (3, 37, 0)
"""The first with STRICT tables (November 2021)."""

APPLICATION_ID = 0x4D6F6E69
"""Tells our files from those of other programs: "Moni" in the file's header."""

_VERSION_1 = (
    # The data key, wrapped by each key that may open the file.
    "CREATE TABLE keys (id TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID",
    # `id` is drawn at random: a drainer that comes back late must never meet another token under the id it knew.
    """
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY,
        state TEXT NOT NULL CHECK (state IN ('live', 'superseded', 'pending')),
        slot TEXT NOT NULL,
        user TEXT NOT NULL,
        session TEXT,
        print TEXT NOT NULL,
        sealed BLOB NOT NULL,
        expires_at REAL NOT NULL,
        issued_at REAL NOT NULL,
        renew_at REAL NOT NULL,
        due_at REAL NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    "CREATE UNIQUE INDEX tokens_live ON tokens (slot) WHERE state = 'live'",
    "CREATE INDEX tokens_of_user ON tokens (user) WHERE state <> 'pending'",
    "CREATE INDEX tokens_due ON tokens (due_at) WHERE state = 'pending'",
    "CREATE INDEX tokens_expiry ON tokens (expires_at)",
    # Slots that are being minted for, or cool down after a failure; both are over soon, and so are these rows.
    """
    CREATE TABLE mints (
        slot TEXT PRIMARY KEY,
        user TEXT NOT NULL,
        session TEXT,
        lease TEXT,
        owner TEXT,
        lease_until REAL NOT NULL DEFAULT 0,
        fenced INTEGER NOT NULL DEFAULT 0,
        rest BLOB,
        rest_until REAL NOT NULL DEFAULT 0,
        until REAL NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX mints_of_user ON mints (user)",
    "CREATE INDEX mints_expiry ON mints (until)",
    # Sessions that have claimed, and those that have ended.
    """
    CREATE TABLE sessions (
        user TEXT NOT NULL,
        session TEXT NOT NULL,
        ended INTEGER NOT NULL,
        until REAL NOT NULL,
        PRIMARY KEY (user, session)
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX sessions_expiry ON sessions (until)",
    # Users of whom everything that logged in before a moment has ended.
    """
    CREATE TABLE endings (
        user TEXT PRIMARY KEY,
        ended_before REAL NOT NULL,
        until REAL NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX endings_expiry ON endings (until)",
    # One row: the cooldown of everyone.
    "CREATE TABLE rest (one INTEGER PRIMARY KEY CHECK (one = 1), sealed BLOB NOT NULL, until REAL NOT NULL) STRICT",
    # One row: the request budget, and when it was last looked at.
    """
    CREATE TABLE budget (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        free_at REAL NOT NULL,
        gate REAL NOT NULL,
        held REAL NOT NULL,
        held_until REAL NOT NULL,
        renewals_until REAL NOT NULL,
        seen_at REAL NOT NULL
    ) STRICT
    """,
)

_VERSION_2 = (
    "CREATE TABLE notes (name TEXT PRIMARY KEY, sealed BLOB NOT NULL, until REAL NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE INDEX notes_expiry ON notes (until)",
)

_VERSION_3 = (
    # `account` is the digest of an account's name everywhere; '' is what was there before, until an account takes it over.
    # `stamp` names the data key in force, so that a process which has opened the envelope sees that it was renewed.
    # `traces`: the write-ahead log may still have what a former key opens.
    """
    CREATE TABLE accounts (
        account TEXT PRIMARY KEY,
        stamp TEXT NOT NULL,
        ended_before REAL NOT NULL DEFAULT 0,
        traces INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID
    """,
    "ALTER TABLE keys RENAME TO keys_2",
    """
    CREATE TABLE keys (
        account TEXT NOT NULL,
        id TEXT NOT NULL,
        wrapped BLOB NOT NULL,
        PRIMARY KEY (account, id)
    ) STRICT, WITHOUT ROWID
    """,
    "INSERT INTO keys SELECT '', id, wrapped FROM keys_2",
    "DROP TABLE keys_2",
    # Tokens and mints are made anew rather than altered: a column without a default is one that processes of an older
    # version, which are still running, cannot leave out.
    "ALTER TABLE tokens RENAME TO tokens_2",
    """
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY,
        account TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('live', 'superseded', 'pending')),
        slot TEXT NOT NULL,
        user TEXT NOT NULL,
        session TEXT,
        print TEXT NOT NULL,
        sealed BLOB NOT NULL,
        expires_at REAL NOT NULL,
        issued_at REAL NOT NULL,
        renew_at REAL NOT NULL,
        due_at REAL NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    """
    INSERT INTO tokens SELECT id, '', state, slot, user, session, print, sealed, expires_at, issued_at, renew_at, due_at,
        attempts FROM tokens_2
    """,
    "DROP TABLE tokens_2",
    "CREATE UNIQUE INDEX tokens_live ON tokens (slot) WHERE state = 'live'",
    "CREATE INDEX tokens_of_user ON tokens (user) WHERE state <> 'pending'",
    "CREATE INDEX tokens_due ON tokens (account, due_at) WHERE state = 'pending'",
    "CREATE INDEX tokens_expiry ON tokens (expires_at)",
    "CREATE INDEX tokens_print ON tokens (print)",
    "ALTER TABLE mints RENAME TO mints_2",
    """
    CREATE TABLE mints (
        slot TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        user TEXT NOT NULL,
        session TEXT,
        lease TEXT,
        owner TEXT,
        lease_until REAL NOT NULL DEFAULT 0,
        fenced INTEGER NOT NULL DEFAULT 0,
        rest BLOB,
        rest_until REAL NOT NULL DEFAULT 0,
        until REAL NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    """
    INSERT INTO mints SELECT slot, '', user, session, lease, owner, lease_until, fenced, rest, rest_until, until
        FROM mints_2
    """,
    "DROP TABLE mints_2",
    "CREATE INDEX mints_of_user ON mints (user)",
    "CREATE INDEX mints_expiry ON mints (until)",
    "ALTER TABLE rest RENAME TO rest_2",
    "CREATE TABLE rest (account TEXT PRIMARY KEY, sealed BLOB NOT NULL, until REAL NOT NULL) STRICT, WITHOUT ROWID",
    "INSERT INTO rest SELECT '', sealed, until FROM rest_2",
    "DROP TABLE rest_2",
    "ALTER TABLE budget RENAME TO budget_2",
    """
    CREATE TABLE budget (
        account TEXT PRIMARY KEY,
        free_at REAL NOT NULL,
        gate REAL NOT NULL,
        held REAL NOT NULL,
        held_until REAL NOT NULL,
        renewals_until REAL NOT NULL,
        seen_at REAL NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "INSERT INTO budget SELECT '', free_at, gate, held, held_until, renewals_until, seen_at FROM budget_2",
    "DROP TABLE budget_2",
    # Older versions name no columns here, and fail on one more.
    "ALTER TABLE sessions ADD COLUMN account TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE endings ADD COLUMN account TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE notes ADD COLUMN account TEXT NOT NULL DEFAULT ''",
    # Values that were revoked, or are about to be, until they would have expired: Monite may give one again.
    """
    CREATE TABLE condemned (
        print TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        until REAL NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
    "CREATE INDEX condemned_expiry ON condemned (until)",
)

_VERSION_4 = (
    # The budget is one value that `budget` packs. What was there before is, as text, until when nobody sends.
    "ALTER TABLE budget RENAME TO budget_3",
    "CREATE TABLE budget (account TEXT PRIMARY KEY, state BLOB NOT NULL) STRICT, WITHOUT ROWID",
    "INSERT INTO budget SELECT account, CAST(CAST(held_until AS TEXT) AS BLOB) FROM budget_3",
    "DROP TABLE budget_3",
)

_VERSION_5 = (
    # When a session began. One that was known before this column is older than any ending that comes late.
    "ALTER TABLE sessions ADD COLUMN began REAL NOT NULL DEFAULT 0",
    # Boots of the host: what the file's time was when each began, epoch seconds; see `file_time`.
    "CREATE TABLE boots (boot TEXT PRIMARY KEY, started_at REAL NOT NULL) STRICT, WITHOUT ROWID",
    # When a token expires by the wall clock. The default is never: what an older version writes is judged by `expires_at` alone.
    "ALTER TABLE tokens ADD COLUMN wall_expires_at REAL NOT NULL DEFAULT 1e12",
    "UPDATE tokens SET wall_expires_at = expires_at",
)

_VERSION_6 = (
    # The second number of a packed budget, from when on calls may go: at once.
    "UPDATE budget SET state = CAST(substr(state, 1, 8) || zeroblob(8) || substr(state, 9) AS BLOB) WHERE length(state) >= 80",
)

_VERSION_7 = (
    # Since when a token is to be revoked. Triggers write it, so that processes of an older version do, too.
    "ALTER TABLE tokens ADD COLUMN pending_since REAL",
    """
    CREATE TRIGGER tokens_taken_away AFTER UPDATE OF state ON tokens WHEN new.state = 'pending' AND old.state <> 'pending'
    BEGIN UPDATE tokens SET pending_since = new.due_at WHERE id = new.id; END
    """,
    """
    CREATE TRIGGER tokens_never_live AFTER INSERT ON tokens WHEN new.state = 'pending'
    BEGIN UPDATE tokens SET pending_since = new.due_at WHERE id = new.id; END
    """,
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    _VERSION_1,
    _VERSION_2,
    _VERSION_3,
    _VERSION_4,
    _VERSION_5,
    _VERSION_6,
    _VERSION_7,
)
"""The statements that lead from each version of the schema to the next; a new file starts from version 0."""

OWNED = ("keys", "tokens", "mints", "sessions", "endings", "rest", "budget", "notes")
"""The tables in which rows from before there were accounts belong to nobody yet."""


def check_library() -> None:
    """Raise ConfigurationError where Python's SQLite is too old."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ConfigurationError(
            f"SQLiteStore needs SQLite 3.37 or newer; this Python has {sqlite3.sqlite_version}."
        )


def use_log(connection: sqlite3.Connection, path: Path) -> None:
    """Have the file use a write-ahead log; raise ConfigurationError where its file system cannot."""
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        raise ConfigurationError(
            f"{path} cannot be a store: its file system has no shared memory for SQLite's write-ahead log. "
            "Choose a MONITE_STORE_URL on a local disk."
        )


def is_newest(connection: sqlite3.Connection, path: Path) -> bool:
    """Say whether the file has the newest version of the schema; raise ConfigurationError if it is not ours to use."""
    return _version(connection, path) == len(MIGRATIONS)


def upgrade(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to the newest version of the schema, in the transaction of the caller."""
    version = _version(connection, path)  # again: another process may have been first
    if version < len(MIGRATIONS):
        for step in MIGRATIONS[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the schema; refuse files of other programs, and of newer versions."""
    application, version, tables = connection.execute(
        "SELECT (SELECT application_id FROM pragma_application_id), "
        "(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)"
    ).fetchone()
    if application != APPLICATION_ID and (application, version, tables) != (0, 0, 0):
        raise ConfigurationError(
            f"{path} is an SQLite database of another program, and is left alone. Choose another MONITE_STORE_URL."
        )
    newest = len(MIGRATIONS)
    if version > newest:
        raise ConfigurationError(
            f"{path} was written by a newer monite-auth (schema {version}; this one knows up to {newest}). "
            "Install that version here too, or choose another MONITE_STORE_URL."
        )
    return int(version)
