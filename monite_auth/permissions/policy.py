"""The security models where the application decides: it is asked about each call before the call is sent.

In `partner_managed` and `mixed`, calls carry a partner token, which is root over every entity. So a call is refused if the
application does not allow it, if it names another entity, or if the table of calls does not know it.
"""

import asyncio
from collections.abc import Awaitable, Callable

from monite_auth.engine.mint_errors import slow_function
from monite_auth.errors import ConfigurationError, NoTokenToGive, NotPermitted
from monite_auth.functions import AppFunction
from monite_auth.identity import EntityUser, Principal
from monite_auth.rbac import Action, ObjectType, RequiredPermission, permission_for
from monite_auth.settings import SecurityModel, Settings
from monite_auth.telemetry import Telemetry
from monite_auth.telemetry.facts import CallRefused

__all__ = ["Authorize", "Policy"]

Authorize = Callable[[Principal, ObjectType, Action], Awaitable[bool] | bool]
"""The application's function: it returns whether the principal may do this to objects of this type."""


class Policy:
    """The rules for calls of principals in one security model."""

    def __init__(
        self, settings: Settings, authorize: Authorize | AppFunction[bool] | None, telemetry: Telemetry
    ) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._model = SecurityModel(settings.security_model)
        self.is_needed = self._model is not SecurityModel.MONITE_MANAGED
        """Whether calls of principals have to be allowed here."""
        self._authorize = (
            authorize
            if authorize is None or isinstance(authorize, AppFunction)
            else AppFunction("authorize", authorize)
        )
        if settings.is_monite_managed and authorize is not None:
            raise ConfigurationError(
                "authorize is given, but in the security model monite_managed it is never asked, because Monite enforces "
                "roles: set security_model (MONITE_SECURITY_MODEL) to partner_managed or mixed, or leave it out."
            )

    def refuse_to_give_tokens(self) -> None:
        """Raise NoTokenToGive in the models where a principal's token is a partner token."""
        if self.is_needed:
            raise NoTokenToGive(
                f"In the security model {self._model} calls carry a partner token, root over every entity, so no "
                "principal and no browser is given one. Make calls with client(principal) or auth(principal), which "
                "ask authorize first."
            )

    def check(self, principal: Principal, method: str, path: str) -> RequiredPermission:
        """Return the permission that a call needs; raise NotPermitted unless the application allows it.

        `path`: that of the API, without the base URL.
        """
        needed = _known(method, path)
        if not self.allows(principal, needed.object_type, needed.action):
            raise self._refusal(principal, needed)
        return needed

    async def acheck(self, principal: Principal, method: str, path: str) -> RequiredPermission:
        """Return the permission that a call needs; see `check`."""
        needed = _known(method, path)
        if not await self.aallows(principal, needed.object_type, needed.action):
            raise self._refusal(principal, needed)
        return needed

    def allows(self, principal: Principal, object_type: ObjectType, action: Action) -> bool:
        """Return the application's decision."""
        return _decision(self._function().call(principal, object_type, action))

    async def aallows(self, principal: Principal, object_type: ObjectType, action: Action) -> bool:
        """Return the application's decision; see `allows`. Raises MoniteUnavailable if it takes longer than the deadline."""
        limit = asyncio.timeout(self._settings.deadline)
        try:
            async with limit:
                answer = await self._function().acall(principal, object_type, action)
        except TimeoutError:
            if limit.expired():
                raise slow_function(self._settings, "authorize", self._settings.deadline) from None
            raise
        return _decision(answer)

    def check_entity(self, entity_user: EntityUser | None, *named: str | None) -> None:
        """Raise NotPermitted if a call names an entity that is not the principal's: with a partner token, Monite allows it."""
        own = entity_user.entity_id if entity_user is not None else None
        if any(name is not None and name.lower() != own for name in named):
            raise NotPermitted(
                "This call is for another entity than the principal's; only the partner itself may make it: "
                "client(PARTNER)."
            )

    def _refusal(self, principal: Principal, needed: RequiredPermission) -> NotPermitted:
        self._telemetry.tell(CallRefused(principal, f"{needed.object_type}.{needed.action}"))
        return NotPermitted(
            f"authorize does not allow this principal to {needed.action} objects of type {needed.object_type}."
        )

    def _function(self) -> AppFunction[bool]:
        if self._authorize is None:
            raise NotPermitted(
                f"In the security model {self._model} Monite checks nothing beyond the entity, so each call has to be "
                "allowed by the application, which has given no authorize: give TokenBroker an "
                "authorize(principal, object_type, action) that returns True for what the principal may do."
            )
        return self._authorize


def _known(method: str, path: str) -> RequiredPermission:
    needed = permission_for(method, path)
    if needed is None:
        raise NotPermitted(
            f"{method} {path} is no call that authorize can be asked about: it belongs to none of Monite's object "
            "types, or it is for the partner. Only the partner itself may make it: client(PARTNER)."
        )
    return needed


def _decision(answer: object) -> bool:
    """Return the application's answer. Anything but True and False is an error, so that it never counts as a yes."""
    if not isinstance(answer, bool):
        raise ConfigurationError(f"authorize returned {type(answer).__name__}: it has to be True or False.")
    return answer
