"""Turns facts into events."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from cachetools import TTLCache

from monite_auth.events.event import Event
from monite_auth.events.names import Names
from monite_auth.identity import Partner, Principal
from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.settings import Settings
from monite_auth.telemetry import facts
from monite_auth.telemetry.facts import Fact

__all__ = ["Recorder"]

ONCE_IN = 60.0
"""Seconds in which an outage's decision about a session is told once: a page asks for a token with every click."""

MOST_SESSIONS = 10_000
"""Sessions of which that is remembered: a megabyte."""

ENDINGS = {
    "session": "session.ended",
    "user": "user.ended",
    "relink": "user.relinked",
    "partner": "partner_token.ended",
    "token": "token.ended",
    "everything": "account.ended",
}

OWED_ENDINGS = ("end_session", "end_user", "end_everything", "relink", "revoke")
"""The operations that an auditor asks about. The others that may be owed take nothing away from anybody."""


class Recorder:
    """Makes events of what it is told, and hands each to `record`. `timer`: returns seconds from any moment on."""

    def __init__(
        self,
        settings: Settings,
        names: Names,
        record: Callable[[Event], None],
        *,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = settings.account_name
        self._names = names
        self._record = record
        self._lock = ProcessLock()
        self._told_lately: TTLCache[tuple[str, str | None], None] = TTLCache(MOST_SESSIONS, ONCE_IN, timer)

    def tell(self, fact: Fact) -> None:
        """Record a fact, if an auditor asks about it."""
        names = self._names
        match fact:
            case facts.MintTried(subject, why, _, value, life, request_id):
                self._put(
                    "mint.failed" if value is None else "token.minted",
                    subject,
                    token=names.token(value),
                    why=why,
                    request_id=request_id,
                    expires_at=None if life is None else time.time() + life,
                )
            case facts.MintCommitted(subject, ("fenced" | "doomed") as why, value):
                self._put("token.fenced", subject, token=names.token(value), why=why)
            case facts.RevocationTried(why, value, request_id):
                name = "token.revoked" if why in ("revoked", "gone") else "revocation.failed"
                self._put(name, token=names.token(value), why=why, request_id=request_id)
            case facts.TokensEnded(reach, subject, value, count):
                self._put(ENDINGS[reach], subject, token=names.token(value), count=count)
            case facts.CallRefused(subject, permission):
                self._put("call.refused", subject, why=permission)
            case facts.OutageChanged(kind, is_on):
                self._put("outage.began" if is_on else "outage.ended", why=kind)
            case facts.AnsweredInOutage(subject, is_served):
                self._put_once(
                    "session.served_in_outage" if is_served else "session.refused_in_outage", subject
                )
            case facts.EndingOwed(operation) if operation in OWED_ENDINGS:
                self._put("ending.owed", why=operation)
            case facts.SecretsChanged():
                self._put("secrets.changed")

    def dropped(self, count: int) -> Event:
        """Return the event that says that so many are missing."""
        return self._event("events.dropped", count=count)

    def _put(self, name: str, subject: Principal | str | Partner | None = None, **details: Any) -> None:
        self._record(self._event(name, **self._whose(subject), **details))

    def _put_once(self, name: str, subject: Principal | Partner) -> None:
        whose = self._whose(subject)
        key = (name, whose.get("session") or whose.get("user"))
        with self._lock:
            if key in self._told_lately:
                return
            self._told_lately[key] = None
        self._record(self._event(name, **whose))

    def _event(self, name: str, **details: Any) -> Event:
        return Event(name, time.time(), uuid4().hex, self._account, **details)

    def _whose(self, subject: Principal | str | Partner | None) -> dict[str, str | None]:
        match subject:
            case Principal(user_id, tenant, session_id):
                return {
                    "user": self._names.user(user_id),
                    "tenant": self._names.tenant(tenant),
                    "session": self._names.session(session_id),
                }
            case Partner():
                return {"user": "partner"}
            case str(user_id):
                return {"user": self._names.user(user_id)}
        return {}
