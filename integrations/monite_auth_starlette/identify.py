"""Who is logged in, by Starlette's own means: `scope["user"]` and `scope["session"]`."""

from starlette.requests import HTTPConnection

from monite_auth import Principal
from monite_auth_asgi.identify import identify as identify_scope

__all__ = ["identify"]


def identify(connection: HTTPConnection, *, tenant: str | None = None) -> Principal | None:
    """Return who is logged in, or None.

    That is `scope["user"]`, if an AuthenticationMiddleware says so (its `identity`, or else its `display_name`), or else
    the `user_id` in the session.

    `tenant`: which of the user's organizations is active. An app with tenants wraps this function:

        def identify_with_tenant(connection):
            return identify(connection, tenant=connection.session.get("organization"))
    """
    return identify_scope(connection.scope, tenant=tenant)
