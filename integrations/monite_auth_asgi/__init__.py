"""monite-auth for every ASGI framework: Litestar, Quart, and whatever else speaks ASGI.

    app = MoniteAuthMiddleware(app, broker, identify)

Every request then has a MoniteAccess: `monite(scope)`, or `scope["state"]["monite"]`. docs/any-framework.md has recipes.
Starlette and FastAPI have a package of their own on top of this one, `monite_auth_starlette`.
"""

from monite_auth_asgi.api import api_app
from monite_auth_asgi.endpoint import token_app
from monite_auth_asgi.guards import allowed, required
from monite_auth_asgi.health import health_app
from monite_auth_asgi.identify import identify
from monite_auth_asgi.middleware import MoniteAuthMiddleware
from monite_auth_asgi.sessions import close_session, open_session
from monite_auth_asgi.state import monite

__all__ = [
    "MoniteAuthMiddleware",
    "allowed",
    "api_app",
    "close_session",
    "health_app",
    "identify",
    "monite",
    "open_session",
    "required",
    "token_app",
]
