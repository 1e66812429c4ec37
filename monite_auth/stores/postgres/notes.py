"""Notes in PostgreSQL: one row each, with a time of its own."""

from collections.abc import Sequence

from monite_auth.stores.postgres.execution import Execution
from monite_auth.stores.postgres.statements import STORE_TIME, Argument, function, statement
from monite_auth.stores.sealing import SealBroken, Vault

__all__ = ["PostgresNotes"]

PUT_NOTE = function("put_note", 7, "nothing")
DELETE_NOTE = function("delete_note", 5, "nothing")

GET_NOTE = statement(
    f"SELECT sealed FROM monite_auth.notes WHERE note = $4 AND until > {STORE_TIME}",  # noqa: S608 - ours
    "bytes",
)


class PostgresNotes(Execution):
    """See NoteOperations."""

    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See Operations."""

        def arguments(vault: Vault) -> Sequence[Argument]:
            note = vault.note(user, name)
            return [vault.user(user), note, vault.seal_note(note, value), seconds]

        await self._ask(PUT_NOTE, arguments)

    async def get_note(self, user: str, name: str) -> str | None:
        """See Operations."""
        vault, rows = await self._ask(GET_NOTE, lambda vault: [vault.note(user, name)])
        if not rows:
            return None
        try:
            return vault.open_note(rows[0][0], vault.note(user, name))
        except SealBroken:
            self._warn()
            return None

    async def delete_note(self, user: str, name: str) -> None:
        """See Operations."""
        await self._ask(DELETE_NOTE, lambda vault: [vault.user(user), vault.note(user, name)])
