"""Deadlines hold: whatever trickles in, however long a name takes to resolve, and while a broker closes."""

import asyncio
import gzip
import math
import socket
import threading
import time
import tracemalloc
from types import SimpleNamespace

import httpcore
import httpx
import httpx2
import pytest

from monite_auth import PARTNER, Settings, TokenBroker, errors
from monite_auth.engine import transport
from monite_auth.engine.loop_sockets import LoopSockets
from monite_auth.engine.network import BlockingNetwork, Deadline
from monite_auth.engine.runtime import run
from monite_auth.monite_api.requests import mint_request
from tests.at_once import in_threads
from tests.scripted import ALICE, ALICE_IN_MONITE, CLIENT_ID, SECRET
from tests.trickling import answer, for_ever, granted, trickling_monite
from tests.waiting import PATIENCE, auntil, until

DEADLINE = 1.0
"""Seconds that a caller waits at most in these tests."""

LONG = 300.0
"""Seconds of all other limits, so that none of them ends what the deadline has to end."""

IN_TIME = DEADLINE + PATIENCE
"""Seconds after which a wait is taken for one without an end, as all of these are if nothing ends them: a machine may be busy."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EMPTY_GZIP_BLOCK = b"5\r\n\x00\x00\x00\xff\xff\r\n"

TRICKLES = {
    "nothing": for_ever(b"", b""),
    "the status line": for_ever(b"HTTP/1.1 200 ", b"O"),
    "headers": for_ever(HEAD, b"x-filler: 1\r\n"),
    "informational answers": for_ever(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "the body": for_ever(HEAD + b"Content-Length: 9000\r\n\r\n", b" "),
    "chunks": for_ever(CHUNKED, b"1\r\n \r\n"),
    "the size of a chunk": for_ever(CHUNKED, b"0"),
    "compressed nothing": for_ever(
        HEAD
        + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\na\r\n"
        + gzip.compress(b"")[:10]
        + b"\r\n",
        EMPTY_GZIP_BLOCK,
    ),
}


@pytest.fixture
def monite():
    with trickling_monite() as running:
        yield running


def impatient(url, **changes):
    """Return settings whose timeouts for one read are longer than any pause of a trickling answer."""
    return Settings(
        **{
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            "base_url": url,
            "deadline": DEADLINE,
            "connect_timeout": LONG,
            "read_timeout": LONG,
            "lease": LONG,
        }
        | changes
    )


@pytest.fixture(params=["threads", "tasks"])
def form(request):
    return request.param


def broker_for(url, **changes):
    return TokenBroker(impatient(url, **changes), {"alice": ALICE_IN_MONITE})


def token(broker, form):
    return broker.token(ALICE) if form == "threads" else asyncio.run(broker.atoken(ALICE))


def seconds_to_fail(broker, form):
    """Return how long a caller waits for a token that does not come, and the error. An event loop has ended by then."""
    began = time.monotonic()
    with pytest.raises(errors.MoniteUnavailable) as caught:
        token(broker, form)
    return time.monotonic() - began, str(caught.value)


def fault_of(url, form):
    """Return what is wrong with the answer to one request."""
    broker = broker_for(url)
    request = mint_request(broker.settings, PARTNER)

    async def ask_on_a_loop():
        async with broker:
            return await broker.running.on_loop().send(request, within=20)

    if form == "tasks":
        return asyncio.run(ask_on_a_loop()).reason
    with broker:
        return run(broker.running.blocking().send(request, within=20)).reason


# -- whatever trickles


def test_nobody_waits_longer_than_the_deadline_whatever_trickles_in(form):
    def wait_for(number):
        name, pieces = list(TRICKLES.items())[number]
        with trickling_monite() as monite, broker_for(monite.url) as broker:
            monite.mint = pieces
            return name, seconds_to_fail(broker, form)[0]

    waited = in_threads(len(TRICKLES), wait_for)
    assert [each for each in waited if each[1] > IN_TIME] == []


def test_those_who_wait_for_somebody_elses_mint_keep_their_own_deadline(monite):
    monite.mint = TRICKLES["headers"]
    with broker_for(monite.url) as broker:
        waited = in_threads(5, lambda number: seconds_to_fail(broker, "threads" if number else "tasks")[0])
    assert [seconds for seconds in waited if seconds > IN_TIME] == []


def test_an_answer_that_is_slow_and_in_time_is_used(monite, form):
    monite.mint = lambda: [bytes([each]) for each in granted("token-1")[:10]] + [granted("token-1")[10:]]
    with broker_for(monite.url, deadline=20) as broker:
        assert token(broker, form).value.reveal() == "token-1"


class SlowNetwork:
    """Connects at once to a Monite that grants a token; each step takes 1.5 seconds, and notes what it had."""

    def __init__(self):
        self.given = []
        self.now = 0.0

    def _step(self, name, timeout):
        self.given.append((name, timeout))
        self.now += 1.5

    def connect_tcp(self, _host, _port, *, timeout, **_):
        self._step("connect", timeout)
        return self

    def write(self, _content, timeout):
        self._step("write", timeout)

    def read(self, _most, timeout):
        self._step("read", timeout)
        return granted("token-1")

    def get_extra_info(self, _info):
        return None

    def close(self):
        pass


@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda each: each.__name__)
def test_promise_2_an_attempt_whose_steps_are_slow_ends_in_time(library, monkeypatch):
    monkeypatch.setattr(transport, "httpx", library)
    settings = impatient("http://127.0.0.1:9/v1", connect_timeout=3, read_timeout=2)
    network = SlowNetwork()
    with transport.blocking_client({}) as client, Deadline(5, now=lambda: network.now).kept():
        client._transport._pool._network_backend = BlockingNetwork(network)
        request = transport.as_sent(mint_request(settings, PARTNER))
        client.request(**request, timeout=transport.timeouts(settings, 5))
    assert [(name, round(seconds, 1)) for name, seconds in network.given] == [
        ("connect", 3.0),
        ("write", 2.0),
        ("write", 2.0),
        ("read", 0.5),
    ]


def test_the_end_of_an_answer_is_read_where_it_is_there_and_not_waited_for():
    now = [0.0]
    deadline = Deadline(10, now=lambda: now[0])
    with deadline.kept():
        assert [Deadline.limited(3), Deadline.limited(30), Deadline.limited(None)] == [3, 10, 10]
        now[0] = 1000.0  # the process was stopped
        assert Deadline.limited(3) < 0.01
        now[0] += 0.4
        assert Deadline.limited(3) < 0.01
        now[0] += 0.4
        with pytest.raises(TimeoutError):
            Deadline.limited(3)
    assert Deadline.limited(3) == 3


# -- whatever is compressed


def test_answers_are_asked_for_as_they_are(monite, form):
    with broker_for(monite.url, deadline=20) as broker:
        token(broker, form)
    assert "accept-encoding: identity" in monite.heads[0].lower()


def test_an_answer_that_is_compressed_all_the_same_is_read(monite, form):
    body = granted("token-1").partition(b"\r\n\r\n")[2]
    monite.mint = lambda: [answer(gzip.compress(body), "Content-Encoding: gzip")]
    with broker_for(monite.url, deadline=20) as broker:
        assert token(broker, form).value.reveal() == "token-1"


@pytest.mark.parametrize(
    ("encoding", "body", "says"),
    [
        ("br", b"{}", "compressed in another way than gzip"),
        ("gzip, gzip", b"{}", "compressed in another way than gzip"),
        ("gzip", b"no gzip", "is no gzip"),
        ("gzip", gzip.compress(b" " * 1_000_000), "is too long"),
    ],
)
def test_other_answers_that_are_compressed_are_refused(monite, form, encoding, body, says):
    monite.mint = lambda: [answer(body, f"Content-Encoding: {encoding}")]
    assert says in fault_of(monite.url, form)


def test_a_short_answer_that_unpacks_to_a_long_one_takes_no_memory():
    body = gzip.compress(b" " * 100_000_000)
    response = SimpleNamespace(headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        with pytest.raises(transport.UnreadableAnswer):
            transport.Body(response, longest=64 * 1024).add(body)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


# -- however long a name takes


@pytest.fixture
def resolver(monkeypatch):
    """A resolver that knows the names in `known`, and is stuck with all others until the test is over."""
    real, over, known = socket.getaddrinfo, threading.Event(), {}

    def resolve(host, *arguments, **options):
        if host in known:
            return [found for each in known[host] for found in real(each, *arguments, **options)]
        if "example" in str(host):
            over.wait(PATIENCE)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    yield known
    over.set()


def test_nobody_waits_longer_than_the_deadline_for_a_name(resolver, form):
    with broker_for("https://monite.example/v1") as broker:
        seconds, says = seconds_to_fail(broker, form)
    assert seconds < IN_TIME
    assert form == "tasks" or "the name of the host could not be resolved in time" in says


@pytest.mark.parametrize("network", [BlockingNetwork, LoopSockets])
def test_the_next_address_of_a_host_is_tried_within_the_same_time(resolver, network):
    resolver["monite.example"] = ["192.0.2.1", "::1", "192.0.2.2"]
    tried = []

    def connect(address, port, *, timeout):
        tried.append((address, timeout < 0.6))
        if address != "192.0.2.2":
            raise ConnectionRefusedError
        return "connected"

    async def aconnect(address, port, timeout, *_):  # noqa: ASYNC109 - as the real one
        return connect(address, port, timeout=timeout)

    if network is LoopSockets:
        asyncio.run(LoopSockets(httpcore, aconnect).connect_tcp("monite.example", 443, timeout=3))
    else:
        BlockingNetwork(SimpleNamespace(connect_tcp=connect)).connect_tcp("monite.example", 443, timeout=3)
    assert tried == [("192.0.2.1", True), ("::1", True), ("192.0.2.2", False)]


@pytest.mark.parametrize("network", [BlockingNetwork, LoopSockets])
def test_an_attempt_gets_the_answer_that_an_earlier_one_did_not_wait_for(monkeypatch, network):
    first_answers, never = threading.Event(), threading.Event()
    events = iter([first_answers, never])
    asked, finished = threading.Event(), threading.Event()

    def resolve(*_, **__):
        asked.set()
        if (event := next(events)) is never:
            first_answers.set()  # the second attempt waits by now, or will find the answer in a moment
        event.wait(PATIENCE)
        if event is never:
            finished.set()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    async def aconnect(address, *_):
        return address

    def attempt(seconds):
        if network is LoopSockets:
            sockets = LoopSockets(httpcore, aconnect)
            return asyncio.run(sockets.connect_tcp("monite.example", 443, timeout=seconds))._connection
        connection = BlockingNetwork(SimpleNamespace(connect_tcp=lambda address, port, timeout: address))
        return connection.connect_tcp("monite.example", 443, timeout=seconds)._stream

    try:
        while not asked.is_set():  # a lookup that has not begun by then is called off
            with pytest.raises(
                (TimeoutError, httpcore.ConnectTimeout), match="could not be resolved in time"
            ):
                attempt(0.05)
        assert attempt(PATIENCE) == "192.0.2.1"
    finally:
        never.set()
        finished.wait(PATIENCE)


def test_a_name_that_does_not_exist_is_told(monite, monkeypatch, form):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "Name or service not known" in fault_of("https://monite.example/v1", form)


def test_a_name_without_an_address_is_told_like_one_that_does_not_exist(monite, monkeypatch, form):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    assert "has no address" in fault_of("https://monite.example/v1", form)


def test_a_name_that_no_resolver_takes_is_told_like_one_that_does_not_exist(monite, form):
    assert "has no address" in fault_of(f"https://{'x' * 64}.example/v1", form)


# -- closing


@pytest.fixture
def pending(monite, tmp_path):
    """The URL of a store with five tokens that are pending revocation, which Monite does not answer."""
    tokens = iter(range(100))
    monite.mint = lambda: [granted(f"token-{next(tokens)}")]
    monite.revoke = TRICKLES["nothing"]
    url = f"sqlite:///{tmp_path}/tokens.db"
    broker = broker_for(monite.url, deadline=30, store_url=url)
    broker.running.engine.drainer.sweep_at = math.inf  # nobody gets around to them
    for _ in range(5):
        broker.token(ALICE)
        run(broker.store.operations(blocking=True).relink(ALICE.user_id))
    abandon(broker)
    return url


def abandon(broker):
    """Close what a broker has open, without another try to revoke anything."""
    broker.running.close(within=20)
    broker.store.close()


@pytest.mark.parametrize("revocation", ["nothing", "headers"])
@pytest.mark.parametrize("method", ["drain", "close"])
def test_a_drain_and_a_close_end_in_time_and_what_is_left_stays_pending(
    monite, pending, form, method, revocation
):
    monite.revoke = TRICKLES[revocation]
    broker = broker_for(monite.url, store_url=pending)
    began = time.monotonic()
    if method == "close":
        broker.close() if form == "threads" else asyncio.run(broker.aclose())
    elif form == "threads":
        broker.drain(within=DEADLINE)
    else:
        asyncio.run(broker.adrain(within=DEADLINE))
    assert time.monotonic() - began < IN_TIME
    assert broker.status(ALICE.user_id).pending == 5
    abandon(broker)


def test_a_close_ends_in_time_although_background_work_hangs(monite, form):
    tokens = iter(range(100))
    monite.mint = lambda: [granted(f"token-{next(tokens)}")]
    monite.revoke = TRICKLES["headers"]
    broker = broker_for(monite.url, deadline=5)

    async def use():
        for _ in range(5):
            await broker.atoken(ALICE)
            await broker.arelink(ALICE.user_id)
        await auntil(lambda: sum("/revoke" in head for head in monite.heads) >= 3)
        began = time.monotonic()
        await broker.aclose()
        return time.monotonic() - began

    def use_in_a_thread():
        for _ in range(5):
            broker.token(ALICE)
            broker.relink(ALICE.user_id)
        until(lambda: sum("/revoke" in head for head in monite.heads) >= 3)
        began = time.monotonic()
        broker.close()
        return time.monotonic() - began

    assert (use_in_a_thread() if form == "threads" else asyncio.run(use())) < 5 + IN_TIME
