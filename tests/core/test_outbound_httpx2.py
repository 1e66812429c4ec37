"""The twin of BrokerAuth for httpx2: the same flow, which test_outbound.py goes through in detail."""

import asyncio

import httpx2
import pytest

from monite_auth import Principal, errors
from monite_auth.emulator import BAKERY_ID

ANNA = Principal("anna", session_id="anna-1")


class Monite(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers as the test says, and keeps whose token was shown."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.bearers = []
        self.entities = []

    def handle_request(self, request):
        self.bearers.append(request.headers.get("authorization"))
        self.entities.append(request.headers.get("x-monite-entity-id"))
        status = self.statuses.pop(0) if self.statuses else 200
        words = "The token has been revoked, expired or not found."
        return httpx2.Response(status, json={"error": {"message": words}} if status == 401 else {})

    async def handle_async_request(self, request):
        return self.handle_request(request)


@pytest.fixture(params=["threads", "tasks"])
def call(request, broker):
    def blocking(there, *args, **kwargs):
        with httpx2.Client(transport=there, auth=broker.httpx2_auth(ANNA)) as client:
            return client.request(*args, **kwargs)

    async def acall(there, *args, **kwargs):
        async with httpx2.AsyncClient(transport=there, auth=broker.httpx2_auth(ANNA)) as client:
            return await client.request(*args, **kwargs)

    if request.param == "threads":
        return blocking
    return lambda *args, **kwargs: asyncio.run(acall(*args, **kwargs))


def test_a_call_carries_the_token_and_a_dead_one_is_replaced_once(broker, call):
    there, first = Monite(401), broker.token(ANNA).authorization
    url = broker.settings.base_url + "/payables"
    assert call(there, "POST", url, json={"description": "Flour"}).status_code == 200
    assert there.bearers == [first, broker.token(ANNA).authorization]
    assert there.bearers[0] != there.bearers[1]
    assert there.entities == [BAKERY_ID, BAKERY_ID]


def test_a_stream_is_not_sent_again(broker, call):
    async def body():
        yield b"one"

    def blocking_body():
        yield b"one"

    there, url = Monite(401), broker.settings.base_url + "/payables"
    with pytest.raises((errors.BodySpent, RuntimeError)) as caught:
        call(there, "POST", url, content=blocking_body())
    if not isinstance(caught.value, errors.BodySpent):  # an async client takes async bodies only
        with pytest.raises(errors.BodySpent):
            call(Monite(401), "POST", url, content=body())


def test_promise_10_a_request_to_another_origin_carries_no_token(broker, call):
    there = Monite()
    call(there, "GET", "https://elsewhere.example/payables")
    assert there.bearers == [None]
