"""PostgreSQL: a server that hangs, crashes, is restarted, only reads, has no connection left, cuts connections, is locked, and whose place
a standby takes.

Its clock is not set: libfaketime reads a file whenever a program asks for the time, and PostgreSQL asks in handlers of signals.
"""

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


SETTINGS = {
    "fsync": "on",
    "autovacuum": "on",
    "max_connections": CONNECTIONS,
    "client_connection_check_interval": "1s",  # as docs/stores.md recommends
    "wal_retrieve_retry_interval": "100ms",  # a standby comes back at once after its primary was restarted
}


class PostgresUnderTest:
    """The primary and its standby. The one waits for the other before it answers, but for what the store does not want it to wait for.

    The workers are a user who is no superuser: for those it keeps some connections.
    """

    USER = "app"

    def __init__(self, folder: Path) -> None:
        self._starter = ServerStarter()
        self._primary = PostgresServer(**SETTINGS)
        self._starter.run(self._primary.start)
        self._primary.query(f"CREATE ROLE {self.USER} LOGIN")
        self._primary.query(f"GRANT CREATE ON DATABASE postgres TO {self.USER}")
        self._standby = PostgresServer(self._primary, **SETTINGS)
        self._starter.run(self._standby.start)
        self._primary.wait_for_standby()
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in (self._primary, self._standby))
        self.url = f"postgresql://{self.USER}@{hosts}/postgres"
        self.troubles = Troubles()
        self._deck = Deck(
            (
                *("paused", "crashed", "stopped", "only read", "full", "flapping"),
                *("backend crashed", "locked", "failed over"),
            )
        )

    def interrupt(self, chance: random.Random, wait: Wait) -> None:
        way = self._deck.draw(chance)
        with self.troubles.during(f"store {way}"):
            match way:
                case "paused":
                    with self._primary.paused():
                        wait(chance.uniform(0.2, 2.5))
                case "crashed" | "stopped":
                    (self._primary.kill if way == "crashed" else self._primary.stop)()
                    wait(chance.uniform(0.0, 1.5))
                    self._starter.run(self._primary.start)
                case "only read":
                    with self._primary.read_only():
                        wait(chance.uniform(0.5, 3.0))
                case "full":
                    self._fill(chance, wait)
                case "flapping":
                    self._flap(chance, wait)
                case "backend crashed":
                    self._primary.crash_backend(self.USER)
                case "locked":
                    self._lock(chance, wait)
                case "failed over":
                    self._fail_over(chance, wait)

    def _fail_over(self, chance: random.Random, wait: Wait) -> None:
        """Have the standby take the place of the primary, which comes back as its standby."""
        former = self._primary
        former.kill()
        wait(chance.uniform(0.0, 1.5))
        self._standby.promote()
        self._primary, self._standby = self._standby, former
        wait(chance.uniform(0.0, 1.5))
        former.begin_again(self._primary)
        self._starter.run(former.start)
        self._primary.wait_for_standby()

    def _fill(self, chance: random.Random, wait: Wait) -> None:
        """Let nobody have another connection. Those that were idle are gone, as after a restart behind a full pooler."""
        self._primary.query(f"ALTER ROLE {self.USER} CONNECTION LIMIT 0")
        self._primary.end_backends(self.USER)
        wait(chance.uniform(0.5, 3.0))
        self._primary.query(f"ALTER ROLE {self.USER} CONNECTION LIMIT -1")

    def _flap(self, chance: random.Random, wait: Wait) -> None:
        """Have the server hang for a moment, or cut its connections, several times in a row."""
        for _ in range(chance.randint(3, 6)):
            if chance.random() < 0.5:
                with self._primary.paused():
                    wait(chance.uniform(0.05, 0.6))
            else:
                self._primary.end_backends(self.USER)
            wait(chance.uniform(0.05, 0.4))

    def _lock(self, chance: random.Random, wait: Wait) -> None:
        with psycopg.connect(self._primary.url) as shell:
            shell.execute(f"LOCK TABLE monite_auth.tokens IN {chance.choice(LOCKS)} MODE")
            wait(chance.uniform(0.2, 2.5))

    def close(self) -> None:
        self._standby.close()
        self._primary.close()
        self._starter.close()
