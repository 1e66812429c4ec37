"""The MoniteAccess of a request."""

from starlette.requests import HTTPConnection

from monite_auth import MoniteAccess
from monite_auth_asgi import monite as monite_in

__all__ = ["monite"]


def monite(connection: HTTPConnection) -> MoniteAccess:
    """Return the request's MoniteAccess; raises ConfigurationError if the middleware is missing."""
    return monite_in(connection.scope)
