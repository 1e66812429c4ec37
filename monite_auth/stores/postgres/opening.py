"""How a connection to PostgreSQL is opened: host by host, each within a timeout, so that one that hangs is given up for the next."""

import select
import time
from collections.abc import Sequence

from psycopg import pq

from monite_auth.stores.postgres.errors import CannotOpen
from monite_auth.stores.postgres.link import Link

__all__ = ["open_link"]

EVENTS = {int(pq.PollingStatus.READING): select.POLLIN, int(pq.PollingStatus.WRITING): select.POLLOUT}
"""What to wait for."""


def open_link(conninfos: Sequence[bytes], timeout: float) -> Link:
    """Open a connection to the first host that has a primary. It waits; event loops call it in a thread.

    `conninfos`: see Address. `timeout`: seconds for each host. Raises: CannotOpen, TimeoutError.
    """
    failure: OSError = CannotOpen("no host is named")
    for conninfo in conninfos:
        try:
            return Link(_connected(conninfo, time.monotonic() + timeout))
        except OSError as error:
            failure = error
    raise failure


def _connected(conninfo: bytes, end: float) -> pq.abc.PGconn:
    connection = pq.PGconn.connect_start(conninfo)
    try:
        while (waits_for := connection.connect_poll()) in EVENTS:
            _wait(connection.socket, EVENTS[waits_for], end)
    except BaseException:
        connection.finish()
        raise
    if waits_for != pq.PollingStatus.OK:
        said = connection.get_error_message()
        connection.finish()
        raise CannotOpen(said)
    return connection


def _wait(socket: int, events: int, end: float) -> None:
    poll = select.poll()
    poll.register(socket, events)
    left = end - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError
