"""Connections of event loops: encrypted or not, through proxies, ended by the other side, and left in the middle."""

import asyncio
import gc
import ssl
from contextlib import asynccontextmanager
from weakref import ref

import httpcore
import httpcore2
import httpx
import httpx2
import pytest

from monite_auth.engine import transport
from tests.redis_server import certificate
from tests.untidy import untidy
from tests.waiting import PATIENCE, auntil, until

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture(params=[(httpx, httpcore), (httpx2, httpcore2)], ids=["httpx", "httpx2"], autouse=True)
def library(request, monkeypatch):
    """Either HTTP library."""
    for name, module in zip(("httpx", "httpcore"), request.param, strict=True):
        monkeypatch.setattr(transport, name, module)


@pytest.fixture(scope="module")
def contexts():
    """TLS as a server has it, and as a client does that trusts it."""
    chain, key = certificate()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    return server, ssl.create_default_context(cafile=chain)


@asynccontextmanager
async def serving(talk, *, encrypted=None):
    """A server that has `talk` speak for each connection; `port` and `connections` tell about it."""
    connections = []

    async def meet(reader, writer):
        connections.append(writer)
        try:
            await talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=encrypted)
    try:
        yield server.sockets[0].getsockname()[1], connections
    finally:
        server.close()


async def answer(reader, writer):
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)


async def answer_once(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER)
    await writer.drain()


async def answer_until_the_end(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\nok")
    await writer.drain()  # what ends the answer is the end of the connection, which TLS does not tell


async def say_nothing(reader, _writer):
    await reader.read()


async def pass_on(reader, writer):
    """Be a proxy."""
    request = await reader.readuntil(b"\r\n\r\n")
    host, port = request.split()[1].decode().rsplit(":", 1)
    far_reader, far_writer = await asyncio.open_connection(host, int(port))
    writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")

    async def pump(source, target):
        while received := await source.read(65536):
            target.write(received)

    try:
        await asyncio.wait(
            [asyncio.create_task(pump(*each)) for each in ((reader, far_writer), (far_reader, writer))],
            return_when=asyncio.FIRST_COMPLETED,
        )
    finally:
        far_writer.transport.abort()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("talk", [answer, answer_until_the_end])
async def test_an_answer_is_read_to_its_end(contexts, scheme, talk):
    server, trust = contexts
    async with (
        serving(talk, encrypted=server if scheme == "https" else None) as (port, _),
        transport.async_client({"verify": trust}) as client,
    ):
        assert (await client.get(f"{scheme}://127.0.0.1:{port}/")).text == "ok"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_long_bodies_go_both_ways(contexts, scheme):
    sent = b"x" * 3_000_000

    async def echo(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        received = await reader.readexactly(len(sent))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(received), received))
        await writer.drain()

    server, trust = contexts
    async with (
        serving(echo, encrypted=server if scheme == "https" else None) as (port, _),
        transport.async_client({"verify": trust}) as client,
    ):
        assert (await client.post(f"{scheme}://127.0.0.1:{port}/", content=sent)).content == sent


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(("talk", "connections"), [(answer, 1), (answer_once, 2)])
async def test_a_connection_is_used_again_unless_the_server_has_ended_it(contexts, scheme, talk, connections):
    server, trust = contexts
    async with (
        serving(talk, encrypted=server if scheme == "https" else None) as (port, met),
        transport.async_client({"verify": trust}) as client,
    ):
        assert (await client.get(f"{scheme}://127.0.0.1:{port}/")).text == "ok"
        if talk is answer_once:
            await auntil(lambda: all(each.has_expired() for each in client._transport._pool.connections))
        assert (await client.get(f"{scheme}://127.0.0.1:{port}/")).text == "ok"
        assert len(met) == connections


@pytest.mark.parametrize("proxy", ["http", "https"])
async def test_a_proxy_may_be_encrypted_itself(contexts, proxy):
    server, trust = contexts
    async with (
        serving(answer, encrypted=server) as (port, _),
        serving(pass_on, encrypted=server if proxy == "https" else None) as (proxy_port, passed_on),
    ):
        through = transport.httpx.Proxy(
            f"{proxy}://127.0.0.1:{proxy_port}", ssl_context=trust if proxy == "https" else None
        )
        async with transport.async_client({"verify": trust, "proxy": through}) as client:
            assert (await client.get(f"https://127.0.0.1:{port}/")).text == "ok"
        assert len(passed_on) == 1


async def test_what_goes_wrong_is_told_as_the_http_library_tells_it(contexts):
    server, trust = contexts
    soon = transport.httpx.Timeout(PATIENCE, read=0.01)
    async with (
        serving(answer, encrypted=server) as (encrypted, _),
        serving(say_nothing) as (silent, _),
        serving(say_nothing) as (ended, connections),
        transport.async_client({"verify": trust}) as client,
        transport.async_client({"verify": ssl.create_default_context()}) as stranger,
    ):
        with pytest.raises(transport.httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await stranger.get(f"https://127.0.0.1:{encrypted}/")
        with pytest.raises(transport.httpx.ReadTimeout):
            await client.get(f"http://127.0.0.1:{silent}/", timeout=soon)
        with pytest.raises(transport.httpx.ConnectTimeout):  # of the handshake
            await client.get(
                f"https://127.0.0.1:{silent}/", timeout=transport.httpx.Timeout(PATIENCE, connect=0.01)
            )
        asking = asyncio.create_task(client.get(f"http://127.0.0.1:{ended}/"))
        await auntil(lambda: connections)
        connections[0].transport.abort()
        with pytest.raises((transport.httpx.ReadError, transport.httpx.RemoteProtocolError)):
            await asking
    with pytest.raises(transport.httpx.ConnectError):
        async with transport.async_client({"verify": trust}) as client:
            await client.get(f"http://127.0.0.1:{silent}/")


@pytest.mark.parametrize("scheme", ["http", "https"])
@untidy
def test_a_loop_that_is_closed_in_the_middle_of_a_request_is_let_go(contexts, scheme):
    _, trust = contexts

    async def begin():
        async with serving(say_nothing) as (port, connections):
            client = transport.async_client({"verify": trust})
            patience = transport.httpx.Timeout(None, connect=600)
            asking = asyncio.create_task(client.get(f"{scheme}://127.0.0.1:{port}/", timeout=patience))
            await auntil(lambda: connections)
        return ref(asking), ref(client)

    loop = asyncio.new_event_loop()
    left = loop.run_until_complete(begin())
    loop.close()
    del loop
    until(lambda: gc.collect() >= 0 and [each() for each in left] == [None, None])
