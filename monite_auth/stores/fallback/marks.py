"""What tells leases and revocations of this process's memory from those of the shared store, so that they find back to it."""

from typing import TypeVar

from monite_auth.stores.values import Lease, Pending

__all__ = ["OURS", "of_memory"]

OURS = "memory:"
"""What marks the leases and revocations of this process's memory."""

Marked = TypeVar("Marked", Lease, Pending)


def of_memory(marked: Marked) -> Marked | None:
    """Return a lease or revocation as memory knows it, if it is memory's."""
    if not marked.id.startswith(OURS):
        return None
    return marked._replace(id=marked.id.removeprefix(OURS))
