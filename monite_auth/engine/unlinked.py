"""The users whom the directory did not know a moment ago.

A claim is a write to the store. A user who is not linked would cause two of them with each request, whatever tenant they ask for.
So a mint for a user of this table asks the directory first, and claims only if it knows them by now.
"""

import threading
from collections import OrderedDict

__all__ = ["Unlinked"]

MOST_USERS = 10_000
"""Users in the table; beyond it those are forgotten who were noted longest ago. They cost a claim again."""


class Unlinked:
    """A table of one process."""

    def __init__(self) -> None:
        self._users: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, user: str) -> bool:
        return user in self._users

    def note(self, user: str, *, is_linked: bool) -> None:
        """Note what the directory has said of a user."""
        if is_linked and user not in self._users:  # most users, without the lock
            return
        with self._lock:
            self._users.pop(user, None)
            if not is_linked:
                self._users[user] = None
                if len(self._users) > MOST_USERS:
                    self._users.popitem(last=False)
