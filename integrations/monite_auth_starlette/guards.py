"""Decorators for endpoints that only some may use. FastAPI has dependencies instead: `monite_auth_starlette.fastapi`."""

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from monite_auth import MoniteAccess
from monite_auth.rbac import Action, ObjectType, parse_permission
from monite_auth_starlette.late_sessions import load_session
from monite_auth_starlette.state import monite

__all__ = ["monite_allowed", "monite_required"]

Endpoint = Callable[[Request], Any]


def monite_required(endpoint: Endpoint) -> Endpoint:
    """Let only users in who are logged in and linked to an entity user; others get a 401 or a 403.

    `endpoint`: a function of a route, `def` or `async def`:

        @monite_required
        async def invoices(request): ...
    """

    async def check(access: MoniteAccess) -> None:
        await access.aentity_user()

    return _guarded(endpoint, check)


def monite_allowed(
    object_type: ObjectType | str, action: Action | str, *, own: bool = False
) -> Callable[[Endpoint], Endpoint]:
    """Let only users in who may do this in Monite; others get a 401 or a 403.

    `own`: it is about objects that they created themselves. Raises ValueError for a word that is not Monite's, when the
    module is imported:

        @monite_allowed("payable", "create")
        async def new_invoice(request): ...
    """
    asked = parse_permission(object_type, action)

    async def check(access: MoniteAccess) -> None:
        await access.ademand(*asked, own=own)

    return lambda endpoint: _guarded(endpoint, check)


def _guarded(endpoint: Endpoint, check: Callable[[MoniteAccess], Awaitable[None]]) -> Endpoint:
    @wraps(endpoint)
    async def guarded(request: Request) -> Any:
        await load_session(request)
        await check(monite(request))
        if inspect.iscoroutinefunction(endpoint):
            return await endpoint(request)
        return await run_in_threadpool(endpoint, request)

    return guarded
