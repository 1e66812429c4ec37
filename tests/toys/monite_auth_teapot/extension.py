"""The extension: what happens to each request at its beginning, at its end, and when it fails."""

from collections.abc import Callable

from monite_auth import MoniteAccess, Principal, TokenBroker
from monite_auth.adapter import (
    BINDING,
    Visit,
    begin,
    bound_principal,
    checked_principal,
    end,
    error_to_answer,
    is_made_while_sent,
    private_headers,
    refuse,
)
from tests.toys.monite_auth_teapot.answers import as_response
from tests.toys.monite_auth_teapot.identify import identify
from tests.toys.monite_auth_teapot.state import keep, monite, visit_of
from tests.toys.teapot import Request, Response, Teapot

__all__ = ["MoniteAuth"]


class MoniteAuth:
    """Monite access tokens for a Teapot app. `identify`: returns who is logged in, from a request."""

    def __init__(
        self, app: Teapot, broker: TokenBroker, identify: Callable[[Request], Principal | None] = identify
    ) -> None:
        self.broker = broker
        self._identify = identify
        app.before.append(self._arrive)
        app.after.append(self._leave)
        app.on_error.append(self._answer)

    def _arrive(self, request: Request) -> None:
        visit = Visit()
        visit.arrive("session", bound_principal(request.session))
        principal = self._ask(request)
        visit.arrive("identify", principal)
        keep(
            request, MoniteAccess(self.broker, principal, visit=visit, new_login=self._login(request)), visit
        )

    def _leave(self, request: Request, response: Response) -> None:
        access, visit = monite(request), visit_of(request)
        current = self._ask(request)
        visit.act("identify", access.principal)
        gone = visit.leave("identify", current) + visit.leave("session", bound_principal(request.session))
        end(lambda: self.broker, gone)
        if current is not None and visit.has_begun(current):
            begin(lambda: self.broker, current)
        if access.was_used or (access and is_made_while_sent(response.headers)):
            said = response.headers
            said.update(private_headers(said.get("Cache-Control", ""), said.get("Vary", "")))

    def _answer(self, request: Request, error: Exception) -> Response | None:
        ours = error_to_answer(error, self.broker.settings)
        return None if ours is None else as_response(refuse(ours, accept=request.headers.get("accept", "")))

    def _ask(self, request: Request) -> Principal | None:
        return checked_principal(self._identify(request))

    def _login(self, request: Request) -> Callable[[], Principal | None]:
        def new_login() -> Principal | None:
            request.session.pop(BINDING, None)
            return self._ask(request)

        return new_login
