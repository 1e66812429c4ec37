"""A local Monite for the time of one test, which the application under test finds by its settings."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Clock, Monite, create_app
from monite_auth.emulator.faults.in_force import Faults
from monite_auth.emulator.specification.facts import PREFIX
from monite_auth.testing.local.in_process import InProcessTransport
from monite_auth.testing.local.ledger import LedgerAssertions
from monite_auth.testing.local.stage import stage
from monite_auth.testing.local.users import MoniteUsers

__all__ = ["LocalMonite", "environment_with", "variables_of"]

NO_LIMIT = 1_000_000
"""Requests per second. With Monite's own 30, a test that sends more would fail on a fast machine, and pass on a slow one."""

CONTRADICTING = ("MONITE_ENVIRONMENT", "MONITE_CLIENT_SECRET_FILE")
"""Variables that settings refuse beside a base URL and a client secret."""


def variables_of(url: str) -> dict[str, str]:
    """Return the environment variables with which an application finds the emulator at `url`."""
    return {
        "MONITE_BASE_URL": url + PREFIX,
        "MONITE_CLIENT_ID": DEMO_CLIENT_ID,
        "MONITE_CLIENT_SECRET": DEMO_CLIENT_SECRET,
    }


_found: list[dict[str, str | None]] = []
"""What each open block of `environment_with` has found in the environment, the oldest first."""


@contextmanager
def environment_with(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables until the block ends, and unset those that contradict them.

    Blocks may end in any order. The variables of the one that began last are in force.
    """
    found = {name: os.environ.pop(name, None) for name in (*variables, *CONTRADICTING)}
    os.environ.update(variables)
    _found.append(found)
    try:
        yield
    finally:
        place = next(place for place, each in enumerate(_found) if each is found)
        del _found[place]
        if place < len(_found):
            # The next block is still open. What it restores at its end is no longer what this one has set.
            _found[place].update(found)
        else:
            for name, value in found.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


class LocalMonite:
    """A Monite of one test's own. While its `with` block lasts, the environment has its address and the demo credentials.

        with LocalMonite(token_life=60) as monite:
            app = create_app()  # which reads MONITE_BASE_URL and so on
            anna = monite.users("Accountant")
            …
            monite.ledger.assert_no_live_tokens(anna)

    One after another, all of a process have the same address. One that begins while another is open has its own. Under pytest, the
    fixture `monite_emulator` is one.

    `options`: those of `monite_auth.emulator.Monite`. There is no limit of requests, unless `requests_per_second` sets one.
    """

    def __init__(self, **options: Any) -> None:
        self.monite = Monite(**{"requests_per_second": NO_LIMIT, **options})
        """The state: entities, tokens, the limit."""
        self.ledger = LedgerAssertions(self.monite)
        """What became of the tokens, with assertions."""
        self.users = MoniteUsers(self.monite)
        """Makes entity users, each with a role."""
        self._app = create_app(self.monite)
        self.transport = InProcessTransport(self._app)
        """A transport for clients of httpx, sync and async, that call this Monite without a socket."""
        self._open = ExitStack()
        self._url: str | None = None

    def __enter__(self) -> Self:
        self._url = self._open.enter_context(stage().showing(self.monite, self._app))
        self._open.enter_context(environment_with(self.environ))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __repr__(self) -> str:
        return f"<LocalMonite at {self.api_url}>"

    @property
    def url(self) -> str:
        """Where the live page and the control endpoints are."""
        return self._url or stage().url

    @property
    def api_url(self) -> str:
        """The base URL of the API."""
        return self.environ["MONITE_BASE_URL"]

    @property
    def environ(self) -> dict[str, str]:
        """The environment variables that lead here: `MONITE_BASE_URL` and the credentials. They fit `app.config` of Flask, too."""
        return variables_of(self.url)

    @property
    def settings(self) -> dict[str, str]:
        """The same without `MONITE_` before: Django's setting `MONITE_AUTH`."""
        return {name.removeprefix("MONITE_"): value for name, value in self.environ.items()}

    @property
    def clock(self) -> Clock:
        """The time of this Monite, which can be moved forward."""
        return self.monite.clock

    @property
    def faults(self) -> Faults:
        """What goes wrong; empty at first."""
        return self.monite.faults
