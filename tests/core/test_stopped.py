"""A process that is stopped in the middle of a mint (a laptop that sleeps, a VM that is moved) loses no token."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.scripted import CLIENT_ID, SECRET
from tests.waiting import PATIENCE, until

CHILD = """
import asyncio, sys
from monite_auth import EntityUser, Principal, Settings, TokenBroker

broker = TokenBroker(
    Settings(client_id=sys.argv[2], client_secret=sys.argv[3], base_url=sys.argv[1], connect_timeout=3,
             read_timeout=3, lease=3, deadline=100),
    directory=lambda _principal: EntityUser("a11ce000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001"),
)
anna = Principal("anna", session_id="1")

async def main():
    token = await broker.atoken(anna)
    await broker.aclose()
    return token

token = broker.token(anna) if sys.argv[4] == "threads" else asyncio.run(main())
print(token.value.reveal())
"""


class SlowMonite(ThreadingHTTPServer):
    """Mints at once, and answers when it is told to: whole, or in pieces that arrive one by one."""

    def __init__(self, *, chunked: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.chunked = chunked
        self.mints = 0
        self.revoked: list[str] = []
        self.may_answer = threading.Event()
        self.answered = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: SlowMonite
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/revoke"):
            self.server.revoked.append(body["token"])
            self._answer({"message": "done"})
            return
        self.server.mints += 1
        number = self.server.mints
        assert self.server.may_answer.wait(PATIENCE)
        self._answer({"access_token": f"token-{number}", "token_type": "Bearer", "expires_in": 1800})
        self.server.answered.set()

    def _answer(self, content):
        data = json.dumps(content).encode()
        self.send_response(200)
        if self.server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (data[:10], data[10:]):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "in pieces"])
@pytest.mark.parametrize("form", ["threads", "tasks"])
def test_an_answer_that_came_while_the_process_was_stopped_is_used(form, chunked):
    monite = SlowMonite(chunked=chunked)
    threading.Thread(target=monite.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{monite.server_port}/v1"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, url, CLIENT_ID, SECRET, form], stdout=subprocess.PIPE, text=True
    )
    try:
        until(lambda: monite.mints == 1)
        os.kill(child.pid, signal.SIGSTOP)
        monite.may_answer.set()
        until(monite.answered.is_set)
        resumes_at = time.monotonic() + 3.5  # beyond all of its timeouts, and its lease
        until(lambda: time.monotonic() > resumes_at)
        os.kill(child.pid, signal.SIGCONT)
        printed, _ = child.communicate(timeout=PATIENCE)
    finally:
        child.kill()
        child.wait()
        monite.shutdown()
        monite.server_close()
    assert (printed.strip(), monite.mints, monite.revoked) == ("token-1", 1, [])
