"""A Monite whose answers trickle in: a server that sends what a test says, piece by piece."""

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

__all__ = ["TricklingMonite", "answer", "granted", "trickling_monite"]

PAUSE = 0.05
"""Seconds between two pieces: well within the time for one read, so that no read alone takes too long."""

Pieces = Iterable[bytes]


class TricklingMonite:
    """`mint` and `revoke` return the pieces of an answer; a test replaces them. A piece that is empty is a pause alone."""

    def __init__(self, listener: socket.socket) -> None:
        self.mint: Callable[[], Pieces] = lambda: [granted("token-1")]
        self.revoke: Callable[[], Pieces] = lambda: [answer(b'{"message": "done"}')]
        self.heads: list[str] = []
        """The lines of each request before its body."""
        self.port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.ends = threading.Event()
        self._listener = listener

    def serve(self) -> None:
        """Answer each connection in a thread of its own, until the listener is closed."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            requests = connection.makefile("rb")
            while head := _head(requests):
                length = next(
                    int(line[15:]) for line in head.lower().splitlines() if line[:15] == "content-length:"
                )
                requests.read(length)
                self.heads.append(head)
                is_mint = head.partition("\n")[0].find("/auth/token") >= 0
                for number, piece in enumerate(self.mint() if is_mint else self.revoke()):
                    if number and self.ends.wait(PAUSE):
                        return
                    connection.sendall(piece)


def _head(requests: IO[bytes]) -> str:
    """Return the lines of the next request before its body, or nothing where there is none."""
    lines: list[bytes] = []
    for line in requests:
        if line == b"\r\n":
            return b"".join(lines).decode()
        lines.append(line)
    return ""


@contextmanager
def trickling_monite() -> Iterator[TricklingMonite]:
    """Serve a TricklingMonite on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monite = TricklingMonite(listener)
        thread = threading.Thread(target=monite.serve, daemon=True)
        thread.start()
        try:
            yield monite
        finally:
            monite.ends.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def answer(body: bytes, *headers: str) -> bytes:
    """Return an answer of status 200, whole."""
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def granted(token: str, *headers: str) -> bytes:
    """Return an answer that grants a token, whole."""
    return answer(
        json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 1800}).encode(), *headers
    )


def for_ever(beginning: bytes, piece: bytes) -> Callable[[], Pieces]:
    """Return an answer of a beginning and the same piece again and again."""
    return lambda: itertools.chain([beginning], itertools.repeat(piece))
