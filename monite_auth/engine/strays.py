"""Stray tokens: Monite gave them, nobody can use them, and they are alive, so they have to be revoked.

An answer may give a token that is of no use. Or a mint is cut off between the answer and the store: its task is
cancelled, its event loop stopped, its thread interrupted. The process keeps such a token until it stands among the
pending revocations of the store.

An event loop that is stopped or closed in the middle of a flow tells the flow nothing. Python ends the flow when it
comes upon it, which may be after the process has drained and exited. So every token is on the list while a flow has it
in hand, with the loop that the flow runs on.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from monite_auth.engine.surroundings import EventLoop, Surroundings
from monite_auth.stores import Lease, Operations, Slot
from monite_auth.tokens import AccessToken

__all__ = ["Strays"]


@dataclass(slots=True, eq=False, repr=False)
class _Kept:
    """A token, and the slot that it was minted for. `loop`: that of the flow which has it in hand; None for a thread."""

    slot: Slot
    token: AccessToken
    loop: EventLoop | None
    is_left: bool = False
    """Whether its flow has ended without a place for it."""

    def is_stray(self) -> bool:
        """Say whether no flow has it in hand. One whose loop runs again later finds that its token is revoked."""
        return self.is_left or (self.loop is not None and not self.loop.is_running())


class Strays:
    """The strays of one process, and the tokens that its flows have in hand. It takes no lock; see `runtime`."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._kept: list[_Kept] = []

    @property
    def tokens(self) -> list[AccessToken]:
        """The tokens that nobody can use, and that are not among the pending revocations yet."""
        return [kept.token for kept in self._strays()]

    def add(self, slot: Slot, token: AccessToken) -> None:
        """Keep a token; this cannot fail and waits for nothing."""
        self._kept.append(_Kept(slot, token, None, is_left=True))

    @contextmanager
    def in_hand(self, slot: Slot, token: AccessToken) -> Iterator[None]:
        """Keep a token until the block ends; where that fails, or is never done, it is a stray."""
        kept = _Kept(slot, token, self._surroundings.running_loop())
        self._kept.append(kept)
        try:
            yield
        except BaseException:
            kept.is_left = True
            raise
        self._let_go(kept)

    async def hand_over(self, store: Operations) -> None:
        """Make them pending revocations of the store; those that it does not take stay here. Raises StoreUnavailable."""
        for stray in self._strays():
            with self.in_hand(stray.slot, stray.token):
                if self._let_go(stray):
                    await store.commit(Lease.void(stray.slot), stray.token)

    def _strays(self) -> list[_Kept]:
        return [kept for kept in self._kept.copy() if kept.is_stray()]

    def _let_go(self, kept: _Kept) -> bool:
        """Take a token off the list; return whether it was there: another thread may be faster."""
        with suppress(ValueError):
            self._kept.remove(kept)
            return True
        return False
