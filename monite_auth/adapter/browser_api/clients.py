"""The HTTP clients that all calls of a process share: one for threads, and one for event loops.

Each call says whose token it carries, so a client is nobody's. It keeps no cookie of Monite's, which would go out with the next
person's call.
"""

from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from monite_auth.broker import TokenBroker
from monite_auth.processes.lifetimes import PerProcess

__all__ = ["SharedClients"]


class SharedClients:
    """The clients of one process. Another broker, as in a test, gets others."""

    def __init__(self) -> None:
        self._of_threads: PerProcess[dict[TokenBroker, httpx.Client]] = PerProcess(dict)
        self._of_loops: PerProcess[dict[TokenBroker, httpx.AsyncClient]] = PerProcess(dict)

    def client(self, broker: TokenBroker) -> httpx.Client:
        """Return the client for threads. Without an `auth` of the call's own it raises NotLoggedIn."""
        here = self._of_threads()
        found = here.get(broker)
        if found is None:
            here.clear()
            found = here[broker] = broker.client(None, cookies=_no_cookies())
        return found

    def aclient(self, broker: TokenBroker) -> httpx.AsyncClient:
        """Return the client for event loops; see `client`."""
        here = self._of_loops()
        found = here.get(broker)
        if found is None:
            here.clear()
            found = here[broker] = broker.aclient(None, cookies=_no_cookies())
        return found


def _no_cookies() -> CookieJar:
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))
