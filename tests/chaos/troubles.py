"""The troubles of an experiment: which were injected, and from when to when, so that it can be told what happened during each."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Trouble(NamedTuple):
    """Something that was wrong for a while. Times are of the monotonic clock, as in event logs."""

    kind: str
    began: float
    ended: float


class Troubles(list[Trouble]):
    """Those that are over. Threads may add some at the same time."""

    @contextmanager
    def during(self, kind: str) -> Iterator[None]:
        """Note that there is a trouble of this kind while the block runs."""
        began = time.monotonic()
        yield
        self.append(Trouble(kind, began, time.monotonic()))

    def counts(self) -> Counter[str]:
        """Return how many there were of each kind."""
        return Counter(each.kind for each in self)

    def counts_of(self, logouts: Iterable[tuple[float, float]]) -> Counter[str]:
        """Return how many logouts, each from when it began until it returned, there were during each kind."""
        spans = list(logouts)
        return Counter(
            {
                kind: sum(
                    any(each.began < returned and began < each.ended for each in self if each.kind == kind)
                    for began, returned in spans
                )
                for kind in self.counts()
            }
        )
