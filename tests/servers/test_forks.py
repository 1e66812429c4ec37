"""Servers that load the app before they fork: the workers share nothing but the store.

uWSGI forks in C, and Python's fork hooks do not run; gunicorn's gevent workers replace locks and sockets after the fork.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from monite_auth.emulator import Fault
from monite_auth.engine.surroundings import SWEEP_INTERVAL
from tests.environment import demo_settings
from tests.integrations.gunicorn_server import PATIENT
from tests.redis_server import RedisServer, emptied
from tests.servers.people import PEOPLE
from tests.servers.server import Server
from tests.waiting import until

UWSGI = (
    *("uwsgi", "--http-socket", "127.0.0.1:{port}", "--processes", "{workers}", "--enable-threads"),
    *("--need-app", "--die-on-term", "--disable-logging", "--module", "tests.servers.forked:served"),
)
GUNICORN = (
    *("gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "{workers}", *PATIENT),
    # Allow a longer time for the request: gevent's usual limit for a new connection is too short on a busy machine.
    *("--keep-alive", "60", "--no-control-socket", "--preload", "tests.servers.forked:served"),
)
SERVERS = {
    "uWSGI": (*UWSGI, "--master"),
    "uWSGI, threads": (*UWSGI, "--master", "--threads", "4"),
    "uWSGI without a master": UWSGI,
    "gunicorn, gevent": (*GUNICORN, "--worker-class", "gevent"),
    "gunicorn, gthread": (*GUNICORN, "--worker-class", "gthread", "--threads", "4"),
}

CASES = [
    *[("uWSGI", when, store) for when in ("built", "used") for store in ("sqlite", "redis")],
    ("uWSGI, threads", "used", "sqlite"),
    ("uWSGI without a master", "used", "sqlite"),
    *[
        ("gunicorn, gevent", when, store)
        for when in ("built", "used")
        for store in ("sqlite", "redis", "memory")
    ],
    ("gunicorn, gthread", "used", "sqlite"),
]

WORKERS = 4

CROWD, THRONG = 8, 30
"""How many requests of one user come at once: more than a worker has threads, so that several workers want one token.

gevent's workers get more, so that greenlets wait for each other at connections and locks. A lock that gevent has not
replaced would block all of them."""


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer("--appendonly", "yes") as running:
        yield running


@pytest.fixture
def server(request, emulator, tmp_path) -> Iterator[Server]:
    command, when, store = request.param
    url = {"sqlite": f"sqlite:///{tmp_path}/tokens.db", "memory": "memory://"}.get(store, "")
    environment = demo_settings(emulator.api_url, url)
    if store == "redis":
        environment["MONITE_STORE_URL"] = emptied(request.getfixturevalue("redis")).url
    if when == "used":
        environment["USED_BEFORE_FORK"] = "yes"
    with Server(SERVERS[command], environment, WORKERS, tmp_path / "server.log") as running:
        yield running


@pytest.mark.parametrize("server", CASES, ids=[", ".join(case) for case in CASES], indirect=True)
def test_workers_that_were_forked_share_nothing_but_the_store(request, server, emulator):
    with server.browser() as browser:
        said = [server.ask(worker, browser, "GET", "/process").json() for worker in server.pids]
    assert len({each["owner"] for each in said}) == WORKERS
    assert len({each["chance"] for each in said}) == WORKERS
    assert all(each["background"] for each in said)

    emulator.monite.faults.add(Fault(kind="latency", path="/auth/token", seconds=0.2))
    before = len(emulator.monite.ledger.tokens)
    names = [f"{name}-{number}" for number in range(3) for name in PEOPLE]
    # No async pages under gevent: all greenlets run in one thread, which can have only one event loop.
    kinds, crowd = (("page",), THRONG) if "gevent" in request.node.name else (("page", "async"), CROWD)
    pages = [f"/{kind}/{name}" for name in names for kind in kinds for _ in range(crowd // len(kinds))]

    answers = ask_at_once(server, pages)
    assert {answer.status_code for answer in answers} == {200}
    for page, answer in zip(pages, answers, strict=True):
        name = page.rpartition("/")[2].partition("-")[0]
        assert answer.json()["id"] == PEOPLE[name].entity_user_id
    if "memory" not in request.node.name:  # with a memory store each worker mints for itself
        assert len(emulator.monite.ledger.tokens) - before == len(names)

    server.stop()
    assert "Traceback" not in server.log
    assert "ERROR" not in server.log
    assert "token store" not in server.log  # no warning, for example that the store is down


LOGOUTS = [
    (server, "used", store) for server in ("uWSGI", "gunicorn, gevent") for store in ("sqlite", "redis")
]


@pytest.mark.parametrize("server", LOGOUTS, ids=[", ".join(case) for case in LOGOUTS], indirect=True)
def test_promises_2_and_5_one_mint_for_a_crowd_and_a_logout_that_holds_in_every_forked_worker(
    server, emulator
):
    ledger = emulator.monite.ledger
    before = len(ledger.tokens)
    answers = ask_at_once(server, ["/page/anna-crowd"] * CROWD)
    assert {answer.status_code for answer in answers} == {200}
    assert len(ledger.tokens) - before == 1

    one, *others = server.pids
    with server.browser() as browser:
        assert server.ask(one, browser, "GET", "/logout/anna-crowd").status_code == 200
        # Nobody asks the server meanwhile, nor has a sweep come yet, mostly.
        until(lambda: ledger.tokens[before].revoked_at is not None, seconds=0.9 * SWEEP_INTERVAL)
        for worker in (one, *others):
            assert server.ask(worker, browser, "GET", "/page/anna-crowd").status_code == 401
    assert len(ledger.tokens) - before == 1


def ask_at_once(server, pages):
    """Ask for all pages at the same time, each over a connection of its own."""

    def ask(page):
        with server.browser() as browser:
            return browser.get(page)

    with ThreadPoolExecutor(3 * THRONG) as pool:
        return list(pool.map(ask, pages))
