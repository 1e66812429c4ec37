"""Notes in memory."""

from monite_auth.stores.memory.account import MemoryAccount

__all__ = ["MemoryNotes"]


class MemoryNotes(MemoryAccount):
    """See NoteOperations."""

    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        """See NoteOperations."""
        with self._lock:
            self._notes[user, name] = value, self._clock() + seconds

    async def get_note(self, user: str, name: str) -> str | None:
        """See NoteOperations."""
        with self._lock:
            note = self._notes.get((user, name))
            return note[0] if note is not None else None

    async def delete_note(self, user: str, name: str) -> None:
        """See NoteOperations."""
        with self._lock:
            self._notes.pop((user, name), None)
