"""The FastAPI application: the API behind the gate, the control endpoints and the live page."""

from collections import Counter
from collections.abc import Iterable

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import from_json
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from monite_auth.emulator.answers import errors
from monite_auth.emulator.api import file_content
from monite_auth.emulator.control import endpoints, live_page, reference, state
from monite_auth.emulator.gateway.gate import OWN_HEADERS, Gate
from monite_auth.emulator.gateway.guard import Guard, checked_hosts
from monite_auth.emulator.gateway.visit import is_api
from monite_auth.emulator.state.monite import Monite

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def create_app(monite: Monite | None = None, *, hosts: Iterable[str] = ()) -> FastAPI:
    """Return an ASGI app that serves the state `monite`. None stands for a new one, with the seed data.

    `hosts` are host names to answer for, besides those that no stranger can own: see gateway/guard.py.

    Raises:
        ValueError: no request would ever be for one of `hosts`.

    """
    hosts = checked_hosts(hosts)
    monite = monite or Monite()
    app = FastAPI(title="Monite emulator", openapi_url=None, redirect_slashes=False)
    app.state.monite = monite
    app.add_middleware(Gate, monite=monite)
    app.add_middleware(_ApiForPages)
    app.add_middleware(Guard, hosts=hosts)  # the last one stands in front
    errors.install(app)
    strict = [Depends(_whole_json), Depends(_known_query)]
    app.include_router(endpoints.router, dependencies=strict)
    app.include_router(state.router, dependencies=strict)
    app.include_router(live_page.router)
    app.include_router(reference.router)
    app.include_router(file_content.router)
    return app


async def _whole_json(request: Request) -> None:
    """Refuse a body with half a surrogate pair, as Monite's side does: Python reads it, and no answer can hold it."""
    body = await request.body()
    try:
        from_json(body or b"null")
    except ValueError as error:
        complaint = {"loc": ("body",), "msg": f"Invalid JSON: {error}", "type": "json_invalid"}
        raise RequestValidationError([complaint]) from None


async def _known_query(request: Request) -> None:
    """Refuse a parameter that the endpoint does not have, or that stands there twice: it would be ignored."""
    known = [each.alias for each in request.scope["route"].dependant.query_params]
    sentence = (
        f"There is no such parameter here, but {', '.join(known)}"
        if known
        else "There are no parameters here"
    )
    complaints = []
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            complaints.append({"loc": ("query", name), "msg": sentence, "type": "extra_forbidden"})
        elif count > 1:
            one = "This parameter has one value"
            complaints.append({"loc": ("query", name), "msg": one, "type": "multiple_values"})
    if complaints:
        raise RequestValidationError(complaints)


class _ApiForPages(CORSMiddleware):
    """Lets pages of any origin call the API, as Monite's browser SDK does: a token is needed anyway, and is no cookie.

    It stands before the gate, so that asking for permission costs nothing of the limit. The control endpoints are for no page but
    the emulator's own.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, ["*"], METHODS, ["*"], expose_headers=OWN_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (super().__call__ if is_api(scope) else self.app)(scope, receive, send)
