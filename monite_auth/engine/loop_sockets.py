"""Connections of an event loop, over the loop's own sockets, for the pools of the HTTP library.

The library's usual ones use anyio, whose cancel scopes stand in a table of the process as long as a task is within one, and hold
that task. So a loop that was closed in the middle of a request was kept for ever, with all that it has. Here nothing but the loop
knows what is under way.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, TypeVar

__all__ = ["LoopSockets"]

Result = TypeVar("Result")

RECORD = 65536
"""Bytes that are read at once under TLS: several of its records, which have up to 16 KiB."""


class LoopSockets:
    """A `network_backend` of the HTTP library. `library`: the one whose errors are raised, httpcore or httpcore2."""

    def __init__(self, library: ModuleType) -> None:
        self._library = library

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the HTTP library's signature
        local_address: str | None = None,
        socket_options: Iterable[tuple[Any, ...]] | None = None,
    ) -> "SocketStream":
        """Connect to an address, `host`, within `timeout` seconds."""
        connection = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            for option in ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *(socket_options or ())):
                connection.setsockopt(*option)
            with _raised_as(self._library.ConnectTimeout, self._library.ConnectError):
                if local_address is not None:
                    connection.bind((local_address, 0))
                async with asyncio.timeout(timeout):
                    await asyncio.get_running_loop().sock_connect(connection, (host, port))
        except BaseException:
            connection.close()
            raise
        return SocketStream(connection, self._library)


class SocketStream:
    """A connection, an `AsyncNetworkStream` of the HTTP library."""

    def __init__(self, connection: socket.socket, library: ModuleType) -> None:
        self._connection = connection
        self._library = library

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Return what has arrived, once there is something; nothing at the end."""
        with _raised_as(self._library.ReadTimeout, self._library.ReadError):
            async with asyncio.timeout(timeout):
                return await asyncio.get_running_loop().sock_recv(self._connection, max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send all of `buffer`."""
        with _raised_as(self._library.WriteTimeout, self._library.WriteError):
            async with asyncio.timeout(timeout):
                await asyncio.get_running_loop().sock_sendall(self._connection, buffer)

    async def aclose(self) -> None:
        """Close the connection."""
        self._connection.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the HTTP library's signature
    ) -> "TLSStream":
        """Return the same connection, encrypted from now on."""
        return await TLSStream.begin(self, self._library, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection, or None."""
        match info:
            case "client_addr":
                return self._connection.getsockname()
            case "server_addr":
                return self._connection.getpeername()
            case "socket":
                return self._connection
            case "is_readable":
                return self._is_readable()
        return None

    def _is_readable(self) -> bool:
        """Say whether something has arrived, or the end: of a connection that is idle, it is no longer of use then."""
        try:
            self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True


class TLSStream:
    """TLS over a connection, which may be one to a proxy that is itself encrypted."""

    def __init__(
        self,
        below: "SocketStream | TLSStream",
        library: ModuleType,
        context: ssl.SSLContext,
        hostname: str | None,
    ) -> None:
        self._below = below
        self._library = library
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=hostname)

    @classmethod
    async def begin(
        cls,
        below: "SocketStream | TLSStream",
        library: ModuleType,
        context: ssl.SSLContext,
        hostname: str | None,
        timeout: float | None,  # noqa: ASYNC109
    ) -> "TLSStream":
        """Shake hands within `timeout` seconds, or close the connection."""
        try:
            with _raised_as(library.ConnectTimeout, library.ConnectError):
                stream = cls(below, library, context, hostname)
                async with asyncio.timeout(timeout):
                    await stream._do(stream._tls.do_handshake)
        except BaseException:
            await below.aclose()
            raise
        return stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Return what has arrived, once there is something; nothing at the end."""
        with _raised_as(self._library.ReadTimeout, self._library.ReadError):
            async with asyncio.timeout(timeout):
                try:
                    return await self._do(lambda: self._tls.read(max_bytes))
                except ssl.SSLEOFError:
                    # Many servers end without saying so. HTTP knows whether the answer is whole.
                    return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send all of `buffer`."""
        with _raised_as(self._library.WriteTimeout, self._library.WriteError):
            async with asyncio.timeout(timeout):
                while buffer:
                    buffer = buffer[await self._do(lambda: self._tls.write(buffer)) :]  # noqa: B023 - called at once

    async def _do(self, step: Callable[[], Result]) -> Result:
        """Do a step of TLS, with what it has to send and to receive for that."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self._send()
                received = await self._below.read(RECORD)
                if received:
                    self._received.write(received)
                else:
                    self._received.write_eof()
            else:
                await self._send()
                return result

    async def _send(self) -> None:
        if self._to_send.pending:
            await self._below.write(self._to_send.read())

    async def aclose(self) -> None:
        """Close the connection."""
        await self._below.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the HTTP library's signature
    ) -> "TLSStream":
        """Return the same connection, encrypted once more: to Monite within that to the proxy."""
        return await TLSStream.begin(self, self._library, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection, or None."""
        return self._tls if info == "ssl_object" else self._below.get_extra_info(info)


@contextmanager
def _raised_as(timeout: type[Exception], other: type[Exception]) -> Iterator[None]:
    """Raise what the HTTP library would: `timeout` for a TimeoutError, `other` for what else went wrong with the connection."""
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error) or "timed out") from error
    except OSError as error:
        raise other(str(error)) from error
