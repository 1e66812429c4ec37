"""A world whose owed operations survive its process, in a journal."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from monite_auth import Principal, errors
from monite_auth.engine.runtime import run
from monite_auth.stores.fallback.journal import open_journal
from tests.forking import child_of
from tests.scripted import numbered
from tests.stores.fallback.outage import Outage


class Journalled(Outage):
    """A world whose owed operations survive its process, in `directory`."""

    def __init__(self, directory: Path, **changes) -> None:
        super().__init__(numbered(), journal_directory=directory, **changes)
        self.fallback.keep(lambda: open_journal(self.settings, self.clock))
        self.shared.done.clear()

    @property
    def journals(self) -> list[Path]:
        return sorted(Path(self.settings.journal_directory).iterdir())

    @property
    def ended(self) -> list[str]:
        """The users of whom the store has been told that a session has ended, in that order."""
        done: list[Any] = self.shared.done
        return [each[1].user_id for each in done if each[0] == "end_session"]

    def dies_owing(self, *principals: Principal) -> None:
        """Have a child of this process end sessions while the store is down, and die."""

        def end_and_die() -> bool:
            self.shared.is_down = True
            for each in principals:
                self.now += 1
                self.logout(each)
            return True

        self.leaves(end_and_die)

    def asks(self) -> None:
        """Have this process ask the store, a second later."""
        self.now += 1
        with suppress(errors.StoreUnavailable):
            run(self.store.backlog())

    def leaves(self, work: Callable[[], bool]) -> None:
        """Have a child of this process do `work`, and die."""
        assert child_of(os.fork, work)
        self.now += 5
