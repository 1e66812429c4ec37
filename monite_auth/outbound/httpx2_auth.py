"""The auth object of an application's httpx2 client: each library accepts only subclasses of its own `Auth`."""

from monite_auth.outbound.auth import TokenAuth

try:
    import httpx2
except ImportError as error:
    raise ImportError(
        "httpx2_auth needs httpx2; install it with: pip install 'monite-auth[httpx2]'", name="httpx2"
    ) from error

__all__ = ["Httpx2BrokerAuth"]


class Httpx2BrokerAuth(TokenAuth, httpx2.Auth):
    """BrokerAuth for `httpx2.Client` and `httpx2.AsyncClient`."""
