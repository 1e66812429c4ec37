"""Keeps the state in a folder, so that it survives a restart: `monite-auth emulator --data DIR`.

The folder has one SQLite file with a row for each record, each token, each partner's credentials, and the settings. What a request
changes is written in one transaction before its answer is sent. So an answer that was received survives `kill -9`, and a
request is kept whole or not at all. After a power failure, the last moments may be missing, since SQLite does not wait for
the drive. How often a token was used is written only with its next other change.
"""

import json
import sqlite3
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monite_auth.emulator.state import snapshots
from monite_auth.emulator.state.monite import Monite
from monite_auth.emulator.traffic.ledger import Token
from monite_auth.emulator.world.directory import Record
from monite_auth.emulator.world.partners import Partner

FILE = "monite.sqlite3"
_SETTINGS = "settings"


class NotWrittenError(OSError):
    """What has changed cannot be written. It holds until a restart."""


class Disk:
    """Reads the state of an emulator from a folder if there is one, and writes from then on what changes.

    Args:
        folder: where the file is or will be.
        monite: the emulator's state.

    Raises:
        OSError: the folder cannot be written to, another process uses it, or its file is of another version.

    """

    def __init__(self, folder: Path, monite: Monite) -> None:
        self._monite = monite
        # What is to be written: JSON by key; None deletes the row.
        self._changed: dict[str, str | None] = {}
        self._last: dict[str, str] = {}
        self._rewrite = False
        self._path = path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # It has secrets. SQLite gives its other files the rights of this one.
            path.touch(0o600)
            # The server's thread calls `flush`, and at the end another one does.
            self._file = sqlite3.connect(path, timeout=1, check_same_thread=False, isolation_level=None)
        except OSError as error:
            raise OSError(f"{path}: {error.strerror}") from None
        except sqlite3.Error as error:
            raise OSError(f"{path}: {error}") from None
        try:
            with monite.lock:
                self._begin()
            self.flush()
        except sqlite3.Error as error:
            self._file.close()
            why = "; another process uses it" if "locked" in str(error) else ""
            raise OSError(f"{path}: {error}{why}") from None
        except ValueError as error:
            self._file.close()
            raise OSError(f"{path} cannot be read: {error}; to begin anew, delete the folder") from None
        except OSError:
            self._file.close()
            raise

    def _begin(self) -> None:
        self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute("CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        rows = self._file.execute("SELECT key, value FROM state ORDER BY rowid").fetchall()
        monite = self._monite
        if rows:
            # What the command line says is true of this run.
            said = monite.settings
            try:
                snapshot = _assembled(rows)
            except (AttributeError, LookupError, TypeError) as error:
                raise ValueError(f"a row is none of ours ({error})") from None
            monite.resume(snapshots.whole(snapshot))
            monite.settings = said
        else:
            self._rewrite = True
        for partner in monite.partners:
            self._watch(partner)
        monite.partner_watchers.append(self._added)
        monite.ledger.watchers.append(self._token)

    def flush(self) -> None:
        """Write what has changed, in one transaction.

        Raises:
            NotWrittenError: it cannot be written now. Then the next flush tries again.

        """
        with self._monite.lock:
            self._note_small()
            if not self._changed and not self._rewrite:
                return
            changed = dict(self._changed)
            if self._rewrite:
                changed = {key: json.dumps(value) for key, value in _pieces(self._monite.snapshot())}
            try:
                self._write(changed)
            except sqlite3.Error as error:
                raise NotWrittenError(f"{self._path}: {error}") from None
            self._changed.clear()
            self._rewrite = False

    def _write(self, changed: Mapping[str, str | None]) -> None:
        # Commits, or rolls back if the drive is full, say.
        with self._file:
            self._file.execute("BEGIN IMMEDIATE")
            if self._rewrite:
                self._file.execute("DELETE FROM state")
            gone = [(key,) for key, value in changed.items() if value is None]
            self._file.executemany("DELETE FROM state WHERE key = ?", gone)
            self._file.executemany(
                "INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                [(key, value) for key, value in changed.items() if value is not None],
            )

    def close(self) -> None:
        """Write the rest, and let go of the file."""
        try:
            self.flush()
        finally:
            self._file.close()

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """Return an app whose answers begin when what they have changed is written."""

        async def answered(scope: Scope, receive: Receive, send: Send) -> None:
            is_answered = False

            async def written(message: Message) -> None:
                nonlocal is_answered
                if message["type"] == "http.response.start":
                    try:
                        self.flush()
                    except NotWrittenError:
                        # Who only reads has changed nothing.
                        if scope["method"] != "GET":
                            raise
                    is_answered = True
                await send(message)

            try:
                try:
                    await app(scope, receive, written)
                finally:
                    # Some requests change something and get no answer.
                    self.flush()
            except NotWrittenError as error:
                sentence = f"What this has changed is not written, and a restart would lose it: {error}."
                if not is_answered:
                    await JSONResponse({"error": {"message": sentence}}, 507)(scope, receive, send)

        return answered

    def _added(self, partner: Partner) -> None:
        # The first partner is a new one only when the whole state is.
        self._rewrite = self._rewrite or partner is self._monite.partner
        self._watch(partner)

    def _watch(self, partner: Partner) -> None:
        number = self._monite.partners.index(partner)
        partner.directory.watchers.append(partial(self._record, number))

    def _record(self, number: int, table: str, what: str, record: Record, _before: Mapping[str, Any]) -> None:
        key = f"record/{number}/{table}/{record.id}"
        self._changed[key] = None if what in {"deleted", "withdrawn"} else json.dumps([table, record.saved()])

    def _token(self, what: str, token: Token) -> None:
        self._changed[f"token/{token.id}"] = None if what == "forgotten" else json.dumps(token.saved())

    def _note_small(self) -> None:
        """Note what nobody tells of, since it is small enough to look at it each time."""
        small = {_SETTINGS: json.dumps(snapshots.small(self._monite))}
        for number, partner in enumerate(self._monite.partners):
            small[f"partner/{number}"] = json.dumps(partner.credentials)
        self._changed |= {key: value for key, value in small.items() if self._last.get(key) != value}
        self._last = small


def _pieces(snapshot: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the rows of a snapshot."""
    settings = {name: value for name, value in snapshot.items() if name not in {"partners", "tokens"}}
    pieces: list[tuple[str, Any]] = [(_SETTINGS, settings)]
    for number, partner in enumerate(snapshot["partners"]):
        pieces.append((f"partner/{number}", partner["credentials"]))
        pieces += [(f"record/{number}/{name}/{row['id']}", [name, row]) for name, row in partner["records"]]
    return pieces + [(f"token/{token['id']}", token) for token in snapshot["tokens"]]


def _assembled(rows: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the snapshot of which these are the rows."""
    snapshot: dict[str, Any] = {"format": None, "partners": [], "tokens": []}
    pieces = [(key.split("/"), json.loads(value)) for key, value in rows]
    partners = {int(kind[1]): value for kind, value in pieces if kind[0] == "partner"}
    for number in sorted(partners):
        records = [row for kind, row in pieces if kind[0] == "record" and int(kind[1]) == number]
        records.sort(key=lambda row: row[1]["number"])
        snapshot["partners"].append({"credentials": partners[number], "records": records})
    snapshot["tokens"] = sorted(
        (row for kind, row in pieces if kind[0] == "token"), key=lambda row: int(row["id"])
    )
    return snapshot | next((value for kind, value in pieces if kind == [_SETTINGS]), {})
