"""A wire between the browser and an app that keeps every byte, so that a test can say what a browser never got."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import cast


class Wire(ThreadingTCPServer):
    """Passes connections on to a port of this machine until the `with` block ends, and keeps what it passes.

    Playwright loses the body of an answer when its page is left. A wire loses nothing: answers to scripts and pages,
    headers, redirects and cookies.
    """

    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.port = port
        self.sent: list[bytearray] = []
        """What the browser has sent, by connection."""
        self.received: list[bytearray] = []
        """What the browser has received, by connection."""
        threading.Thread(target=self.serve_forever, args=(0.05,)).start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()  # waits for the connections


class _Connection(BaseRequestHandler):
    def handle(self) -> None:
        wire, browser = cast("Wire", self.server), cast("socket.socket", self.request)
        with suppress(ConnectionError), socket.create_connection(("127.0.0.1", wire.port)) as app:
            answers = threading.Thread(target=_pass, args=(app, browser, _kept(wire.received)))
            answers.start()
            _pass(browser, app, _kept(wire.sent))
            answers.join()


def _kept(records: list[bytearray]) -> Callable[[bytes], None]:
    record = bytearray()
    records.append(record)
    return record.extend


def _pass(source: socket.socket, sink: socket.socket, keep: Callable[[bytes], None]) -> None:
    with suppress(OSError):  # one of the two has gone away
        while data := source.recv(65536):
            keep(data)  # first: what the browser may have, the test knows
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
