"""What a person may do, by their role in Monite: read once per token, and kept for a short while."""

import threading
from typing import Any

from cachetools import TLRUCache

from monite_auth.engine.api_client import ApiClient
from monite_auth.engine.runtime import Runtime
from monite_auth.engine.token_flow import TokenFlow
from monite_auth.errors import InvalidRole, MoniteUnavailable, NotLinked, NotPermitted
from monite_auth.identity import Principal
from monite_auth.monite_api import paths
from monite_auth.monite_api.answers import Response, json_of, quotable, request_id_of
from monite_auth.monite_api.requests import Call
from monite_auth.rbac import Role
from monite_auth.settings import Settings
from monite_auth.stores import Slot
from monite_auth.tokens import AccessToken, Clock

__all__ = ["Roles"]

MOST = 10_000
"""Roles that are kept: a few megabytes. The role of somebody who comes back after so many others is read again."""

FAILED = "The principal's role in Monite could not be read"


class Roles:
    """The roles of one broker's principals, by the tokens that they were read with."""

    def __init__(self, settings: Settings, tokens: TokenFlow, clock: Clock) -> None:
        self._settings = settings
        self._tokens = tokens
        self._lock = threading.Lock()
        self._kept: TLRUCache[tuple[Slot, str], tuple[Role, float]] = TLRUCache(
            MOST, ttu=lambda _key, kept, _now: kept[1], timer=clock
        )

    async def role(self, runtime: Runtime, principal: Principal) -> Role:
        """Return the principal's role.

        Raises NotLinked for somebody who is no entity user, NotPermitted where Monite refuses, RateLimited,
        MoniteUnavailable, and what `token()` raises.
        """
        api = ApiClient(runtime, self._settings, self._tokens, principal)
        token = await self._tokens.token(runtime, principal, until=api.until)
        slot = self._tokens.slot(principal)
        with self._lock:
            kept = self._kept.get((slot, token.fingerprint))
        if kept is not None:
            return kept[0]
        asked_at = runtime.clock()
        while True:
            answer = await self._read(api, token)
            asked_for, token = token.entity_user, api.token or token  # a dead one was exchanged on the way
            if token.entity_user == asked_for:
                break  # else the principal was linked to another entity user meanwhile, whose role is another
        role = _role(answer)
        until = min(token.expires_at, asked_at + self._settings.role_ttl)
        with self._lock:
            self._kept[slot, token.fingerprint] = role, until
        return role

    async def _read(self, api: ApiClient, token: AccessToken) -> Response:
        if self._settings.is_monite_managed:
            return await api.send(Call("GET", paths.MY_ROLE), failed=FAILED)
        person = token.entity_user.entity_user_id if token.entity_user is not None else None
        if person is None:
            raise NotLinked(
                "This principal is no entity user, so there is no role in Monite; ask can(), which asks authorize."
            )
        answer = await api.send(Call("GET", paths.entity_user(person)), failed=FAILED)
        found = json_of(answer)
        if answer.status != 200 or not isinstance(found, dict):
            return answer
        return await api.send(Call("GET", paths.role(str(found.get("role_id")))), failed=FAILED)


def _role(answer: Response) -> Role:
    """Return the role that an answer holds, or raise what it says instead."""
    request_id = request_id_of(answer)
    if answer.status >= 500:
        raise MoniteUnavailable(f"{FAILED}: status {answer.status}.", request_id=request_id)
    if answer.status != 200:
        raise NotPermitted(
            f"{FAILED}: Monite refuses ({answer.status} {quotable(answer)!r}). Has the entity user a role?",
            request_id=request_id,
        )
    found: Any = json_of(answer)
    try:
        return Role.from_json(found)
    except InvalidRole as error:
        raise MoniteUnavailable(f"{FAILED}: {error}", request_id=request_id) from None
