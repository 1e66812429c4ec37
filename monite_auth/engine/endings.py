"""Logins, and the endings of tokens: a logout, the end of a user, a relink, a revocation, the end of everything.

An ending is one operation of the store. The tokens that it takes away are revoked in the background; where settings say so, it
tries for a moment to do that itself, since some servers freeze between requests.
"""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass

from monite_auth.engine.background import log_failure
from monite_auth.engine.drain import LEASE, PAUSE, Drainer, DrainReport
from monite_auth.engine.revocation_epoch import RevocationEpoch
from monite_auth.engine.runtime import Closed, Runtime
from monite_auth.errors import StoreUnavailable
from monite_auth.identity import PARTNER, Principal, Subject
from monite_auth.telemetry.facts import TokensEnded
from monite_auth.tokens import AccessToken

__all__ = ["EndReport", "Endings", "UserStatus"]

log = logging.getLogger("monite_auth")


@dataclass(frozen=True, slots=True)
class UserStatus:
    """What the store has of a user.

    `live`: how many tokens are handed out, over all tenants and sessions; `expires_at`: when the last of them expires,
    epoch seconds; `pending`: how many revocations are pending in the whole store, of all users.
    """

    live: int
    expires_at: float | None
    pending: int


@dataclass(frozen=True, slots=True)
class EndReport:
    """What came of ending everything of an account.

    `sessions`: how many known sessions were ended; `tokens`: how many tokens were taken away; `drained`: what has been
    revoked of them so far. `is_owed`: the token store is down, and is told as soon as it is back. Everything has ended in this
    process, and the counts are only of that.
    """

    sessions: int
    tokens: int
    drained: DrainReport
    is_owed: bool = False

    def __str__(self) -> str:
        """Say it in one line."""
        where = (
            " in this process (the token store is down, and is told as soon as it is back)"
            if self.is_owed
            else ""
        )
        return f"ended {self.sessions} sessions and {self.tokens} tokens{where}; {self.drained}"


class Endings:
    """The beginnings and endings that one process tells the store of. All methods but `login` raise StoreUnavailable.

    `revoke_within`: for how many seconds an ending tries to revoke what it takes away, before it leaves that to the background.
    """

    def __init__(self, drainer: Drainer, epoch: RevocationEpoch, *, revoke_within: float) -> None:
        self._drainer = drainer
        self._epoch = epoch
        self._revoke_within = revoke_within
        self._has_warned = False

    async def login(self, runtime: Runtime, principal: Principal) -> None:
        """Have the store know a session from its beginning."""
        try:
            await runtime.store.begin_session(principal)
        except StoreUnavailable as error:  # the date in the principal has to do
            log.warning("A login could not be recorded; the session is judged by its date. %s", error)

    async def logout(self, runtime: Runtime, principal: Principal) -> None:
        """End the principal's session; its tokens are revoked in the background."""
        if not principal.can_end and not self._has_warned:
            self._has_warned = True
            log.warning(
                "A logout cannot be final: the principal has neither a session_id nor authenticated_at, so its next call looks "
                "like a new login and gets a token. Give Principal one of them (of a JWT: its sid, or auth_time); "
                "MONITE_REQUIRE_SESSIONS=true refuses principals without. This is said once per process."
            )
        await self._end(runtime, "session", principal, runtime.store.end_session(principal))

    async def end_user(self, runtime: Runtime, user_id: str, *, ago: float = 0.0) -> None:
        """End all sessions of a user, `ago` seconds ago: those that have begun since go on."""
        await self._end(runtime, "user", user_id, runtime.store.end_user(user_id, ago=ago))

    async def relink(self, runtime: Runtime, user_id: str) -> None:
        """Take away the tokens of a user whose entity user has changed."""
        await self._end(runtime, "relink", user_id, runtime.store.relink(user_id))

    async def end_partner_token(self, runtime: Runtime) -> None:
        """Take away the partner token."""
        await self._end(runtime, "partner", PARTNER, runtime.store.relink(PARTNER))

    async def revoke(self, runtime: Runtime, token: AccessToken) -> None:
        """Take away one token, whoever has it."""
        with self._epoch.ending():
            await runtime.store.revoke(token)
        runtime.telemetry.tell(TokensEnded("token", value=token.value))
        await self._revoke_pending(runtime)

    async def end_everything(self, runtime: Runtime, *, within: float) -> EndReport:
        """End all sessions of all users, and revoke all tokens of the account, for `within` seconds at the most."""
        with self._epoch.ending():
            everything = await runtime.store.end_everything()
        runtime.telemetry.tell(TokensEnded("everything", pending=everything.tokens))
        drained = await self._drainer.drain_and_join(runtime, within=within)
        if drained.next_in is not None or everything.is_owed:  # it goes on although nobody comes
            self._drainer.start(runtime)
        return EndReport(everything.sessions, everything.tokens, drained, everything.is_owed)

    async def status(self, runtime: Runtime, user_id: str) -> UserStatus:
        """Say what the store has of a user."""
        status = await runtime.store.status(user_id)
        return UserStatus(status.live, status.expires_at, await runtime.store.backlog())

    async def _end(
        self, runtime: Runtime, reach: str, subject: Subject | str, ending: Awaitable[int]
    ) -> None:
        with self._epoch.ending():
            pending = await ending
        runtime.telemetry.tell(TokensEnded(reach, subject, pending=pending))
        if pending:
            await self._revoke_pending(runtime)

    async def _revoke_pending(self, runtime: Runtime) -> None:
        """Have what is pending revoked, in the background unless it can be done at once; never raise."""
        try:
            if self._revoke_within and await self._drain_at_once(runtime):
                return
        except GeneratorExit:  # nothing can be begun
            raise
        except BaseException:  # cancelled
            self._drainer.start(runtime)
            raise
        if runtime.has_background or not self._revoke_within:  # else it would be tried here, once more
            self._drainer.start(runtime)

    async def _drain_at_once(self, runtime: Runtime) -> bool:
        """Drain for the moment that settings allow, and say whether nothing is left."""
        until = runtime.clock() + self._revoke_within
        try:
            while True:
                report = await self._drainer.drain(runtime, within=until - runtime.clock())
                if report.next_in is None:
                    return True
                # A drain in the background may be at it, and must not be frozen in the middle.
                if report.next_in > LEASE or runtime.clock() + PAUSE >= until:
                    return False
                await runtime.sleep(PAUSE)
        except Closed:
            return False
        except Exception as error:  # noqa: BLE001 - an ending does not fail because of Monite
            log_failure(error)
            return False
