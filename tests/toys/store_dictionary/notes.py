"""Notes; see NoteOperations."""

from tests.toys.store_dictionary.state import Part

__all__ = ["Notes"]


class Notes(Part):
    async def put_note(self, user: str, name: str, value: str, *, seconds: float) -> None:
        with self.state.lock:
            self.state.notes[user, name] = value, self.clock() + seconds

    async def get_note(self, user: str, name: str) -> str | None:
        value, until = self.state.notes.get((user, name), ("", 0.0))
        return value if self.clock() < until else None

    async def delete_note(self, user: str, name: str) -> None:
        with self.state.lock:
            self.state.notes.pop((user, name), None)
