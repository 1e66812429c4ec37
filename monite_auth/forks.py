"""What a forked child must not share with its parent: locks, sockets, and work that only the parent does."""

import os
import weakref
from collections.abc import Callable

__all__ = ["call_in_child"]


def call_in_child(method: Callable[[], None]) -> None:
    """Have the bound `method` called in every child that this process forks, as long as its object lives."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        if (living := reference()) is not None:
            living()

    if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
        os.register_at_fork(after_in_child=call)
