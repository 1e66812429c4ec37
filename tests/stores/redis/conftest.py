"""Fixtures of the tests of Redis: a server, a cluster, and drivers of each."""

import pytest

from tests.redis_server import RedisCluster, RedisServer, emptied
from tests.stores.harness import RedisGround
from tests.stores.live import LiveGround


@pytest.fixture(scope="session")
def plain_server():
    with RedisServer() as server:
        yield server


@pytest.fixture
def server(plain_server):
    return emptied(plain_server)


@pytest.fixture(scope="session")
def three_nodes():
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(three_nodes):
    for node in three_nodes.nodes:
        emptied(node)
    return three_nodes


@pytest.fixture
def driver(server, form, drive):
    return drive(LiveGround(server.url), form)


@pytest.fixture
def timed(tmp_path, form, drive):
    """A driver of a server whose clock stands still until the test moves it."""
    return drive(RedisGround(tmp_path), form)
