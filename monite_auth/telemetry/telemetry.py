"""The one place that is told what happens: it passes facts on to whoever listens, and begins spans."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

from monite_auth.telemetry.facts import Fact

__all__ = ["Listener", "Silence", "SpanName", "Spans", "Telemetry", "Told"]

Listener = Callable[[Fact], None]
"""Takes a fact. It is called where the fact happens, so it must be quick, and must not raise."""

SpanName = Literal["mint", "revoke", "drain", "api_call"]
"""Work that has a span of its own; `spans` says what each is about."""

Spans = Callable[[SpanName], AbstractContextManager[None]]
"""Begins a span of this name."""


class Telemetry(Protocol):
    """What the engine and the stores tell."""

    def tell(self, fact: Fact) -> None:
        """Tell what happened."""

    def span(self, name: SpanName) -> AbstractContextManager[None]:
        """Return a context manager for work that has a span of its own."""


class Silence:
    """Tells nobody."""

    def tell(self, fact: Fact) -> None:
        """Do nothing."""

    def span(self, name: SpanName) -> AbstractContextManager[None]:  # noqa: ARG002 - the protocol's
        """Return a context manager that does nothing."""
        return nullcontext()


class Told:
    """Passes facts on to `listeners`, which broker and tests choose."""

    def __init__(self, *listeners: Listener, spans: Spans | None = None) -> None:
        self._listeners = listeners
        self._spans = spans

    def tell(self, fact: Fact) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            listener(fact)

    def span(self, name: SpanName) -> AbstractContextManager[None]:
        """Return the span, or nothing where nobody wants one."""
        return nullcontext() if self._spans is None else self._spans(name)
