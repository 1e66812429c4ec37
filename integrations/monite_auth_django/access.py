"""`request.monite` and `request.amonite`."""

from typing import Any

from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, empty

from monite_auth import AccessToken, EntityUser, MoniteAccess, Principal
from monite_auth.errors import BlockingCallError
from monite_auth.rbac import Action, ObjectType, Role
from monite_auth_django.current import broker
from monite_auth_django.identify import aprincipal, principal

__all__ = ["LazyMonite", "attach"]


class LazyMonite(SimpleLazyObject):
    """A MoniteAccess that finds out who is logged in when it is first used, as `request.user` does.

    Its `a…` methods ask on the event loop. What is no method (`aclient`, whether it is true) needs to know before, there:
    `monite = await request.amonite()`, or the decorator `monite_required`.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.__dict__["_request"] = request
        super().__init__(lambda: MoniteAccess(broker(), principal(request)))

    def _setup(self) -> None:
        try:
            super()._setup()
        except SynchronousOnlyOperation:
            raise BlockingCallError(
                "Finding out who is logged in would block the event loop here. Write "
                "`monite = await request.amonite()` and use that, or decorate the view with monite_required."
            ) from None

    @property
    def known_principal(self) -> Principal | None:
        """Who is logged in, if somebody has asked already."""
        return None if self._wrapped is empty else self._wrapped.principal

    async def aload(self) -> MoniteAccess:
        """Return the MoniteAccess."""
        if self._wrapped is empty:
            self._wrapped: Any = MoniteAccess(broker(), await aprincipal(self.__dict__["_request"]))
        access: MoniteAccess = self._wrapped
        return access

    async def atoken(self, *, min_ttl: float = 0) -> AccessToken:
        """See MoniteAccess."""
        return await (await self.aload()).atoken(min_ttl=min_ttl)

    async def aheaders(self) -> dict[str, str]:
        """See MoniteAccess."""
        return await (await self.aload()).aheaders()

    async def aentity_user(self) -> EntityUser:
        """See MoniteAccess."""
        return await (await self.aload()).aentity_user()

    async def arole(self) -> Role:
        """See MoniteAccess."""
        return await (await self.aload()).arole()

    async def acan(self, object_type: ObjectType | str, action: Action | str, *, own: bool = False) -> bool:
        """See MoniteAccess."""
        return await (await self.aload()).acan(object_type, action, own=own)

    async def ademand(
        self, object_type: ObjectType | str, action: Action | str, *, own: bool = False
    ) -> None:
        """See MoniteAccess."""
        await (await self.aload()).ademand(object_type, action, own=own)

    async def alogout(self) -> None:
        """See MoniteAccess."""
        await (await self.aload()).alogout()


def attach(request: HttpRequest) -> None:
    """Give the request its `monite` and `amonite`; anew, when somebody has logged in or out."""
    request.monite = LazyMonite(request)
    request.amonite = request.monite.aload
