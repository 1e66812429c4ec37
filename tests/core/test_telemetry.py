"""Metrics, through the real OpenTelemetry SDK."""

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from monite_auth import EntityUser, Principal, TokenBroker, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_SECRET, Fault
from monite_auth.testing.adapters.fixtures import StoreThatFails
from tests.waiting import until

ANNA = Principal("anna", session_id="anna-1")


@pytest.fixture(scope="module")
def reader():
    """OpenTelemetry can be set up once in a process."""
    made = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([made]))
    return made


def journal_length(data):
    """Return the sum of all journals' lengths; 0 where nothing was ever in one."""
    return sum(
        point.value
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "monite_auth.journal.length"
        for point in metric.data.data_points
    )


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
    assert journal_length(data) == 0
    written = data.to_json()
    for secret in ("anna", ANNA_ID, token.value.reveal(), DEMO_CLIENT_SECRET):
        assert secret not in written


def test_what_a_store_that_is_down_has_to_hear_of_is_counted(reader, emulated):
    store = StoreThatFails()
    with TokenBroker(emulated, {}, store=store) as broker:
        store.is_down = True
        broker.logout(ANNA)
        broker.end_user("anna")
        assert journal_length(reader.get_metrics_data()) == 2
        store.is_down = False
        until(lambda: journal_length(reader.get_metrics_data()) == 0)
