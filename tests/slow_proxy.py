"""A TCP proxy in front of a server, for tests: it delays answers, and lets connections die without a word."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Self

__all__ = ["SlowProxy"]


class SlowProxy:
    """Listens on `port` and passes on what goes to and from the server on `to`.

    `delay`: seconds that each answer is on its way. Answers of one connection overlap, as on a long line.
    """

    def __init__(self, to: int, *, delay: float = 0.0) -> None:
        self.port = 0
        self.opened = 0
        """How many connections were opened so far."""
        self.lost = 0
        """How many commands and answers were lost in connections that had died."""
        self._to = to
        self._delay = delay
        self._silent_before = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=500))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def silence(self) -> None:
        """Let the connections of now die: nothing comes through any more, and nobody is told."""
        self._silent_before = self.opened

    @property
    def url(self) -> str:
        """The address of Redis behind it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _end(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)
        for _ in range(3):  # the transports close one round later
            await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.opened = self.opened, self.opened + 1
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers += [writer, back]
        await asyncio.gather(
            self._pass_on(number, reader, back, 0), self._pass_on(number, there, writer, self._delay)
        )

    async def _pass_on(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float
    ) -> None:
        def deliver(data: bytes) -> None:
            if number >= self._silent_before:
                writer.write(data)
            else:
                self.lost += 1

        with suppress(OSError):
            while data := await reader.read(65536):
                self._loop.call_later(delay, deliver, data)
        self._loop.call_later(delay, writer.close)
