"""PostgreSQL: a server that hangs, crashes, is restarted, only reads, has no connection left, cuts connections, and is locked."""

import random
from pathlib import Path

import psycopg

from tests.chaos.stores.protocol import Deck, Wait
from tests.chaos.stores.servers import ServerStarter
from tests.chaos.troubles import Troubles
from tests.postgres_server import PostgresServer

CONNECTIONS = "200"
"""That it takes: more than eight workers need, of which some have several event loops."""

LOCKS = ("ACCESS EXCLUSIVE", "SHARE")
"""Of a migration, which keeps everybody from the tokens, and of the making of an index, which only keeps writers from them."""


class PostgresUnderTest:
    """The server. It writes everything down before it answers, but for what the store does not want it to wait for.

    The workers are a user who is no superuser: for those it keeps some connections.
    """

    USER = "app"

    def __init__(self, folder: Path) -> None:
        self._starter = ServerStarter()
        self._server = PostgresServer(
            fsync="on",
            autovacuum="on",
            max_connections=CONNECTIONS,
            client_connection_check_interval="1s",  # as docs/stores.md recommends
        )
        self._starter.run(self._server.start)
        self._server.query(f"CREATE ROLE {self.USER} LOGIN")
        self._server.query(f"GRANT CREATE ON DATABASE postgres TO {self.USER}")
        self.url = self._server.url_of(self.USER)
        self.troubles = Troubles()
        self._deck = Deck(
            ("paused", "crashed", "stopped", "only read", "full", "flapping", "backend crashed", "locked")
        )

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
                case "only read":
                    with self._server.read_only():
                        wait(chance.uniform(0.5, 3.0))
                case "full":
                    self._fill(chance, wait)
                case "flapping":
                    self._flap(chance, wait)
                case "backend crashed":
                    self._server.crash_backend(self.USER)
                case "locked":
                    self._lock(chance, wait)

    def _fill(self, chance: random.Random, wait: Wait) -> None:
        """Let nobody have another connection. Those that were idle are gone, as after a restart behind a full pooler."""
        self._server.query(f"ALTER ROLE {self.USER} CONNECTION LIMIT 0")
        self._server.end_backends(self.USER)
        wait(chance.uniform(0.5, 3.0))
        self._server.query(f"ALTER ROLE {self.USER} CONNECTION LIMIT -1")

    def _flap(self, chance: random.Random, wait: Wait) -> None:
        """Have the server hang for a moment, or cut its connections, several times in a row."""
        for _ in range(chance.randint(3, 6)):
            if chance.random() < 0.5:
                with self._server.paused():
                    wait(chance.uniform(0.05, 0.6))
            else:
                self._server.end_backends(self.USER)
            wait(chance.uniform(0.05, 0.4))

    def _lock(self, chance: random.Random, wait: Wait) -> None:
        with psycopg.connect(self._server.url) as shell:
            shell.execute(f"LOCK TABLE monite_auth.tokens IN {chance.choice(LOCKS)} MODE")
            wait(chance.uniform(0.2, 2.5))

    def close(self) -> None:
        self._server.close()
        self._starter.close()
