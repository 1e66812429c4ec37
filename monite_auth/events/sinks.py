"""Where events go: the log, OpenTelemetry's logs, and functions of the application."""

import logging
from collections.abc import Iterable

from monite_auth.errors import ConfigurationError
from monite_auth.events.event import Event, Sink
from monite_auth.functions import kind_of

__all__ = ["OpenTelemetrySink", "log_event", "sinks_of"]

log = logging.getLogger("monite_auth.events")


def log_event(event: Event) -> None:
    """Write an event to the logger `monite_auth.events` (INFO): one line, and `record.monite_event` for JSON."""
    log.info("%s", event, extra={"monite_event": event.as_dict()})


class OpenTelemetrySink:
    """Hands events to OpenTelemetry's logs, each with its name as the record's event name.

    Raises:
        ConfigurationError: the extra `otel` is not installed.

    """

    def __init__(self) -> None:
        try:
            from opentelemetry import _logs  # noqa: PLC0415 - an extra
        except ImportError:
            raise ConfigurationError(
                "MONITE_EVENTS has otel, which needs OpenTelemetry: install it with: pip install 'monite-auth[otel]'"
            ) from None
        self._logs = _logs

    def __call__(self, event: Event) -> None:
        """Emit one record."""
        logs = self._logs
        attributes = {
            f"monite_auth.{name}": value
            for name, value in event.as_dict().items()
            if name not in ("name", "at")
        }
        logs.get_logger("monite_auth").emit(
            logs.LogRecord(
                timestamp=int(event.at * 1e9),
                severity_number=logs.SeverityNumber.INFO,
                severity_text="INFO",
                body=event.name,
                attributes=attributes,
                event_name=f"monite_auth.{event.name}",
            )
        )


def sinks_of(words: Iterable[str], functions: Sink | Iterable[Sink]) -> list[Sink]:
    """Return the sinks that settings name, and those that the application has given.

    Raises ConfigurationError for what cannot be called, and where OpenTelemetry is not installed.
    """
    given = [functions] if callable(functions) else list(functions)
    for each in given:
        if not callable(each):
            raise ConfigurationError(
                f"events is a function that takes an Event, or several, not {kind_of(each)}."
            )
    named: dict[str, Sink] = {}
    for word in words:
        named[word] = log_event if word == "log" else OpenTelemetrySink()
    return [*named.values(), *given]
