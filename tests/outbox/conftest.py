"""Databases of an application, and brokers of its processes."""

from dataclasses import replace

import pytest

from monite_auth import TokenBroker
from tests.outbox.ground import Database
from tests.people import PEOPLE
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer


@pytest.fixture(scope="session")
def app_postgres():
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    """The application's database, of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/app.db"
    else:
        url = request.getfixturevalue("app_postgres").url.replace("postgresql:", "postgresql+psycopg:")
    database = Database(url)
    yield database
    database.close()


@pytest.fixture
def shared(emulated, tmp_path):
    """Settings of processes that share a store."""
    return replace(emulated, store_url=f"sqlite:///{tmp_path}/tokens.db")


@pytest.fixture
def process(shared, database):
    """Return a function that makes the broker of one more process; it has an outbox unless another is given."""
    brokers = []

    def make(outbox=database.engine, settings=shared, **options):
        brokers.append(TokenBroker(settings, PEOPLE, outbox=outbox, **options))
        return brokers[-1]

    yield make
    for each in brokers:
        each.close()


@pytest.fixture
def redis_server():
    with RedisServer() as server:
        yield server
