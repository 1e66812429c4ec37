"""A TCP proxy in front of a server, for tests: it delays answers, and lets connections die without a word.

It is a process of its own, so that it is on time while the test's process is busy.
"""

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Self

__all__ = ["SlowProxy"]


class SlowProxy:
    """Listens on `port` and passes on what goes to and from the server on `to`.

    `delay`: seconds that each answer is on its way. Answers of one connection overlap, as on a long line.
    """

    def __init__(self, to: int, *, delay: float = 0.0) -> None:
        self._command = [sys.executable, "-m", "tests.slow_proxy", str(to), str(delay)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.port = self._ask("port")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # the end of its input is its end

    @property
    def url(self) -> str:
        """The address of Redis behind it."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def opened(self) -> int:
        """How many connections were opened so far."""
        return self._ask("opened")

    @property
    def lost(self) -> int:
        """How many commands and answers were lost in connections that had died."""
        return self._ask("lost")

    def silence(self) -> None:
        """Let the connections of now die: nothing comes through any more, and nobody is told."""
        self._ask("silence")

    def _ask(self, question: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(question + "\n")
        return int(self._process.stdout.readline())


class _Proxy:
    """The proxy itself, in its own process."""

    def __init__(self, to: int, delay: float) -> None:
        self._to = to
        self._delay = delay
        self._opened = 0
        self._lost = 0
        self._silent_before = 0

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=500)
        threading.Thread(target=self._answer, daemon=True).start()
        await self._server.serve_forever()

    def _answer(self) -> None:
        for question in sys.stdin:
            match question.strip():
                case "port":
                    answer = self._server.sockets[0].getsockname()[1]
                case "silence":
                    answer = self._silent_before = self._opened
                case "lost":
                    answer = self._lost
                case _:
                    answer = self._opened
            sys.stdout.write(f"{answer}\n")
            sys.stdout.flush()
        os._exit(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self._opened = self._opened, self._opened + 1
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
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
                self._lost += 1

        with suppress(OSError):
            while data := await reader.read(65536):
                self._loop.call_later(delay, deliver, data)
        self._loop.call_later(delay, writer.close)


if __name__ == "__main__":
    asyncio.run(_Proxy(int(sys.argv[1]), float(sys.argv[2])).run())
