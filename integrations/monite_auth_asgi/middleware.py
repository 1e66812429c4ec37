"""The middleware: Monite's access on every request, errors as answers, and a logout that nobody has to remember."""

from monite_auth.adapter import error_to_answer, is_on_event_loop, refuse
from monite_auth.broker import TokenBroker
from monite_auth.errors import ConfigurationError, MoniteAuthError
from monite_auth_asgi.answers import accept_of, close_code, send_answer
from monite_auth_asgi.identify import identify
from monite_auth_asgi.outlet import Outlet
from monite_auth_asgi.types import ASGIApp, Receive, Scope, Send
from monite_auth_asgi.visit import ConnectionVisit, Identify

__all__ = ["MoniteAuthMiddleware"]


class MoniteAuthMiddleware:
    """Put a MoniteAccess at `scope["state"]["monite"]`, for http and websocket; everything else passes untouched.

    `identify`: returns who is logged in, from the scope as it came in; `def` or `async def`. It is asked when a request
    comes in, and again when the response starts, or when the request ends without one. If the principal has gone, or is
    another one, the one that came in is logged out of Monite. It may raise NotLoggedIn or NotPermitted to refuse a request;
    NotLoggedIn at the end is a logout.

    The default reads `scope["user"]` and `scope["session"]`. For users of several organizations, say which one is
    active: `lambda scope: identify(scope, tenant=scope["session"].get("organization"))`.

    An error of monite-auth that the app lets through becomes an answer with its status. Frameworks that catch every
    exception answer 500 themselves; such an answer is replaced if the MoniteAccess has raised an error before it.
    """

    def __init__(self, app: ASGIApp, broker: TokenBroker, identify: Identify = identify) -> None:
        self.app = app
        self.broker = broker
        self._identify = identify
        self._is_prepared = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI)."""
        if not self._is_prepared:
            check_event_loop()
            self.prepare(scope)
            self._is_prepared = True
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        visit = self.visit_of(scope)
        outlet = Outlet(receive, send, visit, self._settle)
        try:
            try:
                await visit.begin()
            except self.refusals as refusal:
                await self.answer(refusal, visit, receive, send)
            else:
                await self.app(visit.scope, outlet.receive, outlet.send)
                if outlet.held:
                    await self._settle(outlet)
        except Exception as raised:
            error = self.unwrapped(raised)
            if outlet.started or error_to_answer(error, self.broker.settings) is None:
                await outlet.release()
                if error is raised:
                    raise
                raise error from error.__cause__
            await self._answer_after(outlet, error)
        finally:
            await visit.end()

    # -- what a framework of its own may do otherwise

    refusals: tuple[type[Exception], ...] = ()
    """The framework's exceptions by which `identify` may refuse a request."""

    def prepare(self, scope: Scope) -> None:
        """Do what can only be done when the first connection is there, or the lifespan."""

    def visit_of(self, scope: Scope) -> ConnectionVisit:
        """Return the visit of a connection that comes in."""
        return ConnectionVisit(self.broker, self._identify, scope)

    def replaces_errors(self, visit: ConnectionVisit) -> bool:  # noqa: ARG002 - of a subclass
        """Return whether an answer with status 500 that follows an error of ours is taken to be about it."""
        return True

    def unwrapped(self, error: Exception) -> Exception:
        """Return the exception that the app raised, where the framework has wrapped it."""
        return error

    async def answer(self, error: Exception, visit: ConnectionVisit, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer an error of ours; raise it on if it has no answer."""
        ours = error_to_answer(error, self.broker.settings)
        if ours is None:
            raise error
        answer = refuse(ours, accept=accept_of(visit.scope))
        if visit.scope["type"] == "websocket":
            reason = ours.public_message
            await send({"type": "websocket.close", "code": close_code(answer.status), "reason": reason})
        else:
            await send_answer(answer, send)

    # -- errors

    async def _settle(self, outlet: Outlet) -> None:
        """Send the app's answer that is held back, or ours if it is about an error of ours."""
        visit = outlet.visit
        failure = visit.failure if outlet.holds_back and self.replaces_errors(visit) else None
        if failure is None or error_to_answer(failure, self.broker.settings) is None:
            await outlet.release()
        else:
            outlet.discard()
            await self._answer_after(outlet, failure)

    async def _answer_after(self, outlet: Outlet, error: Exception) -> None:
        try:
            await outlet.visit.compare()
        except MoniteAuthError as failed:  # of the app's `identify`
            error = failed
        await self.answer(error, outlet.visit, outlet.receive_outside, outlet.send_outside)


def check_event_loop() -> None:
    """Raise ConfigurationError on trio, where nothing of ours works."""
    if not is_on_event_loop():
        raise ConfigurationError(
            "MoniteAuthMiddleware needs asyncio's event loop, or uvloop, and this server runs the app on another kind, such as "
            "trio. Start it on asyncio: hypercorn --worker-class asyncio, or TestClient(app, backend='asyncio')."
        )
