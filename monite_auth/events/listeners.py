"""Puts together who is told what happens: metrics, spans, events, and health."""

import asyncio
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec

from monite_auth.events.delivery import Delivery
from monite_auth.events.event import Event, Sink
from monite_auth.events.names import Names
from monite_auth.events.recorder import Recorder
from monite_auth.events.sinks import sinks_of
from monite_auth.processes.flows import Flow
from monite_auth.processes.lifetimes import PerProcess
from monite_auth.processes.threads import Threads
from monite_auth.settings import Settings
from monite_auth.stores.values import Overview
from monite_auth.telemetry import Told
from monite_auth.telemetry.counts import Counter
from monite_auth.telemetry.facts import EventsDropped, SecretsChanged
from monite_auth.telemetry.telemetry import Listener, Spans
from monite_auth.telemetry.vitals import Vitals

__all__ = ["Listeners"]

HAS_OPENTELEMETRY = find_spec("opentelemetry") is not None

FLUSHING = PerProcess(lambda: Threads(4, name="monite_auth flushing"))
"""Wait for sinks, where an event loop must not."""


class Listeners:
    """All who listen to one broker. `telemetry` is what the engine and the store tell."""

    def __init__(self, settings: Settings, sinks: Sink | Iterable[Sink] = ()) -> None:
        self.vitals = Vitals()
        self.names = Names(settings)
        self._account = settings.account_name
        self._dropped = PerProcess(Counter)
        self._recorder = Recorder(settings, self.names, self._record)
        self._deliveries = [
            Delivery(sink, note_dropped=self._note_dropped, dropped=self._recorder.dropped)
            for sink in sinks_of(settings.events, sinks)
        ]
        listeners: list[Listener] = [self.vitals.tell]
        if self._deliveries:
            listeners.append(self._recorder.tell)
        spans: Spans | None = None
        if HAS_OPENTELEMETRY:
            from monite_auth.telemetry.metrics import process_metrics  # noqa: PLC0415 - an extra
            from monite_auth.telemetry.spans import span, tell_of_span  # noqa: PLC0415

            spans = span
            listeners += [process_metrics().tell, tell_of_span]
        self.telemetry = Told(*listeners, spans=spans)

    def watch_backlog(self, ask: Callable[[], Flow[Overview]]) -> None:
        """Have metrics say which revocations are pending; `ask` returns a flow for a thread."""
        if HAS_OPENTELEMETRY:
            from monite_auth.telemetry.metrics import Backlog, process_metrics  # noqa: PLC0415 - an extra

            self._backlog = Backlog(ask)  # metrics let it go with this object
            process_metrics().watch(self._account, self._backlog)

    def tell_of_rotation(self) -> None:
        """Tell that this process uses another client secret, or other keys."""
        self.telemetry.tell(SecretsChanged())

    @property
    def dropped(self) -> int:
        """How many events this process has lost."""
        return self._dropped().value

    def flush(self, *, within: float) -> None:
        """Wait until the sinks have all events, `within` seconds at the most."""
        until = time.monotonic() + within
        for each in self._deliveries:
            each.flush(within=until - time.monotonic())

    async def aflush(self, *, within: float) -> None:
        """Wait until the sinks have all events; see `flush`."""
        if not all(each.is_idle for each in self._deliveries):
            await asyncio.wrap_future(FLUSHING().submit(lambda: self.flush(within=within)))

    def _record(self, event: Event) -> None:
        for each in self._deliveries:
            each.put(event)

    def _note_dropped(self, count: int) -> None:
        for _ in range(count):
            self._dropped().add()
        self.telemetry.tell(EventsDropped(count))
