"""The form of a mutant: its mistake, where that shows, and what has to notice it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, ClassVar
from unittest import mock

from monite_auth import Settings
from monite_auth.engine.endings import Endings
from monite_auth.engine.engine import Engine
from monite_auth.engine.mint import Mint
from monite_auth.engine.surroundings import Surroundings
from monite_auth.engine.token_flow import TokenFlow
from monite_auth.identity import Directory
from tests.simulation.library import Library

__all__ = ["Mutant"]


class Mutant(Library):
    """The library with one mistake.

    `about`: the mistake, in one line. `promise`: the check that is expected to notice it; `or_else`: another that may come
    first. `scenarios`: the names of small scenarios in which it shows.

    `token_flow`, `endings`, `mint`: the classes of these parts of the engine. `replaced`: names in modules or classes that
    stand for something else while the mutant is simulated, where a part cannot be handed in.
    """

    about: ClassVar[str]
    promise: ClassVar[str]
    or_else: ClassVar[str] = ""
    scenarios: ClassVar[tuple[str, ...]]
    token_flow: ClassVar[type[TokenFlow]] = TokenFlow
    endings: ClassVar[type[Endings]] = Endings
    mint: ClassVar[type[Mint]] = Mint
    replaced: ClassVar[tuple[tuple[Any, str, Any], ...]] = ()

    def engine(self, settings: Settings, directory: Directory, surroundings: Surroundings) -> Engine:
        engine = super().engine(settings, directory, surroundings)
        leader, drainer, epoch = engine.tokens._leader, engine.drainer, surroundings.epoch
        leader._mint = partial(self.mint, **leader._mint.keywords)
        engine.tokens = self.token_flow(
            settings, directory, engine.flights, leader, engine.renewals, drainer, surroundings
        )
        engine.endings = self.endings(drainer, epoch, revoke_within=settings.revoke_within)
        return engine

    @contextmanager
    def installed(self) -> Iterator[None]:
        with ExitStack() as stack:
            for module, name, value in self.replaced:
                stack.enter_context(mock.patch.object(module, name, value))
            yield
