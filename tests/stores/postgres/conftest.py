"""Fixtures of the tests of PostgreSQL: a server, and drivers of it."""

import pytest

from tests.postgres_server import PostgresServer, emptied
from tests.stores.live import LiveGround


@pytest.fixture(scope="session")
def plain_server():
    with PostgresServer() as server:
        yield server


@pytest.fixture
def server(plain_server):
    return emptied(plain_server)


@pytest.fixture
def driver(server, form, drive):
    return drive(LiveGround(server.url), form)
