"""What Redis servers of an experiment go through, alone or as nodes of a cluster."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.stores.protocol import Wait
from tests.redis_server import RedisServer

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
"""Options of a server that writes everything down before it answers, so that a crash takes nothing that was promised."""


class ServerStarter:
    """The one thread that starts servers: a server dies with the thread that started it, and faults come from several."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)

    def run(self, start: Callable[[], object]) -> None:
        """Start something, and return when it runs."""
        self._thread.submit(start).result()

    def close(self) -> None:
        self._thread.shutdown()


def fill(server: RedisServer, chance: random.Random, wait: Wait) -> None:
    """Have a server refuse whatever needs room."""
    server.admin.config_set("maxmemory", 1)
    wait(chance.uniform(0.5, 3.0))
    server.admin.config_set("maxmemory", 0)


def flap(server: RedisServer, chance: random.Random, wait: Wait) -> None:
    """Have a server hang for a moment, or cut its connections, several times in a row."""
    for _ in range(chance.randint(3, 6)):
        if chance.random() < 0.5:
            with server.paused():
                wait(chance.uniform(0.05, 0.6))
        else:
            server.admin.client_kill_filter(_type="normal", skipme=True)
        wait(chance.uniform(0.05, 0.4))
