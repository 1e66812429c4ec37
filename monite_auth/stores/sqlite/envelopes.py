"""The envelopes of the SQLite store: how an account comes by its data key in the file, and how that is renewed.

Each account has an envelope of its own, which its own keys open: so two can share a file without sharing a key. What lay
in the file before there were accounts belongs to the first whose keys open it.

Everything here happens in the transaction of whoever opens the envelope. What an account has in the file is sealed anew
in the one that renews its data key; so what a former key could open is never in the file beside the new envelope.
"""

import logging
import sqlite3
from collections.abc import Iterable

from monite_auth.errors import ConfigurationError
from monite_auth.stores.sealing import NEW_PAIR, Envelope, Opened, Seal, SealBroken
from monite_auth.stores.sqlite.schema import OWNED

__all__ = ["EVERYONE", "has_traces", "open_envelope", "stamp_of", "traces_are_gone"]

log = logging.getLogger("monite_auth")

NOBODY = ""
"""Whose the rows are that were there before there were accounts."""

EVERYONE = "everyone"
"""The place for which the rest of everyone is sealed."""

STAMP = "SELECT stamp FROM accounts WHERE account = ?"

SEALED = (
    (
        "UPDATE tokens SET sealed = ? WHERE id = ?",
        "SELECT sealed, id, slot, print FROM tokens WHERE account = ?",
    ),
    (
        "UPDATE mints SET rest = ? WHERE slot = ?",
        "SELECT rest, slot, 'rest', slot FROM mints WHERE account = ? AND rest IS NOT NULL",
    ),
    (
        "UPDATE rest SET sealed = ? WHERE account = ?",
        f"SELECT sealed, account, 'rest', '{EVERYONE}' FROM rest WHERE account = ?",  # noqa: S608 - ours
    ),
    (
        "UPDATE notes SET sealed = ? WHERE name = ?",
        "SELECT sealed, name, 'note', name FROM notes WHERE account = ?",
    ),
)
"""Everything that is sealed: how to write it, and how to read it, by sealed value, key of its row, and place."""


def stamp_of(db: sqlite3.Connection, account: str) -> str | None:
    """Return the name of the account's data key, if it has an envelope."""
    row = db.execute(STAMP, (account,)).fetchone()
    return row[0] if row is not None else None


def open_envelope(db: sqlite3.Connection, account: str, envelope: Envelope) -> Seal:
    """Open the account's envelope, or make one; seal all anew where the data key is renewed.

    Raises ConfigurationError if there is one that none of the keys opens.
    """
    content = _content(db, account)
    opened = envelope.open(content) if content else _taken_over(db, account, envelope)
    if opened is None and content:
        raise ConfigurationError(
            "What this account has in the token store was sealed with a key that is not here. Was MONITE_CLIENT_SECRET or "
            "MONITE_STORE_KEYS changed? Add the former client secret or key to MONITE_STORE_KEYS, behind the new one; or "
            "choose another store_url to start anew: what was still to be revoked in this one is then left to expire."
        )
    if opened is None:
        _warn_of_another_pair(db, envelope)
        opened = envelope.new()
    is_renewed = len(opened.seal.knows) > 1
    if is_renewed:
        _seal_anew(db, account, opened.seal)
        opened = opened.without_formers()
    if opened.content != content:
        db.execute("DELETE FROM keys WHERE account = ?", (account,))
        rows = [(account, name, wrapped) for name, wrapped in opened.content.items()]
        db.executemany("INSERT INTO keys (account, id, wrapped) VALUES (?, ?, ?)", rows)
    db.execute(
        "INSERT INTO accounts (account, stamp, traces) VALUES (:account, :stamp, :traces) "
        "ON CONFLICT (account) DO UPDATE SET stamp = :stamp, traces = max(traces, :traces)",
        {"account": account, "stamp": opened.seal.id, "traces": is_renewed},
    )
    return opened.seal


def has_traces(db: sqlite3.Connection, account: str) -> bool:
    """Say whether the write-ahead log may still have what a former key opens."""
    return bool(db.execute("SELECT traces FROM accounts WHERE account = ?", (account,)).fetchone()[0])


def traces_are_gone(db: sqlite3.Connection, account: str, stamp: str) -> None:
    """Note that the log was emptied after the data key named `stamp` came into force."""
    db.execute("UPDATE accounts SET traces = 0 WHERE account = ? AND stamp = ?", (account, stamp))


def _content(db: sqlite3.Connection, account: str) -> dict[str, bytes]:
    return dict(db.execute("SELECT id, wrapped FROM keys WHERE account = ?", (account,)).fetchall())


def _taken_over(db: sqlite3.Connection, account: str, envelope: Envelope) -> Opened | None:
    """Take over what is nobody's yet, if our keys open it."""
    content = _content(db, NOBODY)
    if not content:
        return None
    opened = envelope.open(content)
    if opened is None:
        log.warning(
            "The token store holds tokens and sessions from a version that knew no accounts, and the keys of this account "
            "do not open them. They stay for the account whose keys do, and this one starts anew. If they are this "
            "account's own, its secret was changed without keeping the former one: its users log in again, and tokens that "
            "were still to be revoked are left to expire. The next time, add the former client secret to MONITE_STORE_KEYS "
            "before, behind the new one."
        )
        return None
    for table in OWNED:
        db.execute(f"UPDATE {table} SET account = ? WHERE account = ?", (account, NOBODY))  # noqa: S608 - ours
    return opened


def _warn_of_another_pair(db: sqlite3.Connection, envelope: Envelope) -> None:
    """Say so where an account is new to the store, and its keys open another one's: it may be the same, under a new pair."""
    for (account,) in db.execute("SELECT account FROM accounts").fetchall():
        if envelope.open(_content(db, account)) is not None:
            log.warning(NEW_PAIR)
            return


def _seal_anew(db: sqlite3.Connection, account: str, seal: Seal) -> None:
    for write, read in SEALED:
        db.executemany(write, _resealed(db.execute(read, (account,)).fetchall(), seal))


def _resealed(rows: Iterable[tuple[bytes, object, str, str]], seal: Seal) -> Iterable[tuple[bytes, object]]:
    for sealed, key, *place in rows:
        try:
            yield seal.seal(seal.open(sealed, *place), *place), key
        except SealBroken:
            continue  # something else has written it: it opens for nobody
