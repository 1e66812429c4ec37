"""Names of hosts, resolved in threads of ours, of which nobody else takes any and for which nobody waits at the end of an event loop."""

import ipaddress
import socket
import threading
from concurrent.futures import Future
from functools import partial
from itertools import chain, zip_longest

from monite_auth.processes.lifetimes import PerProcess
from monite_auth.processes.threads import Threads

__all__ = ["lookup"]


def lookup(host: str) -> Future[list[str]]:
    """Return the future of a host's addresses."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return NAMES().addresses(host)
    known: Future[list[str]] = Future()
    known.set_result([host])
    return known


class Names:
    """Resolves names in threads, and hands each answer to all who wait for that name.

    A resolver may take longer than one attempt to connect: where its first server is dead, five seconds. So an attempt also gets
    the answer that was asked for by an earlier one, which has given up.
    """

    def __init__(self) -> None:
        # Many, since each may be stuck for as long as a resolver does not answer.
        self._threads = Threads(16, name="monite_auth names")
        self._lock = threading.Lock()
        self._wanted: dict[str, set[Future[list[str]]]] = {}

    def addresses(self, host: str) -> Future[list[str]]:
        """Return the future of a host's addresses. A thread that is stuck with the name goes on after the future is cancelled."""
        wanted: Future[list[str]] = Future()
        with self._lock:
            self._wanted.setdefault(host, set()).add(wanted)
        lookup = self._threads.submit(partial(_addresses, host))
        wanted.add_done_callback(partial(self._given_up, host, lookup))
        lookup.add_done_callback(partial(self._answered, host, wanted))
        return wanted

    def _answered(self, host: str, wanted: Future[list[str]], lookup: Future[list[str]]) -> None:
        if lookup.cancelled():
            return
        error = lookup.exception()
        with self._lock:
            waiting = self._wanted.get(host, set())
            served = {wanted} & waiting if error else set(waiting)
            waiting -= served
        for each in served:
            if not each.set_running_or_notify_cancel():
                continue
            if error is not None:
                each.set_exception(error)
            else:
                each.set_result(lookup.result())

    def _given_up(self, host: str, lookup: Future[list[str]], wanted: Future[list[str]]) -> None:
        with self._lock:
            waiting = self._wanted.get(host, set())
            waiting.discard(wanted)
            if not waiting:
                self._wanted.pop(host, None)
        if wanted.cancelled():
            lookup.cancel()  # so it does not stand in the way of others, unless it has begun


NAMES = PerProcess(Names)


def _addresses(host: str) -> list[str]:
    """Resolve a name: the preferred family first, then one of each in turn, so that a family that is broken costs little.

    Raises OSError for a name that has no address, and for one that can be none.
    """
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:  # a label that is empty or too long
        answers = []
    if not answers:
        raise socket.gaierror(socket.EAI_NONAME, "The name has no address")
    found = list(dict.fromkeys((info[0], info[4][0]) for info in answers))
    preferred = [address for family, address in found if family == found[0][0]]
    others = [address for family, address in found if family != found[0][0]]
    return [str(each) for each in chain(*zip_longest(preferred, others)) if each is not None]
