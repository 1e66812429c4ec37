"""An application's calls to Monite's API: the token attached, and exchanged once when Monite says that it is dead.

Tokens stay home: they go to the configured origin only. Nothing here knows the broker; any `TokenSource` will do.

| module | has |
|---|---|
| `token_source` | where the tokens of calls come from |
| `auth`, `httpx2_auth` | the auth objects for the two HTTP libraries |
| `pools` | connections that all clients of a broker share |
| `failures` | what a call that broke off, or was turned away, means |

The names below are public; the modules are private. (`httpx2_auth` needs an extra; `TokenBroker.httpx2_auth` imports it.)
"""

from monite_auth.monite_api.requests import Call
from monite_auth.outbound.auth import BrokerAuth
from monite_auth.outbound.failures import BROKEN, retry_after, unreachable
from monite_auth.outbound.pools import Pools
from monite_auth.outbound.token_source import TokenSource

__all__ = ["BROKEN", "BrokerAuth", "Call", "Pools", "TokenSource", "retry_after", "unreachable"]
