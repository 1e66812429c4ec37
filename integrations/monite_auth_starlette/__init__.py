"""monite-auth for Starlette and FastAPI.

    app.add_middleware(MoniteAuthMiddleware, broker=broker)
    app.add_middleware(SessionMiddleware, secret_key=…)   # added after, so that it is outside
    app.mount("/monite", monite_app())

Every request then has `request.state.monite`, a MoniteAccess. FastAPI's dependencies are in
`monite_auth_starlette.fastapi`.
"""

from monite_auth.adapter import missing_framework

try:
    import starlette as _starlette
except ImportError as error:
    raise missing_framework(
        "monite_auth_starlette", "Starlette", "'monite-auth[starlette]'", error
    ) from error

from monite_auth_starlette.endpoint import monite_app
from monite_auth_starlette.guards import monite_allowed, monite_required
from monite_auth_starlette.identify import identify
from monite_auth_starlette.middleware import MoniteAuthMiddleware
from monite_auth_starlette.refusals import forward
from monite_auth_starlette.state import monite

del _starlette

__all__ = [
    "MoniteAuthMiddleware",
    "forward",
    "identify",
    "monite",
    "monite_allowed",
    "monite_app",
    "monite_required",
]
