"""PostgresStore: parses its address, hands out operations for each account, and closes the connections that it has opened."""

from functools import partial

from monite_auth.configuration.discretion import discreet
from monite_auth.processes.lifetimes import PerLoop, PerProcess
from monite_auth.stores.postgres.address import Address
from monite_auth.stores.postgres.keys import AccountKeys
from monite_auth.stores.postgres.listener import Listener
from monite_auth.stores.postgres.loop_connections import LoopConnections
from monite_auth.stores.postgres.operations import PostgresOperations
from monite_auth.stores.postgres.thread_connections import ThreadConnections
from monite_auth.stores.sealing import Keys
from monite_auth.stores.server_clock import ServerClock
from monite_auth.stores.server_store import ServerStore
from monite_auth.tokens import Clock, Secret, steady_clock

__all__ = ["PostgresStore"]


class PostgresStore(ServerStore):
    """Keeps tokens in PostgreSQL 14 or newer, in a schema of its own, `monite_auth`, for any number of hosts.

    `url`: `postgresql://user:password@host:5432/database`, with libpq's options (`sslmode=verify-full` and so on) behind a `?`. Of
    several hosts, with commas between them, the first that has a primary is used.
    `keys`: the first seals tokens, all open them (`Settings.sealing_keys`); or a source of keys that is asked whenever the
    envelope is opened (`Settings.credentials`).
    `session_memory`: for how many seconds an ended session is remembered.
    `requests_per_second`: Monite's limit.
    `timeout`: how many seconds an operation waits for PostgreSQL.
    `clock`: this host's wall clock, which dates logins; the machine's if None.
    `token_clock`: the clock of the times in tokens. Everything else counts by the server's.

    Nothing is asked of PostgreSQL before the first operation, which also makes the schema if it is not there, and logs how the server
    could lose data.

    Raises: StoreUnavailable from operations, when PostgreSQL cannot be reached or does not answer in time; ConfigurationError when the
    server is too old, refuses the user, or none of the keys opens what the account has there.
    """

    _address: Address
    _keys: AccountKeys

    @discreet
    def __init__(
        self,
        url: Secret | str,
        *,
        keys: Keys,
        session_memory: float = 14 * 24 * 3600,
        requests_per_second: float = 30,
        timeout: float = 1.0,
        clock: Clock | None = None,
        token_clock: Clock = steady_clock,
    ) -> None:
        super().__init__(
            url,
            keys=keys,
            session_memory=session_memory,
            requests_per_second=requests_per_second,
            clock=clock,
            token_clock=token_clock,
        )
        self._server_clock = ServerClock(token_clock)
        self._listener = PerProcess(partial(Listener, self._address, timeout))
        self._of_threads = PerProcess(partial(ThreadConnections, self._address, timeout))
        self._of_loops = PerProcess(partial(_loop_connections, self._address, timeout))

    _parse = staticmethod(Address.parse)

    def _serve(self, account: str) -> None:
        of_threads, of_loops = self._of_threads, self._of_loops
        self._keys = AccountKeys(account, self._envelope, self._clock)
        self._blocking, self._async = (
            PostgresOperations(
                which,
                self._keys,
                clock=self._clock,
                wall_clock=self._wall_clock,
                server_clock=self._server_clock,
                listener=self._listener,
                **self._options,
            )
            for which in (of_threads, lambda: of_loops()())  # noqa: PLW0108 - the inner one depends on the process
        )

    def take_names(self, names_key: Secret) -> None:
        """Have the store name users and sessions with this key of another store's, from the next operation on."""
        self._envelope.take_names(names_key)
        self.reopen()

    def close(self) -> None:
        """Close the connections of threads; they are opened again when they are needed."""
        self._of_threads().close_idle()
        self._close_listener()

    async def aclose(self) -> None:
        """Close the connections of the running event loop; they are opened again when they are needed."""
        connections = self._of_loops().existing()
        if connections is not None:
            await connections.aclose()
        self._close_listener()

    def _close_listener(self) -> None:
        listener = self._listener.existing()
        if listener is not None:
            listener.close()


def _loop_connections(address: Address, timeout: float) -> PerLoop[LoopConnections]:
    return PerLoop(partial(LoopConnections, address, timeout))
