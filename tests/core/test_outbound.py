"""Calls to Monite: headers, one resend after a dead token, and promise 10, tokens stay home."""

import asyncio
import io

import httpx
import pytest

from monite_auth import PARTNER, BrokerAuth, Principal, TokenBroker, errors
from monite_auth.configuration.proxies import proxy_for
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from monite_auth.engine.runtime import run
from monite_auth.outbound import retry_after
from monite_auth.stores import Priority
from tests.scripted import settings

ANNA = Principal("anna", session_id="anna-1")


class Elsewhere(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers as the test says, and keeps what was asked."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.bearers: list[str | None] = []

    def handle_request(self, request):
        request.read()
        return self._answer(request)

    async def handle_async_request(self, request):
        await request.aread()
        return self._answer(request)

    def _answer(self, request):
        self.asked.append(request)
        self.bearers.append(request.headers.get("authorization"))  # a resend changes the request itself
        return self.answers.pop(0) if self.answers else httpx.Response(200)


def call(broker, form, transport, *args, principal=ANNA, **kwargs):
    """Make one call in either form and return the response."""
    options = kwargs.pop("options", {})

    async def acall():
        async with broker.aclient(principal, transport=transport, **options) as client:
            response = await client.request(*args, **kwargs)
        await broker.aclose()
        return response

    if form == "tasks":
        return asyncio.run(acall())
    with broker.client(principal, transport=transport, **options) as client:
        return client.request(*args, **kwargs)


@pytest.fixture(params=["threads", "tasks"])
def form(request):
    return request.param


def dead(status=400):
    return httpx.Response(
        status, json={"error": {"message": "The token has been revoked, expired or not found."}}
    )


def test_a_call_carries_token_version_and_entity(broker, form):
    there = Elsewhere()
    call(broker, form, there, "GET", "/payables")
    (request,) = there.asked
    assert request.headers["authorization"] == broker.token(ANNA).authorization
    assert request.headers["x-monite-version"] == "2024-05-25"
    assert request.headers["x-monite-entity-id"] == BAKERY_ID
    assert str(request.url) == broker.settings.base_url + "/payables"


def test_headers_that_the_app_sets_are_kept_but_for_the_token(broker, form):
    there = Elsewhere()
    own = {"x-monite-version": "2025-01-01", "x-monite-entity-id": "other", "authorization": "Basic x"}
    call(broker, form, there, "GET", "/payables", headers=own)
    (request,) = there.asked
    assert request.headers["x-monite-version"] == "2025-01-01"
    assert request.headers["x-monite-entity-id"] == "other"
    assert request.headers["authorization"].startswith("Bearer ")


def test_the_partner_has_no_entity_of_its_own(broker, form):
    there = Elsewhere()
    call(broker, form, there, "GET", "/entities", principal=PARTNER)
    assert "x-monite-entity-id" not in there.asked[0].headers
    assert there.bearers == [broker.partner_token().authorization]


def test_an_anonymous_visitor_cannot_call_monite(broker, form):
    there = Elsewhere()
    with pytest.raises(errors.NotLoggedIn):
        call(broker, form, there, "GET", "/payables", principal=None)
    assert there.asked == []


def distance(broker):
    """Return the seconds between two requests that the budget lets leave."""
    operations = broker.store.operations(blocking=True)
    waits = [run(operations.admit(Priority.USER, None, patience=60)).wait for _ in range(5)]
    return waits[4] - waits[3]


def test_promise_8_a_lower_limit_that_a_calls_answer_names_is_kept(broker, form):
    transport = Elsewhere(httpx.Response(200, headers={"X-RateLimit-Limit-Second": "10"}))
    call(broker, form, transport, "GET", "/payables")
    assert distance(broker) > 0.09


def test_promise_8_another_origin_names_no_limit(broker, form):
    limit = {"X-RateLimit-Limit-Second": "10"}
    away = httpx.Response(302, headers={"Location": "https://elsewhere.test/"})
    transport = Elsewhere(httpx.Response(200, headers=limit), away, httpx.Response(200, headers=limit))
    call(broker, form, transport, "GET", "https://elsewhere.test/")
    call(broker, form, transport, "GET", "/payables", options={"follow_redirects": True})
    assert distance(broker) < 0.09


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_dead_token_is_replaced_and_the_call_sent_once_more(broker, form, status):
    old = broker.token(ANNA)
    there = Elsewhere(dead(status), httpx.Response(200))
    assert call(broker, form, there, "POST", "/payables", json={"a": 1}).status_code == 200
    first, second = there.bearers
    assert first == old.authorization
    assert second == broker.token(ANNA).authorization != first
    assert [request.content for request in there.asked] == [b'{"a":1}'] * 2


def test_a_second_refusal_is_the_callers(broker, form):
    there = Elsewhere(dead(401), dead(401), httpx.Response(200))
    assert call(broker, form, there, "GET", "/payables").status_code == 401
    assert len(there.asked) == 2


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "The invoice has expired."),
        (403, "Your role does not allow this."),
        (404, "The token has expired."),
        (500, "The token has expired."),
    ],
)
def test_any_other_refusal_is_left_alone(broker, form, status, message):
    token = broker.token(ANNA)
    there = Elsewhere(httpx.Response(status, json={"error": {"message": message}}))
    assert call(broker, form, there, "GET", "/payables") is not None
    assert len(there.asked) == 1
    assert broker.token(ANNA) == token


def test_a_form_and_a_file_are_sent_again(broker, form):
    for body in (
        {"data": {"a": "1"}},
        {"files": {"file": ("bill.pdf", io.BytesIO(b"%PDF"))}},
        {"content": "text"},
    ):
        there = Elsewhere(dead(401), httpx.Response(200))
        assert call(broker, form, there, "POST", "/payables", **body).status_code == 200
        first, second = (request.content for request in there.asked)
        assert first == second != b""


class Pipe(io.RawIOBase):
    """A file that cannot be rewound."""

    def readable(self):
        return True

    def readinto(self, buffer):
        return 0


@pytest.mark.parametrize(
    "body",
    [
        lambda: {"content": iter([b"one", b"two"])},
        lambda: {"files": {"file": ("pipe", io.BufferedReader(Pipe()))}},
    ],
)
def test_a_stream_is_not_sent_again_and_the_error_says_why(broker, body):
    class Unread(httpx.BaseTransport):
        asked = 0

        def handle_request(self, request):
            self.asked += 1
            for _ in request.stream:
                pass
            return dead(401)

    there, token = Unread(), broker.token(ANNA)
    with pytest.raises(errors.BodySpent, match="is spent") as caught:
        call(broker, "threads", there, "POST", "/payables", **body())
    assert caught.value.retry_after == 0
    assert there.asked == 1
    assert broker.token(ANNA).fingerprint != token.fingerprint  # the next try works


def test_retry_after_of_an_ordinary_call_is_a_fact_for_the_caller(broker, form):
    for header, seconds in (("7", 7), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)):
        there = Elsewhere(httpx.Response(429, headers={"Retry-After": header}))
        assert retry_after(call(broker, form, there, "GET", "/payables")) == seconds
    assert retry_after(httpx.Response(200)) is None


def test_two_calls_that_fail_with_one_token_cost_one_mint(broker, emulator):
    token = broker.token(ANNA)
    broker.reject(ANNA, token)
    broker.reject(ANNA, token)
    fresh = broker.token(ANNA)
    broker.reject(ANNA, token)
    assert broker.token(ANNA) == fresh
    assert len(emulator.monite.ledger.tokens) == 2


# -- 10. Tokens stay home


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:{port}/v1/payables",
        "http://localhost:{port}/v1/payables",
        "http://127.0.0.1:1/v1/payables",
        "http://127.0.0.1.evil.example:{port}/v1/payables",
        "http://evil.example/v1/payables",
    ],
)
def test_promise_10_a_request_to_another_origin_carries_no_token(broker, emulator, form, url):
    there = Elsewhere(dead(401))
    call(broker, form, there, "GET", url.format(port=httpx.URL(emulator.url).port))
    assert there.bearers == [None]
    assert "x-monite-entity-id" not in there.asked[0].headers
    assert emulator.monite.ledger.tokens == []


def test_promise_10_redirects_are_not_followed(broker, form):
    there = Elsewhere(httpx.Response(307, headers={"location": "http://evil.example/"}))
    assert call(broker, form, there, "GET", "/payables").status_code == 307
    assert len(there.asked) == 1


def test_promise_10_a_redirect_elsewhere_carries_no_token_even_where_the_app_follows_it(broker, form):
    token = broker.token(ANNA)
    there = Elsewhere(httpx.Response(307, headers={"location": "http://evil.example/"}), dead(401))
    options = {"follow_redirects": True}
    assert call(broker, form, there, "GET", "/payables", options=options).status_code == 401
    assert there.bearers == [token.authorization, None]
    assert broker.token(ANNA) == token  # a stranger's word does not cost us a token


# -- clients


def test_auth_objects_work_in_the_apps_own_clients(broker, emulator):
    with httpx.Client(auth=broker.auth(ANNA), base_url=emulator.api_url) as client:
        assert client.get("/entity_users/me").json()["id"] == ANNA_ID

    async def me():
        async with httpx.AsyncClient(auth=BrokerAuth(broker, ANNA), base_url=emulator.api_url) as client:
            response = await client.get("/entity_users/me")
        await broker.aclose()
        return response.json()["id"]

    assert asyncio.run(me()) == ANNA_ID


def test_a_client_per_request_shares_its_connections_and_needs_no_closing(broker, emulator):
    for _ in range(20):
        with broker.client(ANNA) as client:
            assert client.get("/entity_users/me").status_code == 200
    pool = broker._pools._transport()._pool
    assert len(pool.connections) == 1

    async def several():
        for _ in range(20):
            async with broker.aclient(ANNA) as client:
                assert (await client.get("/entity_users/me")).status_code == 200
        transport = broker._pools._here().of_loop()
        assert len(transport._pool.connections) == 1
        await broker.aclose()

    asyncio.run(several())


def test_the_apps_options_and_hooks_are_kept(broker):
    seen = []
    with broker.client(
        ANNA,
        timeout=1.5,
        headers={"user-agent": "app"},
        event_hooks={"request": [lambda r: seen.append(r.method)]},
    ) as client:
        assert client.timeout == httpx.Timeout(1.5)
        assert client.get("/entity_users/me").request.headers["user-agent"] == "app"
    assert seen == ["GET"]


def test_a_proxy_of_the_environment_is_used_for_monite_and_not_for_this_machine(monkeypatch, broker):
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert broker.client(ANNA).get("/entity_users/me").status_code == 200
    with TokenBroker(settings(), {}) as far:
        assert proxy_for(far.settings) == "http://127.0.0.1:9"
        monkeypatch.setenv("NO_PROXY", "monite.com")
        assert proxy_for(far.settings) is None


def test_a_broker_can_be_used_again_after_it_was_closed(broker):
    broker.token(ANNA)
    broker.close()
    assert broker.client(ANNA).get("/entity_users/me").status_code == 200
