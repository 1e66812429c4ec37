"""Connections of an event loop, over the loop's own sockets, for the pools of the HTTP library.

The library's usual ones use anyio, whose cancel scopes stand in a table of the process as long as a task is within one, and hold
that task. So a loop that was closed in the middle of a request was kept for ever, with all that it has. Here nothing but the loop
knows what is under way.
"""

import asyncio
import math
import socket
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import ModuleType
from typing import Any, TypeVar

from monite_auth.engine.network import attempts, unresolved
from monite_auth.processes.names import lookup

__all__ = ["LoopSockets"]

Result = TypeVar("Result")

RECORD = 65536
"""Bytes that are read at once under TLS: several of its records, which have up to 16 KiB."""


SocketOptions = Iterable[tuple[Any, ...]]


async def connect_socket(
    address: str,
    port: int,
    timeout: float,  # noqa: ASYNC109 - so that each address has its own
    local_address: str | None,
    options: SocketOptions,
) -> socket.socket:
    """Return a socket that is connected to an address. Raises OSError, after `timeout` seconds a TimeoutError."""
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        for option in ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *options):
            connection.setsockopt(*option)
        if local_address is not None:
            connection.bind((local_address, 0))
        async with asyncio.timeout(None if math.isinf(timeout) else timeout):
            await asyncio.get_running_loop().sock_connect(connection, (address, port))
    except BaseException:
        connection.close()
        raise
    return connection


class LoopSockets:
    """A `network_backend` of the HTTP library. It resolves names in threads of ours.

    `library`: the one whose errors are raised, httpcore or httpcore2. `connect`: connects to addresses.
    """

    def __init__(
        self, library: ModuleType, connect: Callable[..., Awaitable[socket.socket]] = connect_socket
    ) -> None:
        self._library = library
        self._connect = connect

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the HTTP library's signature
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> "SocketStream":
        """Connect to the first address of the host that answers, within `timeout` seconds."""
        ends = math.inf if timeout is None else time.monotonic() + timeout
        with _raised_as(self._library.ConnectTimeout, self._library.ConnectError):
            try:
                async with asyncio.timeout(timeout):
                    addresses = await asyncio.wrap_future(lookup(host))
            except TimeoutError:
                raise unresolved() from None
            for address, seconds, is_last in attempts(addresses, ends):
                try:
                    connection = await self._connect(
                        address, port, seconds, local_address, socket_options or ()
                    )
                except OSError:
                    if is_last:
                        raise
                else:
                    return SocketStream(connection, self._library)
        raise AssertionError("every host has an address, or cannot be resolved")


class Stream(ABC):
    """A connection, an `AsyncNetworkStream` of the HTTP library. What is specific to its kind raises OSError."""

    def __init__(self, library: ModuleType) -> None:
        self._library = library

    @abstractmethod
    async def receive(self, most: int) -> bytes:
        """Return what has arrived, `most` bytes of it, once there is something; nothing at the end."""

    @abstractmethod
    async def send(self, buffer: bytes) -> None:
        """Send all of `buffer`."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close the connection."""

    @abstractmethod
    def get_extra_info(self, info: str) -> Any:
        """Return a fact about the connection, or None."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """Do as `receive`, within `timeout` seconds."""
        await _turn_of_others()
        with _raised_as(self._library.ReadTimeout, self._library.ReadError):
            async with asyncio.timeout(timeout):
                return await self.receive(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Do as `send`, within `timeout` seconds."""
        await _turn_of_others()
        with _raised_as(self._library.WriteTimeout, self._library.WriteError):
            async with asyncio.timeout(timeout):
                await self.send(buffer)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the HTTP library's signature
    ) -> "TLSStream":
        """Return the same connection, encrypted from now on; close it if that cannot be done within `timeout` seconds."""
        try:
            with _raised_as(self._library.ConnectTimeout, self._library.ConnectError):
                async with asyncio.timeout(timeout):
                    stream = TLSStream(self, self._library, ssl_context, server_hostname)
                    await stream.shake_hands()
        except BaseException:
            await self.aclose()
            raise
        return stream


async def _turn_of_others() -> None:
    """Let the event loop do what else there is.

    It gives nobody a turn where a socket is ready at once. Over a fast line the whole of a long file would pass meanwhile, and who
    receives it could not even be noticed to have gone. It comes first, so that whoever is cancelled here loses nothing.
    """
    await asyncio.sleep(0)


class SocketStream(Stream):
    """A connection as it is."""

    def __init__(self, connection: socket.socket, library: ModuleType) -> None:
        super().__init__(library)
        self._connection = connection
        self._uses = 0
        """How many tasks wait for the socket."""
        self._is_closing = False

    async def receive(self, most: int) -> bytes:
        """See Stream."""
        with self._used():
            return await asyncio.get_running_loop().sock_recv(self._connection, most)

    async def send(self, buffer: bytes) -> None:
        """See Stream."""
        with self._used():
            await asyncio.get_running_loop().sock_sendall(self._connection, buffer)

    @contextmanager
    def _used(self) -> Iterator[None]:
        self._uses += 1
        try:
            yield
        finally:
            self._uses -= 1
            if self._is_closing and not self._uses:
                self._connection.close()

    async def aclose(self) -> None:
        """Close the connection: now, or once those who wait for it have seen its end."""
        self._is_closing = True
        if not self._uses:
            self._connection.close()
            return
        # The loop watches the socket by its number. If that were free, the next connection would get it, and those who wait
        # would never hear of anything.
        with suppress(OSError):  # the other side was faster
            self._connection.shutdown(socket.SHUT_RDWR)

    def get_extra_info(self, info: str) -> Any:
        """See Stream."""
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


class TLSStream(Stream):
    """TLS over a connection, which may be one to a proxy that is itself encrypted."""

    def __init__(
        self, below: Stream, library: ModuleType, context: ssl.SSLContext, hostname: str | None
    ) -> None:
        super().__init__(library)
        self._below = below
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=hostname)

    async def shake_hands(self) -> None:
        """Agree with the other side on how to encrypt, and make sure that it is the right one."""
        await self._do(self._tls.do_handshake)

    async def receive(self, most: int) -> bytes:
        """See Stream."""
        try:
            return await self._do(partial(self._tls.read, most))
        except ssl.SSLEOFError:
            # Many servers end without saying so. HTTP knows whether the answer is whole.
            return b""

    async def send(self, buffer: bytes) -> None:
        """See Stream."""
        while buffer:
            buffer = buffer[await self._do(partial(self._tls.write, buffer)) :]

    async def _do(self, step: Callable[[], Result]) -> Result:
        """Do a step of TLS, with what it has to send and to receive for that."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self._flush()
                received = await self._below.receive(RECORD)
                if received:
                    self._received.write(received)
                else:
                    self._received.write_eof()
            else:
                await self._flush()
                return result

    async def _flush(self) -> None:
        if self._to_send.pending:
            await self._below.send(self._to_send.read())

    async def aclose(self) -> None:
        """See Stream."""
        await self._below.aclose()

    def get_extra_info(self, info: str) -> Any:
        """See Stream."""
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
