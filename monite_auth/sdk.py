"""Monite's official Python client, as a principal: `pip install 'monite-auth[monite]'`.

    from monite_auth.sdk import monite_client

    monite_client(broker, principal).payables.get()

Its own `token=` is called once per request, blocks the event loop in the async client, and does not notice dead tokens. So these
clients have no token of their own: the broker's httpx auth attaches token, version and entity to every request.
"""

from monite_auth.broker import TokenBroker
from monite_auth.identity import Partner, Principal

try:
    from monite import AsyncMonite, Monite
except ImportError as error:
    raise ImportError(
        "monite_auth.sdk needs Monite's own client; install it with: pip install 'monite-auth[monite]'",
        name=error.name,
    ) from error

__all__ = ["amonite_client", "monite_client"]


def monite_client(
    broker: TokenBroker, principal: Principal | Partner | None, *, entity_id: str | None = None
) -> Monite:
    """Return a `monite.Monite` that acts as the principal, or as PARTNER.

    `entity_id`: the entity that the partner acts for. A principal acts for their own entity, and needs none.
    Redirects are not followed. The client shares the broker's connections and needs no closing.
    Raises the client's own errors for what Monite answers, and `monite_auth.errors` where there is no token.
    """
    return Monite(
        base_url=broker.settings.base_url,
        monite_version=broker.settings.api_version,
        monite_entity_id=entity_id,
        httpx_client=broker.client(principal),
    )


def amonite_client(
    broker: TokenBroker, principal: Principal | Partner | None, *, entity_id: str | None = None
) -> AsyncMonite:
    """Return a `monite.AsyncMonite` for the running event loop; see `monite_client`."""
    return AsyncMonite(
        base_url=broker.settings.base_url,
        monite_version=broker.settings.api_version,
        monite_entity_id=entity_id,
        httpx_client=broker.aclient(principal),
    )
