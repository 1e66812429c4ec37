"""The application under gunicorn with gevent workers, which replace threads, locks and sockets after the fork.

python -m tests.chaos.under_gunicorn PLAN LOG LIFELINE QUEUE_OUT QUEUE_IN
"""

import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from gevent.monkey import MonkeyPatchWarning
from gunicorn.app.base import BaseApplication

from tests.chaos.application import Application
from tests.chaos.client import ThreadClient
from tests.chaos.worker import DRAINED_WITHIN, VisitorThreads

PROCESSES = 2


class Gunicorn(BaseApplication):  # type: ignore[misc]  # it has no types
    """The application is made here, in the master; its visitors come with a worker and go with it."""

    def __init__(self, arguments: list[str]) -> None:
        self._chaos = Application(arguments)
        self._visitors: VisitorThreads | None = None
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": "127.0.0.1:0",
            "workers": PROCESSES,
            "worker_class": "gevent",
            "graceful_timeout": int(DRAINED_WITHIN) + 10,
            "control_socket_disable": True,
            "loglevel": "warning",
            "post_worker_init": self._begin,
            "worker_exit": self._finish,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Iterable[bytes]]:
        return answer_nothing

    def _begin(self, _worker: Any) -> None:
        self._chaos.begin_in_fork()
        chaos = self._chaos
        self._visitors = VisitorThreads(chaos, ThreadClient(chaos.broker), chaos.plan.visitors // PROCESSES)
        self._visitors.start()

    def _finish(self, _arbiter: Any, _worker: Any) -> None:
        if self._visitors is not None:  # else this is the master, which tells of a worker that was killed
            self._visitors.finish()


def answer_nothing(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("204 No Content", [])
    return []


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=MonkeyPatchWarning)
    Gunicorn(sys.argv[1:]).run()
