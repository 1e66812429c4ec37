"""Notes in Redis: fields of the user's hash, each with a time of its own."""

import logging
from collections.abc import Sequence

from monite_auth.stores.redis.connections import Argument
from monite_auth.stores.redis.execution import Execution
from monite_auth.stores.redis.records import RedisVault
from monite_auth.stores.sealing import SealBroken

__all__ = ["RedisNotes"]

log = logging.getLogger("monite_auth")


class RedisNotes(Execution):
    """See NoteOperations."""

    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See Operations."""

        def arguments(vault: RedisVault) -> Sequence[Argument]:
            note = vault.note(user, name)
            return [note, seconds, vault.seal_note(note, value)]

        await self._ask("put_note", user, 2, arguments)

    async def get_note(self, user: str, name: str) -> str | None:
        """See Operations."""
        vault, sealed = await self._ask("get_note", user, 2, lambda vault: [vault.note(user, name)])
        if sealed is None:
            return None
        try:
            return vault.open_note(sealed, vault.note(user, name))
        except SealBroken:
            log.error("A note in the store was changed or moved: its seal is broken. It is not read.")  # noqa: TRY400 - a traceback says no more
            return None

    async def delete_note(self, user: str, name: str) -> None:
        """See Operations."""
        await self._ask("delete_note", user, 2, lambda vault: [vault.note(user, name)])
