"""What of Monite's answers gets to the browser, and what does not."""

import json

import httpx
import pytest

from monite_auth.adapter import Answer, StreamedAnswer, error_log
from tests.core.browser_api.upstream import Chunks, Upstream, answered, call, read


@pytest.fixture
def monite(emulator):
    with Upstream(emulator) as broker:
        yield broker


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


@pytest.mark.parametrize("status", [307, 401, 600])
def test_the_log_says_what_monite_answered_where_the_page_is_not_told(monite, caplog, monkeypatch, status):
    monkeypatch.setattr(
        error_log, "_of_this_process", error_log.ErrorLog()
    )  # each kind is written once a minute
    monite.answers = [answered(status=status, x_request_id="r-7")] * 2
    read(call(monite, query="counterpart_name=Rosa"))
    (line,) = [each.message for each in caplog.records if each.levelname == "ERROR"]
    assert line.startswith("A request was answered with 502: Monite")
    assert f"{status} to GET /v1/payables (r-7)" in line
    assert "Rosa" not in line


def test_not_modified_passes(monite):
    monite.answers = [answered(status=304, etag='"1"')]
    answer = call(monite, if_none_match='"1"')
    assert (answer.status, answer.headers["Etag"], read(answer)) == (304, '"1"', b"")
    assert monite.requests[0].headers["if-none-match"] == '"1"'


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
