"""The example app, with its metrics for Prometheus on a port of their own: `METRICS_PORT`."""

import os

from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import start_http_server

from examples.fastapi_app.app import app

__all__ = ["app"]

metrics.set_meter_provider(MeterProvider([PrometheusMetricReader()]))
start_http_server(int(os.environ["METRICS_PORT"]), addr="127.0.0.1")
