"""The auth object of an application's httpx2 client: each library accepts only subclasses of its own `Auth`."""

import httpx2

from monite_auth.outbound.auth import TokenAuth

__all__ = ["Httpx2BrokerAuth"]


class Httpx2BrokerAuth(TokenAuth, httpx2.Auth):
    """BrokerAuth for `httpx2.Client` and `httpx2.AsyncClient`."""
