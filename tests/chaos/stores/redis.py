"""Redis, alone: a server that hangs, crashes, is restarted, is full, flaps, and whose clock is set."""

import random
from pathlib import Path

from tests.chaos.stores.protocol import Deck, Wait
from tests.chaos.stores.servers import DURABLE, ServerStarter, fill, flap
from tests.chaos.troubles import Troubles
from tests.redis_server import TimedServer


class RedisUnderTest:
    """The server. It writes everything down before it answers."""

    CLOCKS = (3600.0, -300.0)
    """How far its clock is set, seconds. After it was five minutes ahead, revocations would wait for five minutes more. It is not set an
    hour back: some workers have a wall clock an hour behind, and a token has expired when the server and a host both say so."""

    def __init__(self, folder: Path) -> None:
        self._starter = ServerStarter()
        self._server = TimedServer(*DURABLE)
        self._server.set_ahead(0)
        self._starter.run(self._server.start)
        self.url = self._server.url
        self.troubles = Troubles()
        self._deck = Deck(("paused", "crashed", "stopped", "full", "flapping", "clock set"))

    def interrupt(self, chance: random.Random, wait: Wait) -> None:
        way = self._deck.draw(chance)
        with self.troubles.during(f"store {way}"):
            match way:
                case "paused":
                    with self._server.paused():
                        wait(chance.uniform(0.2, 2.5))
                case "crashed" | "stopped":
                    (self._server.kill if way == "crashed" else self._server.stop)()
                    wait(chance.uniform(0.0, 1.5))
                    self._starter.run(self._server.start)
                case "full":
                    fill(self._server, chance, wait)
                case "flapping":
                    flap(self._server, chance, wait)
                case "clock set":
                    self._set_clock(chance, wait)

    def _set_clock(self, chance: random.Random, wait: Wait) -> None:
        self._server.set_ahead(chance.choice(self.CLOCKS))
        wait(chance.uniform(0.5, 4.0))
        self._server.set_ahead(0)

    def close(self) -> None:
        self._server.close()
        self._starter.close()
