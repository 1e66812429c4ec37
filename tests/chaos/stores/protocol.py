"""What a store of an experiment can do: be interrupted, in one of several ways."""

import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tests.chaos.troubles import Troubles

Wait = Callable[[float], Any]
"""Waits for so many seconds, or less, when no more faults are to be injected."""


class StoreUnderTest(Protocol):
    """A store that can be interrupted. `troubles`: what it went through."""

    url: str
    troubles: Troubles

    def interrupt(self, chance: random.Random, wait: Wait) -> None:
        """Give the store one of its troubles for a while, and let it work again."""

    def close(self) -> None:
        """Stop what runs."""


class Deck:
    """Ways to disturb something, in an order by chance: each comes once before one comes again."""

    def __init__(self, ways: Sequence[str]) -> None:
        self._ways = ways
        self._left: list[str] = []

    def draw(self, chance: random.Random) -> str:
        if not self._left:
            self._left = chance.sample(self._ways, len(self._ways))
        return self._left.pop()
