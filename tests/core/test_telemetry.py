"""Metrics, through the real OpenTelemetry SDK."""

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from monite_auth import EntityUser, Principal, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_SECRET, Fault

ANNA = Principal("anna", session_id="anna-1")


@pytest.fixture(scope="module")
def reader():
    """OpenTelemetry can be set up once in a process."""
    made = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([made]))
    return made


def test_mints_revocations_and_endings_are_counted_and_name_nobody(reader, emulated, emulator):
    emulator.monite.faults.add(Fault(kind="status", status=503, path="/auth/token", times=1))
    with TokenBroker(emulated, {"anna": EntityUser(ANNA_ID, BAKERY_ID)}) as broker:
        token = broker.token(ANNA)
        broker.logout(ANNA)
        with pytest.raises(errors.SessionEnded):
            broker.token(ANNA)
    data = reader.get_metrics_data()
    points = {
        (metric.name, value): point.count if hasattr(point, "count") else point.value
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
        for value in point.attributes.values()
    }
    assert points["monite_auth.mint.duration", "granted"] == 1
    assert points["monite_auth.mint.duration", "fault"] == 1
    assert points["monite_auth.revocations", "revoked"] == 1
    assert points["monite_auth.endings", "session"] == 1
    written = data.to_json()
    for secret in ("anna", ANNA_ID, token.value.reveal(), DEMO_CLIENT_SECRET):
        assert secret not in written
