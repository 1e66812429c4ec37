"""Spans by the OpenTelemetry API: children of whatever span the caller is in, the request's as a rule.

| span | is about |
|---|---|
| `monite_auth.mint` | one mint, from the claim until the token is in the store, all attempts included |
| `monite_auth.revoke` | one attempt to revoke a token |
| `monite_auth.drain` | a pass over pending revocations, if there are any |
| `monite_auth.store` | an operation of a shared store that took long |
| `monite_auth.api_call` | a browser's call of Monite's API, until Monite's answer begins |

What goes wrong is `error.type`, the name of a class: messages can name people.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from monite_auth.telemetry import facts
from monite_auth.telemetry.api import attach, detach, trace
from monite_auth.telemetry.facts import Fact
from monite_auth.telemetry.telemetry import SpanName

__all__ = ["span", "tell_of_span"]

tracer = trace.get_tracer("monite_auth")

CALLS_OF_MONITE = ("revoke", "api_call")
"""Spans that are about one request to Monite."""


@contextmanager
def span(name: SpanName) -> Iterator[None]:
    """Begin a span that ends with the block, and be in it meanwhile.

    A flow whose event loop has gone is closed in any thread, which may hold any lock: its span is not ended, nor exported.
    """
    kind = trace.SpanKind.CLIENT if name in CALLS_OF_MONITE else trace.SpanKind.INTERNAL
    begun = tracer.start_span(f"monite_auth.{name}", kind=kind)
    token = attach(trace.set_span_in_context(begun))
    try:
        yield
    except GeneratorExit:
        raise
    except BaseException as error:
        begun.set_attribute("error.type", type(error).__name__)
        begun.set_status(trace.Status(trace.StatusCode.ERROR))
        _end(begun, token)
        raise
    _end(begun, token)


def _end(begun: trace.Span, token: object) -> None:
    begun.end()
    detach(token)  # type: ignore[arg-type]  # it is what attach returned


def tell_of_span(fact: Fact) -> None:
    """Make a span of an operation that took long: nobody can tell beforehand, and most take too short to be worth one."""
    if isinstance(fact, facts.StoreWaited):
        now = time.time_ns()
        begun = tracer.start_span(
            "monite_auth.store",
            kind=trace.SpanKind.CLIENT,
            start_time=now - int(fact.seconds * 1e9),
            attributes={"db.operation.name": fact.operation},
        )
        begun.end(now)
