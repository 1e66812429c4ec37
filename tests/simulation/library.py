"""The code that is simulated: the library, or a mutant of it. Whatever can be handed in is handed in here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from monite_auth import MemoryStore, Settings
from monite_auth.engine.engine import Engine
from monite_auth.engine.surroundings import Surroundings
from monite_auth.identity import Directory
from monite_auth.stores.memory.operations import MemoryOperations

if TYPE_CHECKING:
    from tests.simulation.world import World


__all__ = ["Library"]


class Library:
    """The library as it is. `store`, `operations`: the classes of the memory store and of its operations."""

    store: type[MemoryStore] = MemoryStore
    operations: type[MemoryOperations] = MemoryOperations
    waits_are_private = True
    """Whether a flow does nothing between the end of a wait and the peek that follows. Then both are one choice less."""

    def surroundings(self, world: "World", **facts: Any) -> Surroundings:
        """Return the surroundings of one process of a world."""
        return Surroundings(**facts)

    def engine(self, settings: Settings, directory: Directory, surroundings: Surroundings) -> Engine:
        """Return the engine of one process."""
        return Engine(settings, directory, surroundings)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Simulate within. A mutant may replace here what cannot be handed in."""
        yield
