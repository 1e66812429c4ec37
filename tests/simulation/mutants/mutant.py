"""The form of a mutant: what is wrong with the library, where that shows, and what has to notice it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar
from unittest import mock

from tests.simulation.library import Library

__all__ = ["Mutant"]


class Mutant(Library):
    """The library with one mistake.

    `about`: the mistake, in one line. `promise`: the check that is expected to notice it; `or_else`: another that may come
    first. `scenarios`: the names of small scenarios in which it shows. `replaced`: names of modules or classes that stand
    for something else while the mutant is simulated, where a part cannot be handed in.
    """

    about: ClassVar[str]
    promise: ClassVar[str]
    or_else: ClassVar[str] = ""
    scenarios: ClassVar[tuple[str, ...]]
    replaced: ClassVar[tuple[tuple[Any, str, Any], ...]] = ()

    @contextmanager
    def installed(self) -> Iterator[None]:
        with ExitStack() as stack:
            for module, name, value in self.replaced:
                stack.enter_context(mock.patch.object(module, name, value))
            yield
