"""Facts as OpenTelemetry metrics. Without an SDK nothing is measured; `instruments` has the table of all of them.

No attribute names a user, and none can hold a token: their values come from short fixed lists.
"""

import math
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Protocol
from weakref import WeakValueDictionary

from monite_auth.processes.flows import Flow, run
from monite_auth.telemetry import facts
from monite_auth.telemetry.api import metrics
from monite_auth.telemetry.counts import PROCESS_COUNTS
from monite_auth.telemetry.facts import Fact
from monite_auth.telemetry.instruments import INSTRUMENTS

__all__ = ["Backlog", "Metrics", "process_metrics"]

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Bounds of histograms, in seconds: from a read of a store to a hold of a minute."""


KEPT_FOR = 1.0
"""Seconds for which an answer of the store is kept: one export asks once for two metrics, which cannot say where it begins."""


class Pending(Protocol):
    """What a store says of pending revocations: how many there are, and for how many seconds the oldest has been."""

    @property
    def pending(self) -> int: ...

    @property
    def oldest(self) -> float | None: ...


class Backlog:
    """Asks one account's store about its pending revocations, whenever metrics are exported.

    `ask` returns a flow, which runs in the exporter's thread: by default once a minute. `timer`: returns seconds from any moment on.
    """

    def __init__(self, ask: Callable[[], Flow[Pending]], timer: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._timer = timer
        self._answer: Pending | None = None
        self._asked_at = -math.inf

    def read(self) -> Pending | None:
        """Return what is pending; None where the store does not answer."""
        if self._timer() - self._asked_at >= KEPT_FOR:
            try:
                self._answer = run(self._ask())
            except Exception:  # noqa: BLE001 - other metrics tell of the store's trouble, and the exporter has to go on
                self._answer = None
            self._asked_at = self._timer()
        return self._answer


class Metrics:
    """The instruments of a process, for all of its brokers."""

    def __init__(self, meter: metrics.Meter) -> None:
        self._backlogs: WeakValueDictionary[str, Backlog] = WeakValueDictionary()
        observed = {
            "monite_auth.token.hits": self._hits,
            "monite_auth.token.stale_hits": self._stale_hits,
            "monite_auth.revocations.pending": self._pending,
            "monite_auth.revocations.pending.age": self._pending_age,
        }
        self._instruments: dict[str, Any] = {}
        for name, (kind, unit, description, _) in INSTRUMENTS.items():
            options = {"name": name, "unit": unit, "description": description}
            if kind == "histogram":
                made: Any = meter.create_histogram(**options, explicit_bucket_boundaries_advisory=BOUNDS)
            elif kind == "counter":
                made = meter.create_counter(**options)
            elif kind == "up-down counter":
                made = meter.create_up_down_counter(**options)
            elif kind == "gauge":
                made = meter.create_observable_gauge(**options, callbacks=[observed[name]])
            else:
                made = meter.create_observable_counter(**options, callbacks=[observed[name]])
            self._instruments[name] = made

    def watch(self, account: str, backlog: Backlog) -> None:
        """Export an account's backlog for as long as somebody keeps it."""
        self._backlogs[account] = backlog

    def tell(self, fact: Fact) -> None:
        """Measure a fact."""
        match fact:
            case facts.MintTried(_, outcome, seconds):
                self._record("mint.duration", seconds, outcome=outcome)
            case facts.WaitEnded(outcome, seconds):
                self._record("token.wait.duration", seconds, outcome=outcome)
            case facts.TurnTaken(priority, seconds):
                self._record("budget.wait.duration", seconds, priority=priority)
            case facts.Held(reason, seconds):
                self._record("hold.duration", seconds, reason=reason)
            case facts.StoreWaited(operation, seconds):
                self._record("store.wait.duration", seconds, operation=operation)
            case facts.MintCommitted(_, outcome):
                self._add("mint.committed", outcome=outcome)
            case facts.CooldownBegan(code, everyone):
                self._add("mint.cooldowns", code=code, reach="everyone" if everyone else "slot")
            case facts.RenewalEnded(outcome):
                self._add("renewals", outcome=outcome)
            case facts.RevocationTried(outcome):
                self._add("revocations", outcome=outcome)
            case facts.RevocationsExpired(count):
                self._add("revocations", count, outcome="expired")
            case facts.TokensEnded(reach):
                self._add("endings", reach=reach)
            case facts.CallRefused():
                self._add("calls.refused")
            case facts.StoreFailed():
                self._add("store.failures")
            case facts.AnsweredInOutage(_, is_served):
                self._add("store.degraded_answers", answer="served" if is_served else "refused")
            case facts.OwedChanged(by):
                self._add("journal.length", by)
            case facts.EventsDropped(count):
                self._add("events.dropped", count)

    def _record(self, name: str, seconds: float, **attributes: str) -> None:
        self._instruments[f"monite_auth.{name}"].record(seconds, attributes)

    def _add(self, name: str, count: int = 1, **attributes: str) -> None:
        self._instruments[f"monite_auth.{name}"].add(count, attributes)

    # -- what is read when metrics are exported

    def _hits(self, _: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        yield metrics.Observation(PROCESS_COUNTS().hits.value)

    def _stale_hits(self, _: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        yield metrics.Observation(PROCESS_COUNTS().stale.value)

    def _pending(self, _: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        if found := self._read_backlogs():
            yield metrics.Observation(sum(each.pending for each in found))

    def _pending_age(self, _: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        if found := self._read_backlogs():
            yield metrics.Observation(max(each.oldest or 0.0 for each in found))

    def _read_backlogs(self) -> list[Pending]:
        """Return what is pending in each account's store; nothing where one of them does not answer."""
        found = [backlog.read() for backlog in list(self._backlogs.values())]
        known = [each for each in found if each is not None]
        return known if len(known) == len(found) else []


@cache
def process_metrics() -> Metrics:
    """Return the metrics of this process. An SDK that is set up later gets them, too."""
    return Metrics(metrics.get_meter("monite_auth"))
