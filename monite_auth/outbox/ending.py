"""An ending as a row of the application's database, and what a place for such rows does."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

__all__ = ["WHAT", "Ending", "Outbox"]

WHAT = frozenset({"end_user", "relink"})
"""What a row may ask for: methods of the broker that take a user's id. A row that asks for more was written by a later version."""


class Ending(NamedTuple):
    """A row of an outbox: `what` is to be done about `user_id`. `ago`: how many seconds ago it was written, by the database's clock."""

    id: str
    what: str
    user_id: str
    ago: float = 0.0


class Outbox(Protocol):
    """A place for rows. Both methods may raise whatever the database's driver raises."""

    is_left_to_writers: bool
    """Whether the process that writes a row carries it out itself as soon as it has committed, as long as it lives."""

    def find(self, account: str) -> Mapping[str, Sequence[Ending]]:
        """Return the rows of an account that are committed, oldest first, by the database in which they stand.

        A database that could not be asked is missing there. One that has none has an empty sequence.
        """

    def delete(self, endings: Sequence[Ending]) -> None:
        """Delete rows that are carried out. One that is gone already is none to miss."""
