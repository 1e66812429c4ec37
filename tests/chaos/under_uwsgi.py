"""The application under uWSGI, which imports this module, forks in C, and begins to work in each fork."""

import sys
from collections.abc import Callable, Iterable
from typing import Any

import uwsgi

from tests.chaos.application import Application
from tests.chaos.client import ThreadClient
from tests.chaos.worker import VisitorThreads

chaos = Application(sys.argv[1:])


def begin() -> None:
    chaos.begin_in_fork()
    visitors = VisitorThreads(chaos, ThreadClient(chaos.broker), chaos.plan.visitors // uwsgi.numproc)
    uwsgi.atexit = visitors.finish
    visitors.start()


def application(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer nothing: the visitors call the broker themselves."""
    start_response("204 No Content", [])
    return []


uwsgi.post_fork_hook = begin
