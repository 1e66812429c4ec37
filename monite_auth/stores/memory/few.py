"""A few records by their keys: the record itself while there is one, and a dictionary once there are more.

Nearly every user has one slot and one session. A dictionary takes 250 bytes for one entry, more than the entry does. So a record is
also a mapping with one entry, itself, and readers need not know the difference.

`put` and `remove` return what is held afterwards, and the caller puts it in the place of what was, in one step: readers hold no lock.
A record that is put where it was already moves to the end. A reader that comes in that very moment finds nothing, as if it had come
before the record was there.
"""

from collections.abc import Hashable
from typing import Any, Self, TypeAlias, TypeVar

__all__ = ["NOTHING", "Few", "Record", "put", "remove"]


class Record:
    """Something that knows its key, and is found by it as if it were in a dictionary."""

    __slots__ = ()

    key: Any

    def get(self, key: Hashable) -> Self | None:
        """Return this record if it has the key."""
        return self if self.key == key else None

    def values(self) -> tuple[Self]:
        """Return this record alone."""
        return (self,)

    def __len__(self) -> int:
        return 1


Kept = TypeVar("Kept", bound=Record)


class Nothing:
    """No records."""

    __slots__ = ()

    def get(self, _key: Hashable) -> None:
        """Return None."""
        return

    def values(self) -> tuple[()]:
        """Return nothing."""
        return ()

    def __len__(self) -> int:
        return 0


NOTHING = Nothing()

Few: TypeAlias = Nothing | Kept | dict[Any, Kept]
"""Records in the order in which they were put."""


def put(held: Few[Kept], record: Kept) -> Few[Kept]:
    """Return what is held with `record` as the last, in the place of any with the same key."""
    if isinstance(held, dict):
        held.pop(record.key, None)
        held[record.key] = record
        return held
    if isinstance(held, Nothing) or held.key == record.key:
        return record
    return {held.key: held, record.key: record}


def remove(held: Few[Kept], key: Hashable) -> Few[Kept]:
    """Return what is held without the record with this key."""
    if isinstance(held, dict):
        held.pop(key, None)
        return held if len(held) > 1 else next(iter(held.values()))
    return NOTHING if held.get(key) is not None else held
