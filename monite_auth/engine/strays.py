"""Stray tokens: Monite gave them, nobody can use them, and they are alive, so they have to be revoked.

An answer may give a token that is of no use. Or a mint is cut off between the answer and the store: its task is
cancelled, its event loop stopped, its thread interrupted. The process keeps such a token until it stands among the
pending revocations of the store.
"""

from contextlib import suppress
from dataclasses import dataclass, field

from monite_auth.stores import Lease, Operations, Slot
from monite_auth.tokens import AccessToken

__all__ = ["Strays"]


@dataclass(slots=True, eq=False, repr=False)
class Strays:
    """The strays of one process, with the slots that they were minted for."""

    tokens: list[tuple[Slot, AccessToken]] = field(default_factory=list)

    def add(self, slot: Slot, token: AccessToken) -> None:
        """Keep a token; this cannot fail and waits for nothing."""
        self.tokens.append((slot, token))

    async def hand_over(self, store: Operations) -> None:
        """Make them pending revocations of the store; those that it does not take stay here. Raises StoreUnavailable."""
        with suppress(IndexError):  # another thread was faster
            while self.tokens:
                slot, token = self.tokens.pop()
                try:
                    await store.commit(Lease.void(slot), token)
                except BaseException:
                    self.add(slot, token)
                    raise
