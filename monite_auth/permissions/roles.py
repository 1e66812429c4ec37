"""What a person may do, by their role in Monite: asked for once per token, and kept for a short while."""

import threading
from typing import Any

from cachetools import TLRUCache

from monite_auth.engine.flows import Flows
from monite_auth.engine.pace import hold, turn
from monite_auth.engine.runtime import Runtime
from monite_auth.errors import (
    InvalidRole,
    MoniteUnavailable,
    NotLinked,
    NotPermitted,
    RateLimited,
)
from monite_auth.identity import Principal
from monite_auth.monite_api.wire import (
    Fault,
    Request,
    Response,
    json_of,
    names_dead_token,
    quotable,
    request_id_of,
    retry_after,
    speaks_of_dead_token,
)
from monite_auth.outbound import monite_headers
from monite_auth.rbac import Role
from monite_auth.settings import Settings
from monite_auth.stores import Priority, Slot
from monite_auth.tokens import AccessToken, Clock

__all__ = ["Roles"]

MOST = 10_000
"""Roles that are kept; who comes back after that many others is asked about anew."""

SENTENCE = "The principal's role in Monite could not be read"


class Roles:
    """The roles of one broker's principals, by the tokens that they were read with."""

    def __init__(self, settings: Settings, flows: Flows, clock: Clock) -> None:
        self._settings = settings
        self._flows = flows
        self._lock = threading.Lock()
        self._kept: TLRUCache[tuple[Slot, str], tuple[Role, float]] = TLRUCache(
            MOST, ttu=lambda _key, kept, _now: kept[1], timer=clock
        )

    async def role(self, rt: Runtime, principal: Principal) -> Role:
        """Return the principal's role."""
        token = await self._flows.token(rt, principal)
        slot = self._flows.slot(principal)
        with self._lock:
            kept = self._kept.get((slot, token.fingerprint))
        if kept is not None:
            return kept[0]
        asked_at = rt.clock()
        answer = await self._read(rt, token)
        if _is_refused(answer):
            certain = names_dead_token(answer.status, answer.body)
            if await self._flows.exchange(rt, principal, token, certain=certain):
                token = await self._flows.token(rt, principal)
                answer = await self._read(rt, token)
                await self._flows.exchanged(rt, principal, helped=not _is_refused(answer))
        role = _role(answer)
        until = min(token.expires_at, asked_at + self._settings.role_ttl)
        with self._lock:
            self._kept[slot, token.fingerprint] = role, until
        return role

    async def _read(self, rt: Runtime, token: AccessToken) -> Response:
        if self._settings.is_monite_managed:
            return await self._get(rt, token, "/entity_users/my_role")
        person = token.entity_user.entity_user_id if token.entity_user is not None else None
        if person is None:
            raise NotLinked(
                "This principal is no entity user, so there is no role in Monite; ask can(), which asks authorize."
            )
        answer = await self._get(rt, token, f"/entity_users/{person}")
        found = json_of(answer)
        if answer.status != 200 or not isinstance(found, dict):
            return answer
        return await self._get(rt, token, f"/roles/{found.get('role_id')}")

    async def _get(self, rt: Runtime, token: AccessToken, path: str) -> Response:
        until = rt.clock() + self._settings.deadline
        wait = await turn(rt, Priority.USER, until=until)
        if wait:
            raise RateLimited(f"{SENTENCE}: the budget of requests to Monite is used up.", retry_after=wait)
        request = Request("GET", self._settings.base_url + path, monite_headers(self._settings, token))
        answer = await rt.send(request, within=self._settings.connect_timeout + self._settings.read_timeout)
        if isinstance(answer, Fault):
            raise MoniteUnavailable(f"{SENTENCE}: {answer.reason}.", request_id=answer.request_id)
        asked_for = answer.headers.get("retry-after")
        if answer.status == 429 or (answer.status >= 500 and asked_for is not None):
            pause = await hold(rt.store, retry_after(asked_for, now=rt.clock()))
            if answer.status == 429:
                raise RateLimited(f"{SENTENCE}: Monite's request limit is reached.", retry_after=pause)
        return answer


def _is_refused(answer: Response) -> bool:
    return speaks_of_dead_token(answer.status, answer.body)


def _role(answer: Response) -> Role:
    """Return the role that an answer holds, or raise what it says instead."""
    request_id = request_id_of(answer)
    if answer.status >= 500:
        raise MoniteUnavailable(f"{SENTENCE}: status {answer.status}.", request_id=request_id)
    if answer.status != 200:
        raise NotPermitted(
            f"{SENTENCE}: Monite refuses ({answer.status} {quotable(answer)!r}). Has the entity user a role?",
            request_id=request_id,
        )
    found: Any = json_of(answer)
    try:
        return Role.from_json(found)
    except InvalidRole as error:
        raise MoniteUnavailable(f"{SENTENCE}: {error}", request_id=request_id) from None
