"""OpenTelemetry's SDK, whose providers can be set up once in a process, and what it has got."""

import gc

import pytest
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@pytest.fixture(scope="session")
def reader():
    made = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([made]))
    return made


@pytest.fixture(scope="session")
def all_spans():
    made = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(made))
    trace.set_tracer_provider(provider)
    return made


@pytest.fixture
def spans(all_spans):
    """The spans that end in this test."""
    all_spans.clear()
    return all_spans


@pytest.fixture(scope="session")
def all_logs():
    made = InMemoryLogRecordExporter()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(made))
    _logs.set_logger_provider(provider)
    return made


@pytest.fixture
def logs(all_logs):
    """The log records of this test."""
    all_logs.clear()
    return all_logs


class Measured:
    """Metrics, as they have grown since the test began."""

    def __init__(self, reader):
        self._reader = reader
        self._before = self._read()

    def _read(self):
        data = self._reader.get_metrics_data()
        points = {
            (metric.name, frozenset(point.attributes.items())): point
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        }
        return {key: getattr(point, "count", getattr(point, "value", None)) for key, point in points.items()}

    def __call__(self, name, **attributes):
        """Return by how much a metric has grown, or how often a histogram has recorded something."""
        key = (f"monite_auth.{name}", frozenset(attributes.items()))
        return self._read().get(key, 0) - self._before.get(key, 0)

    def now(self, name):
        """Return a gauge's value, or None where nobody knows it."""
        return self._read().get((f"monite_auth.{name}", frozenset()))

    def names(self):
        return {name for name, _ in self._read()}


@pytest.fixture
def measured(reader):
    gc.collect()  # the brokers of earlier tests, whose stores would be asked, too
    return Measured(reader)
