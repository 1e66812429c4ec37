"""A Monite that answers with the live token instead of a new one: what is revoked is handed out to nobody."""

import itertools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from monite_auth import EntityUser, Principal, Settings, TokenBroker, errors
from tests.redis_server import RedisServer, emptied
from tests.scripted import CLIENT_ID, SECRET
from tests.waiting import PATIENCE, until

ENTITY = "e0000000-0000-4000-8000-000000000001"
PEOPLE = {
    name: EntityUser(f"00000000-0000-4000-8000-{number:012}", ENTITY)
    for number, name in enumerate(["anna", "bert", "carl"])
}


def person(name: str, session: str = "1") -> Principal:
    return Principal(name, session_id=f"{name}-{session}")


class Idempotent(ThreadingHTTPServer):
    """Gives whoever asks the token that they have, while it lives. `shares` has everybody given one and the same."""

    daemon_threads = True

    def __init__(self, *, shares: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.shares = shares
        self.life = 1800.0
        self.live: dict[str, tuple[str, float]] = {}
        self.given: list[str] = []
        self.revoked: list[str] = []
        self.may_revoke = threading.Event()
        self.may_revoke.set()
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()

    def mint(self, body: dict[str, str]) -> tuple[str, float]:
        who = "all" if self.shares else body.get("entity_user_id", "partner")
        with self.lock:
            now = time.monotonic()
            if who not in self.live or self.live[who][1] <= now:
                self.live[who] = f"token-{next(self.numbers)}", now + self.life
            self.given.append(self.live[who][0])
            return self.live[who][0], self.live[who][1] - now

    def revoke(self, token: str) -> None:
        assert self.may_revoke.wait(PATIENCE)
        with self.lock:
            self.revoked.append(token)
            self.live = {who: each for who, each in self.live.items() if each[0] != token}


class _Handler(BaseHTTPRequestHandler):
    server: Idempotent
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/revoke"):
            self.server.revoke(body["token"])
            answer: dict[str, object] = {"message": "done"}
        else:
            token, life = self.server.mint(body)
            answer = {"access_token": token, "token_type": "Bearer", "expires_in": int(life)}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def start():
    """Return a function that starts such a Monite."""
    servers = []

    def started(**options):
        server = Idempotent(**options)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server

    yield started
    for server in servers:
        server.may_revoke.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def redis():
    with RedisServer() as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "redis"])
def broker_for(request, tmp_path):
    """Return a function that makes the broker for a Monite, over each of the stores."""
    made = []

    def make(monite, *, authorize=None, **changes):
        if request.param == "redis":
            url = emptied(request.getfixturevalue("redis")).url
        else:
            url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/tokens.db"}[request.param]
        given = {
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            "base_url": f"http://127.0.0.1:{monite.server_port}/v1",
            "requests_per_second": 1000,
            "store_url": url,
        }
        made.append(TokenBroker(Settings(**given | changes), directory=PEOPLE, authorize=authorize))
        return made[-1]

    yield make
    for broker in made:
        broker.close()


def value(broker, principal):
    return broker.token(principal).value.reveal()


def test_a_login_right_after_a_logout_waits_for_another_token(broker_for, start):
    monite = start()
    broker = broker_for(monite)
    old = value(broker, person("anna"))
    monite.may_revoke.clear()
    broker.logout(person("anna"))
    until(lambda: broker.status("anna").pending == 1)
    threading.Timer(0.5, monite.may_revoke.set).start()
    new = value(broker, person("anna", "2"))
    assert new != old
    assert (new in monite.revoked, old in monite.revoked) == (False, True)
    assert value(broker, person("anna", "2")) == new


def test_while_it_cannot_be_revoked_nobody_gets_it_and_the_error_says_why(broker_for, start):
    monite = start()
    broker = broker_for(monite, deadline=3, read_timeout=1, connect_timeout=1)
    value(broker, person("anna"))
    monite.may_revoke.clear()
    broker.logout(person("anna"))
    with pytest.raises(errors.MoniteUnavailable, match="gave a token again"):
        broker.token(person("anna", "2"))
    assert len(monite.given) < 20
    assert value(broker, person("bert")) != monite.given[0]


def test_what_another_session_has_is_not_revoked_before_that_ends_too(broker_for, start):
    monite = start()
    broker = broker_for(monite, token_scope="session")
    shared = {value(broker, person("anna", session)) for session in "12"}
    assert len(shared) == 1
    broker.logout(person("anna", "1"))
    broker.drain(within=5)
    assert monite.revoked == []
    assert {value(broker, person("anna", "2"))} == shared
    broker.logout(person("anna", "2"))
    broker.drain(within=5)
    until(lambda: set(monite.revoked) == shared)


def bearer(broker, principal):
    """Return the token that a call of the principal carries."""
    seen = []

    def answer(request):
        seen.append(request.headers["authorization"].removeprefix("Bearer "))
        return httpx.Response(200)

    with broker.client(principal, transport=httpx.MockTransport(answer)) as client:
        client.get("/payables")
    return seen[0]


def test_one_partner_token_for_all_is_revoked_when_the_last_has_gone(broker_for, start):
    monite = start(shares=True)
    broker = broker_for(monite, security_model="partner_managed", authorize=lambda *_: True)
    *first, last = people = [person(name) for name in PEOPLE]
    (shared,) = {bearer(broker, principal) for principal in people}
    for principal in first:
        broker.logout(principal)
        broker.drain(within=5)
    assert monite.revoked == []
    assert bearer(broker, last) == shared
    broker.logout(last)
    broker.drain(within=5)
    until(lambda: monite.revoked == [shared])
    assert bearer(broker, person("anna", "2")) not in monite.revoked


def test_nobody_is_handed_a_revoked_token_while_people_come_and_go(broker_for, start):
    """Logins, calls and logouts of three people in threads, with one token for all: what is used is alive."""
    monite = start(shares=True)
    broker = broker_for(monite, security_model="partner_managed", authorize=lambda *_: True)
    wrong = []

    def visits(name):
        for number in range(8):
            principal = person(name, str(number))
            token = bearer(broker, principal)
            with monite.lock:
                if token in monite.revoked:
                    wrong.append((name, number, token))
            broker.logout(principal)

    threads = [threading.Thread(target=visits, args=(name,)) for name in PEOPLE]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_token_that_is_renewed_with_itself_is_used_to_its_end(broker_for, start):
    monite = start()
    monite.life = 60
    broker = broker_for(monite)
    old = value(broker, person("anna"))
    broker.reject(person("anna"), broker.token(person("anna")))
    assert value(broker, person("anna")) == old
    broker.drain(within=5)
    assert monite.revoked == []
    with pytest.raises(errors.TokenTooShort, match="Monite's tokens live"):
        broker.token(person("anna"), min_ttl=600)
    broker.logout(person("anna"))
    broker.drain(within=5)
    until(lambda: monite.revoked == [old])
