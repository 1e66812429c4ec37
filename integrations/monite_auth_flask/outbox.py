"""The app's own database, opened inside its application context by any thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import isroutine
from typing import Any

from flask import Flask

__all__ = ["outbox_of"]


def outbox_of(app: Flask, outbox: Any) -> Any:
    """Return what was given as an outbox, as one that opens connections inside this app's context."""
    if not isroutine(outbox):
        return outbox  # an engine or a pool needs no context

    @contextmanager
    def opened() -> Iterator[Any]:
        with app.app_context(), outbox() as connection:
            yield connection

    return opened
