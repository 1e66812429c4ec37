"""`request.monite` and `request.amonite`."""

from typing import Any

from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, empty

from monite_auth import AccessToken, EntityUser, MoniteAccess, Principal
from monite_auth.adapter import BINDING, Visit, aend, end, is_logged_out, same_session_after_login
from monite_auth.errors import BlockingCallError
from monite_auth.rbac import Action, ObjectType, Role
from monite_auth_django.bindings import bind, session_user, unbind
from monite_auth_django.conf import conf
from monite_auth_django.current import broker
from monite_auth_django.identify import aprincipal, principal

__all__ = ["LazyMonite", "attach", "was_used"]


class RequestAccess(MoniteAccess):
    """A MoniteAccess that keeps responses with its data out of Django's caches."""

    __slots__ = ("_request",)

    def __init__(self, request: HttpRequest, principal: Principal | None, new_login: Any) -> None:
        self._request = request
        super().__init__(broker(), principal, new_login=new_login, visit=request.monite_visit)

    @property
    def was_used(self) -> bool:
        """See MoniteAccess. It stays true when somebody logs in or out within the request."""
        return was_used(self._request)

    @was_used.setter
    def was_used(self, used: bool) -> None:
        if used:
            self._request.monite_was_used = True
            # Django's cache reads this before it keeps a response; `cache_page` does so before our middleware sees it.
            self._request._cache_update_cache = False  # noqa: SLF001 - Django's own views set it, too


def was_used(request: HttpRequest) -> bool:
    """Return whether the response may depend on a token."""
    return bool(getattr(request, "monite_was_used", False))


class LazyMonite(SimpleLazyObject):
    """A MoniteAccess that finds out who is logged in when it is first used, as `request.user` does.

    Its `a…` methods do that on the event loop. Its properties (`aclient`) and its truth value cannot wait, so on an event
    loop load it first: `monite = await request.amonite()`, or the decorator `monite_required`.
    """

    def __init__(self, request: HttpRequest) -> None:
        self.__dict__["_request"] = request
        super().__init__(lambda: self._access(principal(request)))

    def _access(self, found: Principal | None) -> MoniteAccess:
        return RequestAccess(self.__dict__["_request"], self._act(found), self._new_login)

    def _act(self, found: Principal | None) -> Principal | None:
        """Note whom an `IDENTIFY` of the app's own names; otherwise the session itself notes its bindings."""
        if not conf.identifies_by_default:
            self.__dict__["_request"].monite_visit.act("identify", found)
        return found

    def _setup(self) -> None:
        try:
            super()._setup()
        except SynchronousOnlyOperation:
            raise BlockingCallError(
                "Finding out who is logged in would block the event loop here. Write "
                "`monite = await request.amonite()` and use that, or decorate the view with monite_required."
            ) from None

    async def aload(self) -> MoniteAccess:
        """Return the MoniteAccess."""
        if self._wrapped is empty:
            self._wrapped: Any = self._access(await aprincipal(self.__dict__["_request"]))
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

    def login(self) -> None:
        """See MoniteAccess."""
        if self._wrapped is empty:
            # The session names who arrived; the user who is there now is another.
            self._wrapped = self._access(None)
        end(broker, self._others(self._session))
        self._wrapped.login()

    async def alogin(self) -> None:
        """See MoniteAccess."""
        if self._wrapped is empty:
            self._wrapped = self._access(None)
        if self._session is not None:
            await self._session.aget(BINDING)  # read it, so that it is in memory
        await aend(broker, self._others(self._session))
        self.__dict__["_logged_in"] = await self._afind_new_login()
        await self._wrapped.alogin()

    async def alogout(self) -> None:
        """See MoniteAccess."""
        await (await self.aload()).alogout()

    @property
    def _session(self) -> Any:
        return getattr(self.__dict__["_request"], "session", None)

    def _others(self, session: Any) -> list[Principal]:
        """Remove the bindings from a session; return whose they were, except the principal whom this object ends itself."""
        arrived = self._wrapped.principal
        gone = [] if session is None else unbind(session)
        return [each for each in gone if is_logged_out(each, arrived)]

    def _new_login(self) -> Principal | None:
        """Return who has just logged in. For `alogin` that was found out before, by a call that can wait."""
        if "_logged_in" in self.__dict__:
            prepared: Principal | None = self.__dict__.pop("_logged_in")
            return prepared
        if conf.identifies_by_default:
            return _bound_anew(self._session)
        return self._another(principal(self.__dict__["_request"]))

    async def _afind_new_login(self) -> Principal | None:
        if conf.identifies_by_default:
            return _bound_anew(self._session)
        return self._another(await aprincipal(self.__dict__["_request"]))

    def _another(self, found: Principal | None) -> Principal | None:
        arrived = self._wrapped.principal
        if found is not None and arrived is not None and not is_logged_out(arrived, found):
            raise same_session_after_login('MONITE_AUTH["IDENTIFY"]', "monite_auth_django.identify")
        return self._act(found)


def _bound_anew(session: Any) -> Principal | None:
    user_id = None if session is None else session_user(session)
    return None if user_id is None else bind(session, user_id)


def attach(request: HttpRequest) -> None:
    """Give the request its `monite` and `amonite`, and new ones when somebody has logged in or out."""
    if not hasattr(request, "monite_visit"):
        request.monite_visit = Visit()
    request.monite = LazyMonite(request)
    request.amonite = request.monite.aload
