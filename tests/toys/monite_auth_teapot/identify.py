"""Who is logged in, by Teapot's own means: `session["user_id"]`."""

from monite_auth import Principal
from monite_auth.adapter import bind_principal
from tests.toys.teapot import Request

__all__ = ["identify"]


def identify(request: Request, *, tenant: str | None = None) -> Principal | None:
    """Return who is logged in, or None; `tenant`: which of the user's organizations is active."""
    return bind_principal(request.session, request.session.get("user_id"), tenant=tenant)
