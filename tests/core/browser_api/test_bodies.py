"""Bodies as WSGI servers read them, and connections that nobody closes."""

import asyncio
import gc
import gzip
import io
from contextlib import AsyncExitStack, ExitStack

import httpx
import pytest

from monite_auth.adapter import ApiRequest, AsyncStream, Stream, read_body
from monite_auth.adapter.browser_api.bodies import CHUNK, BodyBrokeOff
from monite_auth.adapter.browser_api.gate import refuse_request
from tests.core.browser_api.upstream import OWN_PAGE, Upstream, call, read
from tests.waiting import auntil, until


def request(shows_end=True, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ApiRequest("POST", "payables", "", {**OWN_PAGE, **named}, shows_end=shows_end)


def whole(asked, content):
    return b"".join(read_body(asked, io.BytesIO(content).read))


@pytest.mark.parametrize("length", ["0", "00"])
def test_a_request_without_a_body_has_none(length):
    assert read_body(request(), io.BytesIO(b"of the next request").read) is None
    assert read_body(request(content_length=length), io.BytesIO(b"of the next request").read) is None


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_body_is_read_up_to_its_length_and_in_chunks_up_to_its_end(size):
    content = bytes(size)
    assert whole(request(content_length=str(size)), content + b"GET /") == content
    assert whole(request(transfer_encoding="chunked"), content) == content
    # RFC 9112, section 6.3: the length does not count
    assert whole(request(transfer_encoding="chunked", content_length="1"), content) == content


def test_a_body_that_ends_before_its_length_raises():
    with pytest.raises(BodyBrokeOff):
        whole(request(content_length="10"), b"123456789")


@pytest.mark.parametrize("error", [ConnectionResetError, ValueError], ids=["OSError", "the server's own"])
def test_a_connection_that_breaks_is_a_body_that_breaks_off(error):
    def breaks(_size):
        raise error

    with pytest.raises(BodyBrokeOff):
        b"".join(read_body(request(transfer_encoding="chunked"), breaks))


def test_a_body_that_breaks_off_goes_nowhere_as_a_whole_one(emulator):
    with Upstream(emulator) as monite:
        body = read_body(request(content_length="10"), io.BytesIO(b"short").read)
        answer = call(monite, "POST", body=body, content_length="10")
        assert answer.status == 400
        assert b"body_broke_off" in read(answer)
        assert monite.bodies == []


@pytest.mark.parametrize("content", [b"", b"1234", b"123456"])
def test_a_body_that_was_changed_on_the_way_is_not_the_announced_one(emulator, content):
    with Upstream(emulator) as monite:
        answer = call(monite, "POST", body=iter([content]), content_length="5")
        assert (answer.status, b"body_broke_off" in read(answer)) == (400, True)
        assert monite.bodies == []


def test_a_server_that_does_not_show_the_end_of_chunks_needs_a_length(emulator):
    with Upstream(emulator) as monite:
        asked = request(shows_end=False, transfer_encoding="chunked")
        assert refuse_request(asked, monite.settings).status == 411
        assert refuse_request(request(shows_end=False, content_length="3"), monite.settings) is None


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("gzip, deflate, br, zstd", "gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip; q=0.000, br", "identity"),
        ("br", "identity"),
        ("", "identity"),
    ],
)
def test_monite_is_asked_for_no_packing_that_could_not_be_unpacked_here(emulator, given, asked):
    with Upstream(emulator) as monite:
        read(call(monite, accept_encoding=given))
        assert monite.requests[0].headers["accept-encoding"] == asked


def test_a_refusal_that_came_packed_is_whole(emulator):
    said = b'{"error": {"message": "Not allowed."}}'
    with Upstream(emulator) as monite:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        monite.answers = [httpx.Response(403, headers=headers, content=gzip.compress(said))]
        answer = call(monite, accept_encoding="gzip")
        assert (answer.status, read(answer)) == (403, said)
        assert "Content-Encoding" not in answer.headers


def test_beside_chunks_a_length_does_not_count(emulator):
    with Upstream(emulator) as monite:
        read(call(monite, "POST", body=iter([b"12345"]), content_length="1", transfer_encoding="chunked"))
        assert "content-length" not in monite.requests[0].headers
        assert monite.bodies == [b"12345"]


def test_the_name_of_a_file_passes_as_it_is(emulator):
    name = 'inline; filename="Mühle €.pdf"'.encode()
    with Upstream(emulator) as monite:
        monite.answers = [httpx.Response(200, headers=[(b"Content-Disposition", name)], content=b"%PDF")]
        answer = call(monite)
        assert answer.headers["Content-Disposition"].encode("latin-1") == name.replace(
            b"inline", b"attachment"
        )


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_a_refusal_that_is_not_packed_as_it_says_is_one_of_monites_troubles(emulator, packing):
    with Upstream(emulator) as monite:
        monite.answers = [
            httpx.Response(403, headers={"content-encoding": packing}, stream=httpx.ByteStream(b"not packed"))
        ]
        answer = call(monite, accept_encoding="gzip")
        assert (answer.status, b"monite_unavailable" in read(answer)) == (503, True)


# -- a response that a middleware has dropped


def test_a_stream_that_nobody_has_any_more_is_closed():
    over, closed = ExitStack(), []
    over.callback(closed.append, True)
    stream = Stream(httpx.Response(200, content=b"x"), over)
    iter(stream)
    del stream
    gc.collect()
    until(lambda: closed)


def test_a_stream_that_was_closed_is_closed_once():
    over, closed = ExitStack(), []
    over.callback(closed.append, True)
    stream = Stream(httpx.Response(200, content=b"x"), over)
    stream.close()
    del stream
    gc.collect()
    assert closed == [True]


def counted():
    over, closed = AsyncExitStack(), []

    async def close():
        closed.append(asyncio.get_running_loop())

    over.push_async_callback(close)
    return AsyncStream(httpx.Response(200, content=b"x"), over), closed


async def test_a_stream_of_an_event_loop_is_closed_there_when_nobody_has_it_any_more():
    stream, closed = counted()
    del stream
    gc.collect()
    await auntil(lambda: closed)
    assert closed == [asyncio.get_running_loop()]


async def test_a_stream_of_an_event_loop_can_be_closed_from_another_thread_once():
    stream, closed = counted()
    await asyncio.to_thread(stream.close)
    await auntil(lambda: closed)
    stream.close()
    await stream.aclose()
    del stream
    gc.collect()
    await asyncio.sleep(0)
    assert closed == [asyncio.get_running_loop()]


def test_a_stream_of_an_event_loop_that_has_ended_is_no_error():
    async def make():
        return counted()

    stream, closed = asyncio.run(make())
    stream.close()
    assert closed == []
