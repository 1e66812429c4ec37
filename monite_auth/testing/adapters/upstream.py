"""A server in Monite's place that notes what arrives, and answers what a test says. It grants tokens to everybody."""

import hashlib
import json
import select
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Received", "Reply", "Upstream", "upstream"]

CHUNK = 64 * 1024
"""Bytes that are read at once."""

KEPT = 4096
"""Bytes of a body that are kept; of the rest there is a digest."""


@dataclass(slots=True)
class Received:
    """A call that has arrived. Names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    beginning: bytes = b""
    size: int = 0
    digest: str = ""
    is_whole: bool = False
    is_caller_gone: Callable[[], bool] = field(default=lambda: False, repr=False)
    """Says whether the caller has closed the connection; to ask when the call is whole."""


@dataclass(slots=True)
class Reply:
    """An answer. Without Content-Length it goes out in chunks; an iterable that raises OSError breaks it off."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] = b""


class Upstream:
    """What a test says, and what it is told."""

    def __init__(self) -> None:
        self.url = ""
        self._tokens = 0
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin anew; tokens stay."""
        self.calls: list[Received] = []
        """All calls but those for tokens, as they arrive; `is_whole` is set when their body is here."""
        self.reply: Callable[[Received], Reply] = lambda _call: Reply(
            headers={"Content-Type": "application/json"}, body=b"{}"
        )
        self.hung_up = threading.Event()
        """Set when a caller has left before the end of its call."""

    @property
    def last(self) -> Received:
        return self.calls[-1]

    def grant(self) -> Reply:
        with self._lock:
            self._tokens += 1
            granted = {"access_token": f"live-{self._tokens}", "token_type": "Bearer", "expires_in": 1800}
        return Reply(headers={"Content-Type": "application/json"}, body=json.dumps(granted).encode())


def handler(server: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

        def log_message(self, *_: Any) -> None: ...

        def serve(self) -> None:
            call = Received(
                self.command,
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                is_caller_gone=self._is_caller_gone,
            )
            is_auth = self.path.startswith("/v1/auth/")
            if not is_auth:
                server.calls.append(call)
            try:
                self._read(call)
                reply = (
                    (server.grant() if self.path == "/v1/auth/token" else Reply())
                    if is_auth
                    else server.reply(call)
                )
                self._write(call, reply)
            except OSError:
                server.hung_up.set()
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve  # noqa: N815 - their names

        def _is_caller_gone(self) -> bool:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""

        def _read(self, call: Received) -> None:
            digest = hashlib.sha256()
            for chunk in self._chunks(call.headers):
                call.beginning += chunk[: KEPT - len(call.beginning)]
                call.size += len(chunk)
                digest.update(chunk)
            call.digest = digest.hexdigest()
            call.is_whole = True

        def _chunks(self, headers: Mapping[str, str]) -> Iterator[bytes]:
            if headers.get("transfer-encoding", "") != "chunked":
                yield from self._exactly(int(headers.get("content-length", 0)))
                return
            while size := int(self.rfile.readline() or b"broken", 16):
                yield from self._exactly(size)
                self.rfile.readline()
            self.rfile.readline()

        def _exactly(self, left: int) -> Iterator[bytes]:
            while left:
                chunk = self.rfile.read(min(CHUNK, left))
                if not chunk:
                    raise ConnectionResetError
                yield chunk
                left -= len(chunk)

        def _write(self, call: Received, reply: Reply) -> None:
            is_chunked = not isinstance(reply.body, bytes) and "Content-Length" not in reply.headers
            chunks = [reply.body] if isinstance(reply.body, bytes) else reply.body
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if is_chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif isinstance(reply.body, bytes) and "Content-Length" not in reply.headers:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if call.method == "HEAD" or reply.status in (204, 304):
                return
            for chunk in chunks:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
            if is_chunked:
                self.wfile.write(b"0\r\n\r\n")

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


@contextmanager
def upstream() -> Iterator[Upstream]:
    """Serve an Upstream on a port of its own until the block ends."""
    made = Upstream()
    with _Server(("127.0.0.1", 0), handler(made)) as server:
        made.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
