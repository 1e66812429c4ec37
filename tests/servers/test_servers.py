"""The example apps under production servers, with several workers that share only the store."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from monite_auth.emulator import ANNA_ID
from tests.environment import demo_settings
from tests.integrations.gunicorn_server import PATIENT, ROOT
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer, emptied
from tests.servers.served import EXAMPLES
from tests.servers.server import Server
from tests.waiting import until

GUNICORN = (
    *("gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "{workers}"),
    *(*PATIENT, "--no-control-socket"),
)
SERVERS = {
    "gunicorn, sync": (*GUNICORN, "--worker-class", "sync"),
    "gunicorn, gthread": (*GUNICORN, "--worker-class", "gthread", "--threads", "4"),
    "gunicorn, gevent": (*GUNICORN, "--worker-class", "gevent"),
    "uvicorn": (
        *("uvicorn", "--port", "{port}", "--workers", "{workers}", "--factory", "--no-access-log"),
        # It kills a worker that does not answer its parent in time: five seconds, where nothing else is said.
        *("--timeout-worker-healthcheck", "120"),
    ),
}

CASES = [
    ("fastapi_app", "uvicorn", 2, "sqlite"),
    ("fastapi_app", "uvicorn", 2, "redis"),
    ("fastapi_app", "uvicorn", 2, "postgres"),
    ("flask_app", "gunicorn, sync", 4, "sqlite"),
    ("flask_app", "gunicorn, sync", 4, "redis"),
    ("flask_app", "gunicorn, gthread", 2, "sqlite"),
    ("flask_app", "gunicorn, gevent", 2, "redis"),
    ("flask_app", "gunicorn, gevent", 2, "postgres"),
    ("django_app under WSGI", "gunicorn, sync", 4, "sqlite"),
    ("django_app under WSGI", "gunicorn, sync", 4, "redis"),
    ("django_app under WSGI", "gunicorn, gthread", 2, "sqlite"),
    ("django_app under WSGI", "gunicorn, sync", 4, "postgres"),
    ("django_app under WSGI", "gunicorn, gevent", 2, "postgres"),
    ("django_app under ASGI", "uvicorn", 2, "sqlite"),
    ("django_app under ASGI", "uvicorn", 2, "redis"),
    ("django_app under ASGI", "uvicorn", 2, "postgres"),
]
"""With PostgreSQL as the store, a Django site is on PostgreSQL itself: in the same database, as the same user."""

DJANGO = {"APP_SECRET": "for the tests", "DJANGO_SETTINGS_MODULE": "examples.django_app.settings"}
DJANGO_ON_POSTGRES = DJANGO | {"DJANGO_SETTINGS_MODULE": "tests.servers.django_on_postgres"}

SEED = "import django; django.setup(); from examples.django_app.__main__ import seed; seed()"


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A server with the Django example's users in the database `seeded`."""
    with PostgresServer() as running:
        running.query("CREATE ROLE app LOGIN")
        running.query("CREATE DATABASE seeded OWNER app")
        seed(DJANGO_ON_POSTGRES | {"APP_DATABASE": running.url_of("app", database="seeded")})
        yield running


@pytest.fixture(scope="module")
def django_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Django example's database with its users. Each test uses a copy."""
    path = tmp_path_factory.mktemp("django") / "app.sqlite3"
    seed(DJANGO | {"APP_DATABASE": str(path)})
    return path


def seed(environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-c", SEED], cwd=ROOT, env={**os.environ, **environment}, check=True)


@pytest.fixture
def server(request, emulator, tmp_path) -> Iterator[Server]:
    example, command, workers, store = request.param
    store_url, django = f"sqlite:///{tmp_path}/tokens.db", DJANGO
    if store == "redis":
        store_url = emptied(request.getfixturevalue("redis")).url
    elif store == "postgres":
        store_url, django = copied(request.getfixturevalue("postgres")), DJANGO_ON_POSTGRES
    environment = demo_settings(emulator.api_url, store_url) | {"APP_SECRET": "for the tests"}
    if example.startswith("django"):
        database = store_url
        if store != "postgres":
            database = str(shutil.copy(request.getfixturevalue("django_database"), tmp_path))
        environment |= django | {"APP_DATABASE": database}
    served = (*SERVERS[command], f"tests.servers.served:{EXAMPLES[example]}")
    with Server(served, environment, workers, tmp_path / "server.log") as running:
        yield running


def copied(server: PostgresServer) -> str:
    """Make a copy of the seeded database, in the place of the one before, and return its URL."""
    server.query("DROP DATABASE IF EXISTS app WITH (FORCE)")
    server.query("CREATE DATABASE app OWNER app TEMPLATE seeded")
    return server.url_of("app", database="app")


class Form(HTMLParser):
    """Finds the hidden fields of a page's form for `action`. Django puts its CSRF token there."""

    def __init__(self, page: str, action: str) -> None:
        super().__init__()
        self.action = action
        self.fields: dict[str, str] = {}
        self.found = self._inside = False
        self.feed(page)
        assert self.found, page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "form":
            self._inside = attributes.get("action") == self.action
            self.found |= self._inside
        if tag == "input" and self._inside and attributes.get("type") == "hidden":
            self.fields[attributes["name"] or ""] = attributes["value"] or ""


def visit(server: Server, worker: int, cookies: httpx.Cookies) -> httpx.Response:
    """Return this worker's answer for the invoices page. The cookies are copied, so that the answer does not change them."""
    with server.browser(cookies) as browser:
        return server.ask(worker, browser, "GET", "/invoices")


@pytest.mark.parametrize("server", CASES, ids=[", ".join(map(str, case)) for case in CASES], indirect=True)
def test_workers_share_one_token_and_a_logout_in_one_holds_in_all(server, emulator):
    ledger = emulator.monite.ledger
    first, another, *_ = server.pids
    with server.browser() as browser:
        page = server.ask(first, browser, "GET", "/login")
        login = Form(page.text, "/login").fields | {"user_id": "anna"}
        answer = server.ask(first, browser, "POST", "/login", data=login)
        assert (answer.status_code, answer.headers["location"]) in [(302, "/invoices"), (303, "/invoices")]

        for worker in server.pids:  # the first worker mints the token
            page = server.ask(worker, browser, "GET", "/invoices")
            assert page.status_code == 200
            assert "Mühlenhof Mehle KG" in page.text
            assert len(ledger.mints(ANNA_ID)) == 1
        assert len(ledger.live(ANNA_ID)) == 1

        before_the_logout = httpx.Cookies(browser.cookies)
        assert visit(server, first, before_the_logout).status_code == 200
        logout = Form(page.text, "/logout").fields
        answer = server.ask(another, browser, "POST", "/logout", data=logout)
        assert (answer.status_code, answer.headers["location"]) in [(302, "/login"), (303, "/login")]
        until(lambda: not ledger.live(ANNA_ID))

    for worker in server.pids:
        answer = visit(server, worker, before_the_logout)
        assert answer.status_code in (302, 303)
        assert answer.headers["location"].partition("?")[0] == "/login"
    assert len(ledger.mints(ANNA_ID)) == 1

    assert set(server.pids) < set(server.survivors())
    assert server.stop() == 0
    assert not set(server.pids) & set(server.survivors())
    until(lambda: not server.survivors())  # other processes that Python has started end by themselves
    assert "Traceback" not in server.log
    assert "ERROR" not in server.log
    assert not any(token.value in server.log for token in ledger.tokens)


DIES_AFTER_THE_COMMIT = """
import os, django
django.setup()
from django.contrib.auth import get_user_model
from django.db import transaction
with transaction.atomic():
    transaction.on_commit(lambda: os._exit(9))
    anna = get_user_model().objects.get(username="anna")
    anna.is_active = False
    anna.save()
"""

SITES = [
    ("django_app under WSGI", "gunicorn, sync", 2, "sqlite"),
    ("django_app under WSGI", "gunicorn, gevent", 2, "redis"),
    ("django_app under ASGI", "uvicorn", 2, "postgres"),
]


@pytest.mark.parametrize("server", SITES, ids=[", ".join(map(str, case)) for case in SITES], indirect=True)
def test_idle_workers_carry_out_what_a_process_had_committed_when_it_died(server, emulator):
    first, another = server.pids
    with server.browser() as browser:
        page = server.ask(first, browser, "GET", "/login")
        login = Form(page.text, "/login").fields | {"user_id": "anna"}
        server.ask(first, browser, "POST", "/login", data=login)
        assert server.ask(another, browser, "GET", "/invoices").status_code == 200
        assert len(emulator.monite.ledger.live(ANNA_ID)) == 1
        died = subprocess.run(
            [sys.executable, "-c", DIES_AFTER_THE_COMMIT], cwd=ROOT, env=server.environment, check=False
        )
        assert died.returncode == 9
        until(lambda: not emulator.monite.ledger.live(ANNA_ID))
        assert server.ask(first, browser, "GET", "/invoices").status_code in (302, 303)
