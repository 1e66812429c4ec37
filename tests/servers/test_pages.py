"""Monite's API for an app's own pages under real servers: streams, callers who hang up, and a Monite that does."""

import hashlib
import itertools
import socket

import httpx
import pytest

from monite_auth.testing.adapters.site import CALL
from monite_auth.testing.adapters.upstream import Reply, upstream
from tests.servers.page_server import PageServer
from tests.waiting import until

SERVED = [
    ("Starlette", "uvicorn"),
    ("Litestar", "hypercorn"),
    ("Flask", "gunicorn, gthread"),
    ("Django under WSGI", "gunicorn, sync"),
    ("Django under ASGI", "uvicorn"),
]
ON_EVENT_LOOPS = [each for each in SERVED if "gunicorn" not in each[1]]

FILE = "receivables/0f7e1a52-6c1d-4b0e-9a53-d0c0ffee0001"
UPLOAD = "payables/upload_from_file"

MB = 1024 * 1024
PIECE = bytes(range(256)) * 256


@pytest.fixture(scope="module")
def one_monite():
    with upstream() as running:
        yield running


@pytest.fixture
def monite(one_monite):
    one_monite.forget()
    return one_monite


@pytest.fixture(scope="module")
def server(request, one_monite, tmp_path_factory):
    log = tmp_path_factory.mktemp("server") / "log"
    with PageServer(*request.param, one_monite.url, log) as running:
        yield running


@pytest.fixture
def page(server):
    with server.page() as made:
        yield made


def served(cases):
    return pytest.mark.parametrize("server", cases, ids=[", ".join(case) for case in cases], indirect=True)


def pieces(size):
    return itertools.repeat(PIECE, size // len(PIECE))


def digest(size):
    found = hashlib.sha256()
    for piece in pieces(size):
        found.update(piece)
    return found.hexdigest()


def send_up(page, size):
    headers = {"content-type": "application/octet-stream", "content-length": str(size)}
    return page.post(UPLOAD, content=pieces(size), headers=headers)


def fetch(page, monite, size):
    """Download a file and return its length."""
    monite.reply = lambda _call: Reply(
        headers={"Content-Type": "application/pdf", "Content-Length": str(size)}, body=pieces(size)
    )
    with page.stream("GET", FILE) as answer:
        assert answer.status_code == 200
        found = hashlib.sha256()
        for chunk in answer.iter_raw(MB):
            found.update(chunk)
    assert found.hexdigest() == digest(size)
    return answer.num_bytes_downloaded


@served([case for case in SERVED if case[0] != "Litestar"])
def test_200_mb_pass_each_way_and_the_worker_grows_by_less_than_16(server, page, monite):
    size = 200 * MB
    warm_up = 5 * MB
    assert send_up(page, warm_up).status_code == 200
    assert fetch(page, monite, warm_up) == warm_up
    monite.reply = lambda _call: Reply(headers={"Content-Type": "application/json"}, body=b"{}")
    server.forget_peak()
    before = server.peak
    assert send_up(page, size).status_code == 200
    assert (monite.last.size, monite.last.digest) == (size, digest(size))
    assert fetch(page, monite, size) == size
    assert server.peak - before < 16 * MB


@served(SERVED)
def test_a_body_in_chunks_passes_and_so_does_one_that_waits_to_be_asked_for(server, page, monite):
    answer = page.post(UPLOAD, content=pieces(2 * MB), headers={"content-type": "application/octet-stream"})
    assert (answer.status_code, answer.json()) == (200, {})
    assert (monite.last.size, monite.last.digest) == (2 * MB, digest(2 * MB))

    with server.connect() as connection, connection.makefile("rb") as answers:
        connection.sendall(head(server, "content-length: 9", "expect: 100-continue"))
        assert next(answers).startswith(b"HTTP/1.1 100")
        connection.sendall(b"some body")
        assert any(line.startswith(b"HTTP/1.1 200") for line in answers)
    assert monite.last.beginning == b"some body"


@served(SERVED)
def test_a_caller_who_goes_away_ends_the_call_to_monite(server, page, monite):
    monite.reply = lambda _call: Reply(
        headers={"Content-Type": "application/pdf"}, body=itertools.repeat(PIECE)
    )
    for _ in range(3):  # more than may be under way at once
        monite.hung_up.clear()

        def is_let_in():
            with page.stream("GET", FILE) as answer:
                if answer.status_code == 200:
                    next(answer.iter_raw())
                return answer.status_code == 200

        until(is_let_in)
        until(monite.hung_up.is_set)


@served(ON_EVENT_LOOPS)
def test_a_caller_who_goes_away_before_there_is_an_answer_ends_the_call_to_monite(server, monite):
    def wait_in_vain(call):
        until(call.is_caller_gone)
        raise ConnectionResetError

    monite.reply = wait_in_vain
    with server.connect() as connection:
        connection.sendall(head(server, "content-length: 0"))
        until(lambda: monite.calls)
    until(monite.hung_up.is_set)


@served(SERVED)
def test_a_body_that_breaks_off_is_not_taken_for_whole(server, monite):
    with server.connect() as connection:
        connection.sendall(head(server, "content-length: 1000000") + b"x" * 500_000)
    with server.connect() as connection:
        connection.sendall(head(server, "transfer-encoding: chunked") + b"5\r\nhello\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass
    with server.page() as page:
        until(lambda: page.get("payables").status_code == 200)
    assert all(not call.is_whole for call in monite.calls if call.method == "POST")


@served(SERVED)
@pytest.mark.parametrize("length", [{}, {"Content-Length": str(9 * MB)}], ids=["in chunks", "with a length"])
def test_an_answer_that_breaks_off_is_not_taken_for_whole(server, page, monite, length):
    def half():
        yield from pieces(MB)
        raise ConnectionResetError

    monite.reply = lambda _call: Reply(headers={"Content-Type": "application/pdf", **length}, body=half())
    with pytest.raises(httpx.RemoteProtocolError), page.stream("GET", FILE) as answer:
        assert answer.status_code == 200
        for _ in answer.iter_raw():
            pass


def head(server, *headers):
    lines = [
        f"POST /monite/api/{UPLOAD} HTTP/1.1",
        f"host: 127.0.0.1:{server.port}",
        "x-user: anna",
        *(f"{name}: {value}" for name, value in CALL.items()),
        *headers,
        "",
        "",
    ]
    return "\r\n".join(lines).encode()
