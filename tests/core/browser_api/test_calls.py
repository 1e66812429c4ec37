"""What a browser's calls become at Monite, and what happens when one goes wrong."""

import json

import httpx
import pytest

from monite_auth import AccessToken
from monite_auth.adapter import BrowserApi
from monite_auth.adapter.browser_api.bodies import KEPT
from monite_auth.emulator import DEMO_CLIENT_SECRET
from tests.core.browser_api.upstream import ANNA, Upstream, answered, call, read

DEAD = {"error": {"message": "The token is expired or invalid."}}


@pytest.fixture
def monite(emulator):
    with Upstream(emulator) as broker:
        yield broker


def test_a_body_goes_out_as_it_comes_with_its_length_or_in_chunks(monite):
    read(call(monite, "POST", body=iter([b"one ", b"two"]), content_length="7", content_type="text/plain"))
    read(call(monite, "POST", body=iter([b"one ", b"two"]), transfer_encoding="chunked"))
    read(call(monite, "POST"))
    assert monite.bodies == [b"one two", b"one two", b""]
    framing = [
        (each.headers.get("content-length"), each.headers.get("transfer-encoding"))
        for each in monite.requests
    ]
    assert framing == [("7", None), (None, "chunked"), ("0", None)]


def test_a_cookie_of_monites_goes_out_with_nobodys_next_call(monite):
    api = BrowserApi()
    monite.answers = [httpx.Response(200, headers={"Set-Cookie": "of=anna"}, content=b"1")]
    read(call(monite, api=api))
    read(call(monite, api=api))
    assert len(monite.requests) == 2
    assert not any("cookie" in each.headers for each in monite.requests)


def test_a_dead_token_is_exchanged_and_the_body_sent_again(monite):
    monite.answers = [httpx.Response(401, json=DEAD)]
    answer = call(monite, "POST", body=iter([b"one ", b"two"]))
    assert answer.status == 200
    assert monite.bodies == [b"one two"] * 2
    assert len(set(monite.tokens)) == 2
    read(answer)


def test_a_body_that_is_too_long_to_be_kept_is_asked_for_again(monite):
    monite.answers = [httpx.Response(401, json=DEAD)]
    chunks = [b"x" * KEPT, b"y"]
    answer = call(monite, "POST", body=iter(chunks))
    assert (answer.status, answer.headers["Retry-After"]) == (503, "0")
    assert len(monite.requests) == 1
    assert call(monite, "POST", body=iter(chunks)).status == 200


def test_a_body_that_turns_out_to_be_too_long_is_refused_on_the_way(emulator):
    with Upstream(emulator, api_longest_body=10) as monite:
        answer = call(monite, "POST", body=iter([b"x" * 8, b"y" * 8]), transfer_encoding="chunked")
        assert answer.status == 413
        assert call(monite, "POST", body=iter([b"x" * 10])).status == 200


def test_so_many_calls_of_one_session_are_under_way_and_no_more(emulator):
    api = BrowserApi()
    with Upstream(emulator, api_calls_per_session=2) as monite:
        monite.answers = [answered(b"1"), answered(b"2"), answered(b"3"), answered(b"4")]
        first, second = call(monite, api=api), call(monite, api=api)
        refused = call(monite, api=api)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        first.body.close()
        third = call(monite, api=api)
        assert third.status == 200
        read(second)
        read(third)
        assert (
            call(monite, "POST", "/auth/token", api=api).status == 404
        )  # a refusal counts no longer than it lasts
        read(call(monite, api=api))


def test_what_a_body_raises_goes_through_and_ends_the_call(emulator):
    api = BrowserApi()

    def gone():
        yield b"one"
        raise ConnectionResetError("the browser")

    with Upstream(emulator, api_calls_per_session=1) as monite:
        with pytest.raises(ConnectionResetError):
            call(monite, "POST", body=gone(), api=api)
        assert call(monite, api=api).status == 200


def test_monite_that_cannot_be_reached_is_said_without_the_request(monite, caplog):
    def unreachable(request):
        raise httpx.ConnectError("no", request=request)

    monite.answer = unreachable
    answer = call(monite)
    assert answer.status == 503
    assert json.loads(read(answer))["error"]["code"] == "monite_unavailable"
    assert monite.token(ANNA).value.reveal() not in caplog.text


def test_promise_5_after_the_logout_no_call_goes_out(monite):
    read(call(monite))
    monite.logout(ANNA)
    answer = call(monite)
    assert answer.status == 401
    assert json.loads(read(answer))["error"]["message"]
    assert len(monite.requests) == 1


def test_no_token_and_no_secret_is_in_what_a_call_prints(monite):
    monite.answers = [answered(b"1", content_type="application/json")]
    answer = call(monite, query="counterpart_name=Rosa")
    token: AccessToken = monite.token(ANNA)
    for said in (repr(answer), repr(answer.headers)):
        assert token.value.reveal() not in said
        assert DEMO_CLIENT_SECRET not in said
        assert "Rosa" not in said
    answer.body.close()


def test_a_call_whose_turn_does_not_come_soon_is_told_when_to_come_again(emulator):
    with Upstream(emulator, requests_per_second=1, call_patience=0.01) as monite:
        monite.token(ANNA)  # takes the turn of this second
        answer = call(monite)
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) >= 1
        assert json.loads(read(answer))["error"]["code"] == "rate_limited"
        assert not monite.requests
    with Upstream(emulator, requests_per_second=1, call_patience=0) as monite:
        monite.token(ANNA)
        assert call(monite).status == 200
