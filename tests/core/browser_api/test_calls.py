"""What passes between a browser and Monite, and what does not; and what happens when a call goes wrong."""

import json

import httpx
import pytest

from monite_auth import AccessToken
from monite_auth.adapter import Answer, BrowserApi, StreamedAnswer
from monite_auth.adapter.browser_api.bodies import KEPT
from monite_auth.emulator import DEMO_CLIENT_SECRET
from tests.core.browser_api.upstream import ANNA, Upstream, call, read

DEAD = {"error": {"message": "The token is expired or invalid."}}


@pytest.fixture
def monite(emulator):
    with Upstream(emulator) as broker:
        yield broker


class Chunks(httpx.SyncByteStream):
    """An answer that comes in pieces. `breaks`: with which error it ends, if not well."""

    def __init__(self, *chunks, breaks=None):
        self.chunks = chunks
        self.breaks = breaks
        self.is_closed = False

    def __iter__(self):
        yield from self.chunks
        if self.breaks is not None:
            raise self.breaks

    def close(self):
        self.is_closed = True


def answered(*chunks, status=200, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, stream=Chunks(*chunks))


def test_the_answer_comes_as_it_was_packed_and_no_cookie_with_it(monite):
    packed = b"\x1f\x8b not unpacked"
    monite.answers = [
        answered(
            packed[:5],
            packed[5:],
            content_type="application/json",
            content_encoding="gzip",
            content_length=str(len(packed)),
            set_cookie="monite=1",
            connection="etag",
            etag='"1"',
            server="nginx",
            access_control_allow_origin="*",
            cache_control="public, max-age=60",
        )
    ]
    answer = call(monite, accept_encoding="gzip")
    assert isinstance(answer, StreamedAnswer)
    assert read(answer) == packed
    assert dict(answer.headers) == {
        "Content-Encoding": "gzip",
        "Content-Length": str(len(packed)),
        "Content-Type": "application/json",
        "Cache-Control": "private, no-store",
        "Pragma": "no-cache",
        "Vary": "Cookie, Authorization",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    assert monite.requests[0].headers["accept-encoding"] == "gzip"


def test_a_browser_that_unpacks_nothing_gets_nothing_packed(monite):
    call(monite)
    assert monite.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("given", "disposition"),
    [
        ({"content_type": "text/html"}, "attachment"),
        ({}, "attachment"),
        ({"content_type": "application/pdf", "content_disposition": 'inline; filename="a.pdf"'}, 'attachment; filename="a.pdf"'),
        ({"content_type": "image/svg+xml", "content_disposition": "inline"}, "attachment"),
        ({"content_type": "application/json"}, None),
        ({"content_type": "application/problem+json; charset=utf-8"}, None),
        ({"content_type": "application/jsonp"}, "attachment"),
        ({"content_type": "application/json;a=b, text/html"}, "attachment"),
    ],
)  # fmt: skip
def test_what_users_have_uploaded_is_saved_and_not_shown(monite, given, disposition):
    monite.answers = [answered(b"<script>", **given)]
    answer = call(monite)
    assert answer.headers.get("Content-Disposition") == disposition
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    answer.body.close()


def test_a_refusal_of_monite_keeps_its_status_and_its_words(monite):
    refusal = {"error": {"message": "Object type payable at permissions not found."}}
    monite.answers = [httpx.Response(403, json=refusal)]
    answer = call(monite)
    assert (answer.status, json.loads(read(answer))) == (403, refusal)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401])
def test_answers_that_would_send_the_browser_elsewhere_or_to_the_login_do_not(monite, status):
    monite.answers = [answered(status=status, location="https://evil.example", www_authenticate="Bearer")] * 2
    answer = call(monite)
    assert isinstance(answer, Answer)
    assert answer.status == 502
    assert not {"Location", "Www-Authenticate"} & answer.headers.keys()


@pytest.mark.parametrize("status", [600, 999])
def test_a_status_that_is_none_of_https_does_not_pass(monite, status):
    monite.answers = [answered(b"{}", status=status)]
    answer = call(monite)
    assert (answer.status, json.loads(read(answer))["error"]["code"]) == (502, "no_answer")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_says_no_length(monite, status):
    monite.answers = [answered(status=status, content_length="12345")]
    answer = call(monite)
    assert (answer.status, "Content-Length" in answer.headers, read(answer)) == (status, False, b"")


def test_beside_chunks_a_length_of_monites_does_not_count(monite):
    monite.answers = [answered(b"12345", content_length="1", transfer_encoding="chunked")]
    answer = call(monite)
    assert "Content-Length" not in answer.headers
    assert read(answer) == b"12345"


def test_a_value_with_control_characters_stays_where_it_is(monite):
    monite.answers = [
        answered(b"{}", content_type="application/json", etag="a\x01b", content_language="a\tb")
    ]
    answer = call(monite, accept="a\x01b", accept_language="a\tb")
    read(answer)
    sent = monite.requests[0].headers
    assert "accept" not in sent
    assert sent["accept-language"] == "a\tb"
    assert "Etag" not in answer.headers
    assert answer.headers["Content-Language"] == "a\tb"


def test_bytes_in_a_header_pass_as_they_are(monite):
    read(call(monite, accept_language="\xe9"))
    assert (b"accept-language", b"\xe9") in monite.requests[0].headers.raw


def test_not_modified_passes(monite):
    monite.answers = [answered(status=304, etag='"1"')]
    answer = call(monite, if_none_match='"1"')
    assert (answer.status, answer.headers["Etag"], read(answer)) == (304, '"1"', b"")
    assert monite.requests[0].headers["if-none-match"] == '"1"'


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


def test_an_answer_that_breaks_off_does_not_look_whole_and_holds_no_token(monite):
    stream = Chunks(b"half", breaks=httpx.ReadError("gone"))
    monite.answers = [httpx.Response(200, stream=stream)]
    answer = call(monite)
    with pytest.raises(Exception, match="broke off: ReadError") as caught:
        read(answer)
    assert caught.value.__cause__ is None
    assert stream.is_closed


def test_an_answer_that_nobody_reads_is_let_go_once(monite):
    stream = Chunks(b"never read")
    monite.answers = [httpx.Response(200, stream=stream)]
    answer = call(monite)
    answer.body.close()
    answer.body.close()
    assert stream.is_closed


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
