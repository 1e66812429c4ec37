"""The keys of one account in the file: opens its envelope, or makes one, and notices when another data key is in force.

Each account has an envelope of its own, which its own keys open: so two can share a file without sharing a key. What lay
in the file before there were accounts belongs to the first account whose keys open it.

A process that opens the envelope and renews the data key seals everything of the account anew, in the same transaction. So the
file never holds a new envelope beside anything that a former key could open.
"""

import base64
import hashlib
import logging
import sqlite3
from collections.abc import Iterable

from monite_auth.stores.sealing import (
    NEW_PAIR,
    REOPEN_INTERVAL,
    Envelope,
    Opened,
    Seal,
    SealBroken,
    Vault,
    no_key_opens,
)
from monite_auth.stores.sqlite.schema import OWNED
from monite_auth.tokens import Clock

__all__ = ["EVERYONE", "AccountKeys", "VaultLocked"]

log = logging.getLogger("monite_auth")

NOBODY = ""
"""The account of rows from before there were accounts."""

EVERYONE = "everyone"
"""The place for which the cooldown of everyone is sealed."""

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


class VaultLocked(Exception):
    """The envelope was not opened since the file was, and to open it now takes a transaction."""


class AccountKeys:
    """Opens the envelope of one account. `envelope`: our keys. `clock` counts the seconds until it is opened again.

    Each write begins with `unlock`, which finds out whether another process, or another view of the same account, has renewed
    the data key. Reads use the vault that the last of them found. If a value does not open then, a read has to `unlock` in a
    transaction and read again.
    """

    def __init__(self, account: str, envelope: Envelope, clock: Clock) -> None:
        digest = hashlib.sha256(account.encode("utf-8", "surrogatepass")).digest()
        self.account = base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
        """Names the account in the file, for those who have no key."""
        self.has_traces = False
        """Whether the file's log may still have what a former key opens; see `traces_are_gone`."""
        self._envelope = envelope
        self._clock = clock
        self._vault: Vault | None = None
        self._key_changes = 0
        # The opening of the file for which the envelope was opened last, and how often the keys had changed before that.
        self._opened_for: tuple[object, int] = object(), 0
        self._opened_at = 0.0
        self._has_warned = False

    def reopen(self) -> None:
        """Have the envelope opened again before anything else is done: the keys have changed."""
        self._key_changes += 1

    def unlocked(self, opening: object) -> Vault | None:
        """Return the vault, if the envelope was opened since the file was."""
        opened_for, key_changes = self._opened_for
        return self._vault if opened_for is opening and key_changes == self._key_changes else None

    def unlock(self, db: sqlite3.Connection, opening: object) -> Vault:
        """Return the vault of the data key in force, at the beginning of a transaction on the file's `opening`.

        Raises: ConfigurationError, if there is an envelope that none of the keys opens.
        """
        vault = self.unlocked(opening)
        if vault is not None and abs(self._clock() - self._opened_at) < REOPEN_INTERVAL:
            row = db.execute("SELECT stamp FROM accounts WHERE account = ?", (self.account,)).fetchone()
            if row is not None and row[0] == vault.data_key_id:
                return vault
        key_changes = self._key_changes  # before the keys are asked for: they may change meanwhile
        seal = _open_envelope(db, self.account, self._envelope)
        self.has_traces = self._has_traces(db)
        return self._use(seal, opening, key_changes)

    def unlock_to_read(self, db: sqlite3.Connection, opening: object) -> Vault:
        """Return the vault of the data key in force, without a transaction; raise VaultLocked where that has to write."""
        content = _content(db, self.account)
        key_changes = self._key_changes
        opened = self._envelope.open(content) if content else None
        if opened is None or opened.content != content or len(opened.seal.knows) > 1:
            raise VaultLocked
        self.has_traces = self.has_traces or self._has_traces(db)
        return self._use(opened.seal, opening, key_changes)

    def _use(self, seal: Seal, opening: object, key_changes: int) -> Vault:
        vault = self._vault
        if vault is None or vault.data_key_id != seal.id:
            vault = self._vault = Vault(seal)  # else: the one that keeps what it has opened
        self._opened_at = self._clock()
        self._opened_for = opening, key_changes  # last: from now on others read with this vault
        return vault

    def _has_traces(self, db: sqlite3.Connection) -> bool:
        row = db.execute("SELECT traces FROM accounts WHERE account = ?", (self.account,)).fetchone()
        return row is not None and bool(row[0])

    def traces_are_gone(self, db: sqlite3.Connection) -> None:
        """Note that the file's log was emptied after the data key of now came into force."""
        stamp = self._vault.data_key_id if self._vault is not None else ""
        db.execute("UPDATE accounts SET traces = 0 WHERE account = ? AND stamp = ?", (self.account, stamp))

    def warn(self) -> None:
        """Log, once, that something does not open: every hit would say the same."""
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "Something else has changed the token store: a row does not open in its place. Such rows are ignored."
            )


def _open_envelope(db: sqlite3.Connection, account: str, envelope: Envelope) -> Seal:
    """Open the account's envelope, or make one; seal all anew where the data key is renewed."""
    content = _content(db, account)
    opened = envelope.open(content) if content else _taken_over(db, account, envelope)
    if opened is None and content:
        raise no_key_opens("the token store")
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
    """Warn where an account is new to the store and its keys open another one's: it may be the same, under a new pair."""
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
            continue  # something else has written it: no key opens it
