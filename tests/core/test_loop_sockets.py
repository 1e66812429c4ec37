"""Connections of event loops: encrypted or not, through proxies, ended by the other side, and left in the middle."""

import asyncio
import gc
import socket
import ssl
import struct
from contextlib import asynccontextmanager
from weakref import ref

import httpcore
import httpx
import httpx2
import pytest

from monite_auth.engine import transport
from monite_auth.engine.loop_sockets import SocketStream
from tests.redis_server import certificate
from tests.untidy import untidy
from tests.waiting import PATIENCE, auntil, until

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"], autouse=True)
def library(request, monkeypatch):
    """Either HTTP library; what makes its connections."""
    monkeypatch.setattr(transport, "httpx", request.param)
    return transport.httpcore_of(request.param)


@pytest.fixture(scope="module")
def contexts():
    """TLS as a server has it, and as a client does that trusts it."""
    chain, key = certificate()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    return server, ssl.create_default_context(cafile=chain)


@asynccontextmanager
async def serving(talk, *, encrypted=None, host="127.0.0.1"):
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

    server = await asyncio.start_server(meet, host, 0, ssl=encrypted)
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


# -- whom it connects to


@pytest.fixture
def addresses(monkeypatch):
    """The addresses that names have, by name."""
    known = {}

    def resolve(host, *_, **__):
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0))
            for each in known[host]
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


async def test_ipv6():
    async with serving(answer, host="::1") as (port, _), transport.async_client({}) as client:
        assert (await client.get(f"http://[::1]:{port}/")).text == "ok"


async def test_an_address_that_refuses_does_not_keep_the_next_one_from_being_tried(addresses):
    addresses["monite.example"] = ["::1", "127.0.0.2", "127.0.0.1"]
    async with serving(answer) as (port, _), transport.async_client({}) as client:
        assert (await client.get(f"http://monite.example:{port}/", timeout=None)).text == "ok"


async def test_a_name_that_cannot_be_resolved_is_told_as_the_http_library_tells_it(addresses):
    async with transport.async_client({}) as client:
        with pytest.raises(transport.httpx.ConnectError, match="Name or service not known"):
            await client.get("http://monite.example/")


async def test_so_is_a_socket_that_cannot_be_made(library):
    sockets = transport.LoopSockets(library)
    with pytest.raises(library.ConnectError):
        await sockets.connect_tcp("127.0.0.1", 9, timeout=5, socket_options=[(socket.SOL_SOCKET, 9999, 1)])


@pytest.mark.parametrize(("host", "is_the_right_one"), [("localhost", True), ("monite.example", False)])
async def test_the_server_is_told_the_name_and_has_to_prove_it(contexts, addresses, host, is_the_right_one):
    addresses[host] = ["127.0.0.1"]
    server, trust = contexts
    told = []
    server.sni_callback = lambda _tls, name, _context: told.append(name)
    try:
        async with (
            serving(answer, encrypted=server) as (port, _),
            transport.async_client({"verify": trust}) as client,
        ):
            if is_the_right_one:
                assert (await client.get(f"https://{host}:{port}/")).text == "ok"
            else:
                with pytest.raises(transport.httpx.ConnectError, match=f"not valid for '{host}'"):
                    await client.get(f"https://{host}:{port}/")
    finally:
        server.sni_callback = None
    assert told == [host]


# -- what goes wrong in the middle


async def hang_up_at_once(reader, writer):
    """End the connection with a reset, as a firewall does."""
    await reader.read(1)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


async def end_at_once(reader, _writer):
    await reader.read(1)


@pytest.mark.parametrize("talk", [hang_up_at_once, end_at_once])
async def test_a_handshake_that_breaks_off_is_an_error_of_connecting(contexts, talk):
    async with serving(talk) as (port, _), transport.async_client({"verify": contexts[1]}) as client:
        with pytest.raises(transport.httpx.ConnectError):
            await client.get(f"https://127.0.0.1:{port}/")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_server_that_reads_nothing_is_a_timeout_of_writing(contexts, scheme):
    async def read_nothing(_reader, writer):
        writer.transport.pause_reading()
        await asyncio.Event().wait()

    server, trust = contexts
    soon = transport.httpx.Timeout(20, write=0.05)
    async with (
        serving(read_nothing, encrypted=server if scheme == "https" else None) as (port, _),
        transport.async_client({"verify": trust}) as client,
    ):
        with pytest.raises(transport.httpx.WriteTimeout):
            await client.post(f"{scheme}://127.0.0.1:{port}/", content=b"x" * 30_000_000, timeout=soon)


async def test_an_answer_that_comes_before_the_request_was_read_counts(contexts):
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
        writer.write_eof()  # it says no more, and goes on to read
        while await reader.read(65536):
            pass

    async with serving(refuse) as (port, _), transport.async_client({"verify": contexts[1]}) as client:
        answered = await client.post(f"http://127.0.0.1:{port}/", content=b"x" * 3_000_000)
        assert (answered.status_code, answered.text) == (413, "no")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_who_waits_for_a_connection_that_is_closed_hears_of_it_and_the_next_one_is_whole(
    contexts, scheme
):
    """The system gives the number of a socket that was closed to the next one, and an event loop knows sockets by it."""
    server, trust = contexts
    encrypted = server if scheme == "https" else None
    async with (
        serving(say_nothing, encrypted=encrypted) as (silent, connections),
        serving(answer, encrypted=encrypted) as (port, _),
        transport.async_client({"verify": trust}) as other,
    ):
        client = transport.async_client({"verify": trust})
        patience = transport.httpx.Timeout(None, connect=600)
        asking = asyncio.create_task(client.get(f"{scheme}://127.0.0.1:{silent}/", timeout=patience))
        await auntil(lambda: connections)
        await auntil(lambda: asking.get_stack() and any(each._uses for each in sockets_of(client)))
        (waiting,) = sockets_of(client)
        await client.aclose()
        assert (await other.get(f"{scheme}://127.0.0.1:{port}/", timeout=patience)).text == "ok"
        with pytest.raises((transport.httpx.ReadError, transport.httpx.RemoteProtocolError)):
            await asking
        assert waiting._connection.fileno() == -1


def sockets_of(client):
    """Return the open sockets of a client's requests."""
    found = []
    for each in client._transport._pool.connections:
        stream = getattr(each._connection, "_network_stream", None)
        while stream is not None and hasattr(stream, "_below"):
            stream = stream._below
        found += [stream] if stream is not None else []
    return found


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_request_that_is_cancelled_anywhere_leaves_no_socket_behind(contexts, scheme):
    server, trust = contexts
    async with (
        serving(answer, encrypted=server if scheme == "https" else None) as (port, met),
        transport.async_client({"verify": trust}) as client,
    ):
        steps, is_done = 0, False
        while not is_done:  # cancelled at its first step, at its second, and so on
            steps += 1
            asking = asyncio.create_task(client.post(f"{scheme}://127.0.0.1:{port}/", content=b"x"))
            for _ in range(steps):
                await asyncio.sleep(0)
            is_done = asking.done()
            asking.cancel()
            await asyncio.wait([asking])
            await client._transport._pool.aclose()
        assert steps > 5
        assert (await client.get(f"{scheme}://127.0.0.1:{port}/")).text == "ok"
        await client._transport._pool.aclose()
        await auntil(lambda: all(each.transport.is_closing() for each in met))


async def test_who_reads_and_writes_what_is_ready_leaves_others_their_turn():
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.sendall(b"x" * 100)
        stream, turns = SocketStream(here, httpcore), 0

        async def others():
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        beside = asyncio.create_task(others())
        for number in range(100):
            assert await stream.read(1) == b"x"
            await stream.write(b"y")
            assert turns > number
        beside.cancel()
        assert there.recv(1000) == b"y" * 100
