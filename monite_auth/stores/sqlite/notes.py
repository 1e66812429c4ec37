"""Notes in SQLite: one row each, with a time of its own."""

from functools import partial

from monite_auth.stores.sqlite.execution import Execution, Transaction, writing

__all__ = ["SQLiteNotes"]


class SQLiteNotes(Execution):
    """See NoteOperations."""

    @writing
    def put_note(self, on: Transaction, user: str, name: str, value: str, *, seconds: float) -> None:
        """See Operations."""
        note = on.vault.note(user, name)
        on.db.execute(
            "INSERT OR REPLACE INTO notes (name, account, sealed, until) VALUES (?, ?, ?, ?)",
            (note, on.account, on.vault.seal_note(note, value), on.now + seconds),
        )

    async def get_note(self, user: str, name: str) -> str | None:
        """See Operations."""
        return await self._read_or_none(partial(_note, user, name))

    @writing
    def delete_note(self, on: Transaction, user: str, name: str) -> None:
        """See Operations."""
        on.db.execute("DELETE FROM notes WHERE name = ?", (on.vault.note(user, name),))


def _note(user: str, name: str, on: Transaction) -> str | None:
    note = on.vault.note(user, name)
    row = on.db.execute("SELECT sealed FROM notes WHERE name = ? AND until > ?", (note, on.now)).fetchone()
    return on.vault.open_note(row[0], note) if row is not None else None
