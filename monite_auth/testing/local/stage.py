"""The one server of a test process. Its address stays the same, while each test brings a Monite of its own.

An application may have read the address when it was imported. A server for each test would have another one each time. Only a Monite
that begins while another one is on has a server of its own: calls to the one are never answered, or counted, by the other.
"""

import atexit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

from monite_auth.emulator import Monite, create_app
from monite_auth.emulator.server import serve_app

__all__ = ["Stage", "stage"]


class Stage:
    """Serves the Monite that is on at the moment, on a free port of this machine."""

    def __init__(self) -> None:
        # Answers what comes between two tests: a revocation that was late, an application that starts.
        self._monite = Monite()
        self._app: Any = create_app(self._monite)
        self._is_taken = False
        self._open = ExitStack()
        self.url = self._open.enter_context(serve_app(self, self._stop_holding))
        atexit.register(self._open.close)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    def _stop_holding(self) -> None:
        self._monite.faults.stop()

    @contextmanager
    def showing(self, monite: Monite, app: Any) -> Iterator[str]:
        """Serve `monite`, which `app` answers for, until the block ends, and yield the address.

        That is the address of this server, or another one while this is taken. Requests that faults hold go on at the end.
        """
        with ExitStack() as stack:
            stack.callback(monite.webhooks.stop)
            taken = serve_app(app, monite.faults.stop) if self._is_taken else self._taken(monite, app)
            url = stack.enter_context(taken)
            stack.callback(monite.faults.clear)
            yield url

    @contextmanager
    def _taken(self, monite: Monite, app: Any) -> Iterator[str]:
        between = self._monite, self._app
        self._is_taken, self._monite, self._app = True, monite, app
        try:
            yield self.url
        finally:
            self._is_taken, (self._monite, self._app) = False, between


@cache
def stage() -> Stage:
    """Return the server of this process, which is started at the first call. A forked child goes on with its parent's."""
    return Stage()
