"""Who may do what, where Monite does not decide: each call asks the application before it is sent.

In the security models `partner_managed` and `mixed` calls carry a partner token, root over every entity. So nothing
goes out that the application has not allowed, that names another entity, or that nobody here can tell what it does.
"""

from collections.abc import Awaitable, Callable

from monite_auth.errors import ConfigurationError, NoTokenToGive, NotPermitted
from monite_auth.functions import AppFunction
from monite_auth.identity import EntityUser, Principal
from monite_auth.rbac import Action, ObjectType, RequiredPermission, permission_for
from monite_auth.settings import SecurityModel, Settings

__all__ = ["Authorize", "Policy"]

Authorize = Callable[[Principal, ObjectType, Action], Awaitable[bool] | bool]
"""What an application answers: whether the principal may do this to objects of this type."""


class Policy:
    """The rules for calls of principals in one security model."""

    def __init__(self, settings: Settings, authorize: Authorize | AppFunction[bool] | None) -> None:
        self._model = SecurityModel(settings.security_model)
        self._authorize = (
            authorize
            if authorize is None or isinstance(authorize, AppFunction)
            else AppFunction("authorize", authorize)
        )
        if settings.is_monite_managed and authorize is not None:
            raise ConfigurationError(
                "authorize is given, but in the security model monite_managed Monite enforces roles and nobody would "
                "ask it: set security_model (MONITE_SECURITY_MODEL) to partner_managed or mixed, or leave it out."
            )

    @property
    def is_needed(self) -> bool:
        """Whether calls of principals have to be allowed here."""
        return self._model is not SecurityModel.MONITE_MANAGED

    def refuse_to_give_tokens(self) -> None:
        """Raise NoTokenToGive where the token would be a partner's."""
        if self.is_needed:
            raise NoTokenToGive(
                f"In the security model {self._model} calls carry a partner token, root over every entity, so no "
                "principal is handed one, and no browser. Make calls with client(principal) or auth(principal), which "
                "ask authorize first."
            )

    def check(self, principal: Principal, method: str, path: str) -> RequiredPermission:
        """Return what a call asks for; raise NotPermitted unless the application allows it. `path` is the API's."""
        asked = _known(method, path)
        if not self.allows(principal, asked.object_type, asked.action):
            raise _refusal(asked)
        return asked

    async def acheck(self, principal: Principal, method: str, path: str) -> RequiredPermission:
        """Return what a call asks for, if the application allows it; see `check`."""
        asked = _known(method, path)
        if not await self.aallows(principal, asked.object_type, asked.action):
            raise _refusal(asked)
        return asked

    def allows(self, principal: Principal, object_type: ObjectType, action: Action) -> bool:
        """Ask the application."""
        return _verdict(self._function().call(principal, object_type, action))

    async def aallows(self, principal: Principal, object_type: ObjectType, action: Action) -> bool:
        """Ask the application."""
        return _verdict(await self._function().acall(principal, object_type, action))

    def check_entity(self, entity_user: EntityUser | None, *named: str | None) -> None:
        """Raise NotPermitted if a call names an entity that is not the principal's: Monite would not mind."""
        own = entity_user.entity_id if entity_user is not None else None
        if any(name is not None and name.lower() != own for name in named):
            raise NotPermitted(
                "This call is for another entity than the principal's; only the partner itself may make it: "
                "client(PARTNER)."
            )

    def _function(self) -> AppFunction[bool]:
        if self._authorize is None:
            raise NotPermitted(
                f"In the security model {self._model} Monite checks nothing beyond the entity, so each call has to be "
                "allowed by the application, and there is nothing to ask: give TokenBroker an "
                "authorize(principal, object_type, action) that returns True for what the principal may do."
            )
        return self._authorize


def _known(method: str, path: str) -> RequiredPermission:
    asked = permission_for(method, path)
    if asked is None:
        raise NotPermitted(
            f"{method} {path} is no call that authorize could be asked about: it belongs to none of Monite's object "
            "types, or is the partner's business; only the partner itself may make it: client(PARTNER)."
        )
    return asked


def _verdict(answer: object) -> bool:
    """Return the application's answer; whatever is neither True nor False must not pass for a yes."""
    if not isinstance(answer, bool):
        raise ConfigurationError(f"authorize returned {type(answer).__name__}: it has to be True or False.")
    return answer


def _refusal(asked: RequiredPermission) -> NotPermitted:
    return NotPermitted(
        f"authorize does not allow this principal to {asked.action} objects of type {asked.object_type}."
    )
