"""Spans, through the real OpenTelemetry SDK: each by its name, in the request's span, and without people in them."""

import asyncio
import re
from pathlib import Path
from typing import get_args

import pytest
from opentelemetry import trace

from monite_auth import MemoryStore, TokenBroker, errors
from monite_auth.adapter import ApiRequest, BrowserApi, MoniteAccess
from monite_auth.engine.runtime import run
from monite_auth.stores.fallback.observed import NAMES, observed
from monite_auth.telemetry import Silence
from monite_auth.telemetry.telemetry import SpanName
from tests.people import ANNA, PEOPLE
from tests.scripted import ALICE, granted, numbered, refused
from tests.telemetry.told import TellingWorld

tracer = trace.get_tracer("the app")


def named(spans, name):
    return [each for each in spans.get_finished_spans() if each.name == f"monite_auth.{name}"]


def attributes(spans):
    return str(
        [(each.name, dict(each.attributes), each.status.description) for each in spans.get_finished_spans()]
    )


def test_a_mint_is_in_the_span_of_the_request_that_waits_for_it(spans, broker):
    with tracer.start_as_current_span("GET /invoices") as request:
        broker.token(ANNA)
        assert trace.get_current_span() is request
    (mint,) = named(spans, "mint")
    assert mint.parent.span_id == request.get_span_context().span_id
    assert mint.status.is_ok


def test_a_mint_on_an_event_loop_is_too(spans, emulated):
    async def ask():
        async with TokenBroker(emulated, PEOPLE) as broker:
            with tracer.start_as_current_span("GET /invoices") as request:
                await broker.atoken(ANNA)
                assert trace.get_current_span() is request
            return request.get_span_context().span_id

    request = asyncio.run(ask())
    assert [each.parent.span_id for each in named(spans, "mint")] == [request]


def test_what_goes_wrong_is_the_name_of_a_class(spans):
    world = TellingWorld(refused(400, "alice is unknown"))
    with pytest.raises(errors.EntityUserRejected):
        world.token()
    (mint,) = named(spans, "mint")
    assert dict(mint.attributes) == {"error.type": "EntityUserRejected"}
    assert not mint.status.is_ok
    assert "alice" not in attributes(spans)


def test_a_drain_has_a_span_if_there_is_something_to_do_and_its_revocations_are_in_it(spans):
    world = TellingWorld(numbered())
    world.drain()
    assert named(spans, "drain") == []
    world.token()
    world.logout()
    world.drain()
    (drain,), (revoke,) = named(spans, "drain"), named(spans, "revoke")
    assert revoke.parent.span_id == drain.context.span_id
    assert revoke.kind is trace.SpanKind.CLIENT


def test_a_browsers_call_has_a_span(spans, broker):
    request = ApiRequest("GET", "/payables", "", {"x-monite-version": broker.settings.api_version})
    access = MoniteAccess(broker, ANNA)
    assert BrowserApi().call(broker, request, None, lambda: access).status == 200
    (call,) = named(spans, "api_call")
    assert [each.parent.span_id for each in named(spans, "mint")] == [call.context.span_id]


def test_an_operation_of_a_store_that_takes_long_has_a_span_of_its_length_and_is_measured(spans, measured):
    now = 100.0

    def timer():
        return now

    class Slow:
        def __getattr__(self, name):
            async def operation(*_, **__):
                nonlocal now
                now += 0.5 if name == "claim" else 0.001
                if name == "hold":
                    now += 0.2
                    raise errors.StoreUnavailable("down")

            return operation

    world = TellingWorld(granted())
    operations = observed(Slow(), world.telemetry, timer=timer)
    with tracer.start_as_current_span("GET /invoices") as request:
        run(operations.peek(None, ALICE))
        run(operations.claim(None, ALICE, owner="me", seconds=1, min_life=0))
        with pytest.raises(errors.StoreUnavailable):
            run(operations.hold(1))
    claim, hold = named(spans, "store")
    assert dict(claim.attributes) == {"db.operation.name": "claim"}
    assert dict(hold.attributes) == {"db.operation.name": "hold"}
    assert claim.end_time - claim.start_time == 500_000_000
    assert claim.parent.span_id == request.get_span_context().span_id
    assert measured("store.wait.duration", operation="claim") == 1


def test_operations_are_all_observed_and_left_alone_where_nobody_listens():
    operations = MemoryStore().of("").operations(blocking=True)
    assert {"peek", "claim", "commit", "end_session", "admit", "session_state", "backlog"} <= set(NAMES)
    assert observed(operations, Silence()) is operations
    telling = observed(operations, TellingWorld(granted()).telemetry)
    assert all(callable(getattr(telling, name)) for name in NAMES)


def test_a_shared_store_is_observed(emulated):
    from monite_auth.testing.adapters.fixtures import StoreThatFails

    with TokenBroker(emulated, {}, store=StoreThatFails()) as broker:
        assert type(broker.store.operations(blocking=True)._shared).__name__ == "_Observed"


def test_a_flow_whose_event_loop_has_gone_ends_no_span_and_does_no_harm(spans):
    world = TellingWorld(granted())

    async def mint():
        with world.telemetry.span("mint"):
            await asyncio.get_running_loop().create_future()

    flow = mint()
    loop = asyncio.new_event_loop()
    task = loop.create_task(flow)
    loop.run_until_complete(asyncio.sleep(0))
    task._log_destroy_pending = False
    loop.close()
    flow.close()  # as Python does it, whenever it comes upon it
    assert named(spans, "mint") == []
    assert not trace.get_current_span().is_recording()


def test_the_docs_list_all_spans():
    page = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text()
    section = page[page.index("### Spans") : page.index("### Dashboard")]
    assert set(re.findall(r"^\| `monite_auth\.(\w+)` \|", section, re.MULTILINE)) == {
        *get_args(SpanName),
        "store",
    }
