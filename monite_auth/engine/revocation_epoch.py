"""The revocation epoch: whether this process has taken tokens away between two moments."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["PROCESS_EPOCH", "RevocationEpoch"]


class RevocationEpoch:
    """A counter that changes whenever tokens are taken away. Compare two readings to see whether anything ended in between."""

    def __init__(self) -> None:
        self.current = 0
        self._numbers = itertools.count(1)

    def advance(self) -> None:
        """Begin another epoch. Of two threads that do so at once either number may stay; both are new."""
        self.current = next(self._numbers)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Take tokens away within: no reading from before counts afterwards, even if this seems to have failed."""
        try:
            yield
        finally:
            self.advance()


PROCESS_EPOCH = RevocationEpoch()
"""The epoch of this process. All brokers share it, since several may serve the same store."""
