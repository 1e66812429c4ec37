"""One mint: from the claim on a slot to a token in the store, or to the reason why there is none.

Run by whoever leads the slot's flight, on behalf of all who wait. Every turn claims anew: that renews the lease,
and tells of a logout, or of another process's token, in the meantime.
"""

import logging
from collections.abc import Callable
from typing import Any

from monite_auth.engine.flights import Flight
from monite_auth.engine.pace import hold
from monite_auth.engine.runtime import Runtime
from monite_auth.engine.strays import Strays
from monite_auth.errors import (
    CredentialsRejected,
    EntityUserRejected,
    MoniteAuthError,
    MoniteUnavailable,
    NotLinked,
    ProvisioningFailed,
    RateLimited,
    SessionEnded,
    TokenTooShort,
)
from monite_auth.identity import PARTNER, Directory, EntityUser, Principal, Subject
from monite_auth.monite_api.answers import Fault
from monite_auth.monite_api.grants import read_mint
from monite_auth.monite_api.outcomes import Astray, BadCredentials, Granted, Refused, Throttled, Unusable
from monite_auth.monite_api.requests import mint_request
from monite_auth.settings import SecurityModel, Settings
from monite_auth.stores import (
    Busy,
    Claimed,
    Committed,
    Cooldown,
    CoolingDown,
    Ended,
    Hit,
    Lease,
    Priority,
    Slot,
    Ticket,
)
from monite_auth.telemetry import Telemetry
from monite_auth.tokens import AccessToken, Secret

__all__ = ["REST_AFTER_FAULT", "Mint", "token_too_short"]

log = logging.getLogger("monite_auth")

REST_AFTER_REFUSAL = 30.0
"""Seconds for which a refusal is remembered: credentials and entity users are mended by people, not by retries."""

REST_AFTER_ASTRAY = 10.0
"""Seconds for which nobody asks after something else than Monite has answered: a wrong address, which people mend, or a
gateway that is being changed, which is over soon."""

REST_AFTER_FAULT = 2.0
"""Seconds for which a slot is left alone after a whole deadline of tries, so that callers do not queue up to fail."""

FIRST_BACKOFF, LONGEST_BACKOFF = 0.2, 2.0
"""Seconds between tries, the first and the longest; halved at random: somebody is waiting."""

SHORTEST_ATTEMPT = 0.1
"""Seconds without which it is not worth asking: the answer would come too late, and its token would be lost."""

SHORTEST_USE = 0.05
"""Seconds that a new token has to be good for: who stores one that is over when it is read mints again at once, and again."""

EARLY = 0.015
"""Seconds before its moment that a waiter renews its claim: who is late wastes what nobody else can use any more."""


class Mint:
    """A mint for `slot`, for a token with `min_life` seconds left, that ends at `deadline` (epoch s)."""

    def __init__(
        self,
        rt: Runtime,
        settings: Settings,
        directory: Directory,
        telemetry: Telemetry,
        strays: Strays,
        *,
        drain_soon: Callable[[], None],
        owner: str,
        claim_poll: float,
        flight: Flight,
        slot: Slot,
        principal: Subject,
        min_life: float,
        deadline: float,
    ) -> None:
        self.left_pending = False
        """Whether a token went to the pending revocations."""
        self.rests = False
        """Whether it was an earlier failure that answered, of which somebody has been told."""
        self._rt = rt
        self._settings = settings
        self._directory = directory
        self._telemetry = telemetry
        self._strays = strays
        self._drain_soon = drain_soon
        self._owner = owner
        self._claim_poll = claim_poll
        self._flight = flight
        self._slot = slot
        self._principal = principal
        self._min_life = min_life
        self._deadline = deadline
        self._ticket: Ticket | None = None
        self._wait = 0.0
        self._failures = 0
        self._concerns_everyone = False
        self._last_fault = "no time was left to ask"

    async def run(self) -> None:
        """Return when the store has the token; raise why it has not."""
        while (lease := await self._claim()) is not None:
            try:
                # Anew under each claim: a relink may have come before it, and fences only what was claimed.
                entity_user = await self._find(self._principal) if self._principal is not PARTNER else None
                if await self._admitted() and await self._attempt(lease, entity_user):
                    return
            except GeneratorExit:  # the event loop is gone: nothing can be awaited, the lease runs out
                raise
            except BaseException as error:
                await self._rt.store.abandon(lease, _rest_after(error, everyone=self._concerns_everyone))
                raise

    async def _claim(self) -> Lease | None:
        """Return the lease to mint under, or None when there is nothing to do; wait while another process mints."""
        while True:
            asked_at = self._rt.clock()
            claim = await self._rt.store.claim(
                self._slot,
                self._principal,
                owner=self._owner,
                seconds=self._wait + self._settings.lease,
                min_life=self._min_life,
            )
            now = self._rt.clock()
            self._flight.until = now + self._wait + self._settings.lease
            match claim:
                case Claimed(lease):
                    if self._min_life <= 0:  # any token would have been a hit: so there is none
                        self._flight.empty_until = asked_at + self._settings.lease
                    return lease
                case Hit():
                    return None
                case Ended(too_old):
                    raise _session_ended(self._settings, too_old=too_old)
                case CoolingDown(retry_in, why):
                    self.rests = True
                    raise _error_of(why, retry_in)
                case Busy(retry_in):
                    if self._flight.priority is Priority.RENEWAL:
                        return None  # another process renews, and nobody waits
                    if now >= self._deadline:
                        raise MoniteUnavailable("Another process is still minting.", retry_after=retry_in)
                    await self._rt.sleep(min(retry_in, self._claim_poll))

    async def _find(self, principal: Principal) -> EntityUser:
        asked_at = self._rt.clock()
        found = await self._rt.find(self._directory, principal)
        now = self._rt.clock()
        if now >= self._deadline and now > asked_at:
            raise MoniteUnavailable(
                f"No time was left to ask Monite for a token: of the deadline of {self._settings.deadline:g} s, the "
                f"directory took {now - asked_at:.1f} s.",
                retry_after=REST_AFTER_FAULT,
            )
        if found is None:
            raise NotLinked("The directory knows no entity user for this principal; link the user to one.")
        if (
            found.entity_user_id is None
            and self._settings.security_model is not SecurityModel.PARTNER_MANAGED
        ):
            raise NotLinked(
                "The directory knows an entity for this principal, and no entity user; in the security model "
                f"{self._settings.security_model} there has to be one. ProvisioningDirectory creates it."
            )
        return found

    async def _admitted(self) -> bool:
        """Say whether to send now; else the claim wants to be renewed: for a wait, or after it."""
        if self._wait:
            wait, self._wait = self._wait - EARLY, 0.0
            await self._rt.sleep(wait)
            return False
        while True:
            patience = self._deadline - self._rt.clock()
            priority = self._flight.priority
            admission = await self._rt.store.admit(priority, self._ticket, patience=patience)
            self._ticket = admission.ticket
            if admission.admitted and admission.wait <= 0:
                # A user who has to try again has waited already, and passes the gate once more, not the queue.
                if admission.ticket is not None:
                    self._ticket = Ticket(admission.ticket.moment) if priority is Priority.USER else None
                return True
            if admission.wait > patience:
                raise RateLimited(
                    f"No request may go to Monite for the next {admission.wait:.1f} s, longer than this call may wait: "
                    f"the limit of {self._settings.requests_per_second:g} requests/s is used up, or Monite has asked "
                    "to be left alone.",
                    retry_after=admission.wait,
                )
            if admission.wait > 2 * EARLY:
                self._wait = admission.wait
                return False
            await self._rt.sleep(admission.wait)  # so short that the claim bears it

    async def _attempt(self, lease: Lease, entity_user: EntityUser | None) -> bool:
        """Ask Monite once; return whether a token is in the store now."""
        rt = self._rt
        # Where the partner decides, each principal has a partner token of their own: a logout ends it, as elsewhere.
        acts_as = entity_user if self._settings.is_monite_managed else None
        request = mint_request(self._settings, acts_as)
        sent_at = rt.clock()
        patience = self._settings.connect_timeout + self._settings.read_timeout
        # Not longer than the lease either: another process may mint when it has run out.
        within = min(patience, self._settings.lease, self._deadline - sent_at)
        answer = (
            await rt.send(request, within=within) if within >= SHORTEST_ATTEMPT else Fault(self._last_fault)
        )
        now = rt.clock()
        outcome = read_mint(request, answer, now=now, shortest_life=self._settings.expiry_margin)
        self._telemetry.minted(type(outcome).__name__.lower(), now - sent_at)
        match outcome:
            case Granted(value, life):
                token = self._token(value, life, sent_at, entity_user)
                if token.expires_in >= SHORTEST_USE:
                    return await self._store(lease, token)
                await self._throw_away(
                    token, Fault(f"a token that lives {life:g} s came too late to be used")
                )
            case Unusable(value, life, reason, request_id):
                token = self._token(value, life, sent_at, entity_user)
                await self._throw_away(token, Fault(reason, request_id))
            case BadCredentials() if self._settings.credentials.reload(refused=request.secrets[0]):
                pass  # the file has another secret by now, which is tried at once
            case BadCredentials(message, request_id):
                error = CredentialsRejected(
                    f"Monite refuses the client ID and secret (401 {message!r}). Check MONITE_CLIENT_ID and "
                    f"MONITE_CLIENT_SECRET, and that they belong to {self._settings.base_url}: sandbox and "
                    f"production have different pairs. The next try is in {REST_AFTER_REFUSAL:g} s.",
                    request_id=request_id,
                    retry_after=REST_AFTER_REFUSAL,
                )
                log.error("%s", error)
                raise error
            case Refused(status, message, request_id):
                raise self._refusal(acts_as, status, message, request_id)
            case Astray(seen, request_id):
                self._concerns_everyone = True
                raise MoniteUnavailable(
                    f"{request.url} does not answer as Monite's token endpoint does ({seen}). Check MONITE_BASE_URL, "
                    f"with its /v1, and MONITE_API_VERSION ({self._settings.api_version}), and whether a proxy or a "
                    f"firewall stands between. The next try is in {REST_AFTER_ASTRAY:g} s.",
                    request_id=request_id,
                    retry_after=REST_AFTER_ASTRAY,
                )
            case Throttled(retry_after, _):
                await hold(rt.store, max(retry_after, self._backoff()))
            case Fault():
                await self._pause(outcome)
        return False

    def _token(
        self, value: Secret, life: float, sent_at: float, entity_user: EntityUser | None
    ) -> AccessToken:
        return AccessToken.granted(
            value,
            life=life,
            sent_at=sent_at,
            jitter=self._rt.random(),
            entity_user=entity_user,
            clock=self._rt.clock,
            timing=self._settings.timing,
        )

    async def _throw_away(self, token: AccessToken, fault: Fault) -> None:
        """Have a token revoked that nobody can use, and wait before the next try."""
        self._strays.add(self._slot, token)
        self.left_pending = True
        await self._strays.hand_over(self._rt.store)
        await self._pause(fault)

    async def _store(self, lease: Lease, token: AccessToken) -> bool:
        """Put a token into the store; return whether it is the slot's now."""
        self._flight.empty_until = 0.0
        try:
            committed = await self._rt.store.commit(lease, token)
        except BaseException:  # cut off, perhaps before it was stored
            self._strays.add(self._slot, token)
            raise
        match committed:
            case Committed.STORED:
                if token.expires_in < self._min_life:
                    raise token_too_short(token, self._min_life)
                return True
            case Committed.FENCED:
                self.left_pending = True
            case Committed.DOOMED:
                self._drain_soon()  # the sooner it is revoked, the sooner there is another
                await self._pause(Fault("Monite gave a token again that is revoked, or about to be"))
        return False

    async def _pause(self, fault: Fault) -> None:
        """Wait before the next try, as long as the fault says or for a little while; raise where it would be too late."""
        self._last_fault = fault.reason
        pause = self._backoff()
        if fault.retry_after is not None:
            pause = await hold(self._rt.store, max(fault.retry_after, pause))
        if self._rt.clock() + pause >= self._deadline:
            raise MoniteUnavailable(
                f"Monite gave no token in {self._failures} tries within the deadline of "
                f"{self._settings.deadline:g} s; the last one ended with: {fault.reason}.",
                request_id=fault.request_id,
                retry_after=pause if fault.retry_after is not None else REST_AFTER_FAULT,
            )
        if fault.retry_after is None:  # else the budget makes wait
            await self._rt.sleep(pause)

    def _backoff(self) -> float:
        pause = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return pause * (0.5 + self._rt.random() / 2)

    def _refusal(
        self, entity_user: EntityUser | None, status: int, message: str, request_id: str | None
    ) -> MoniteAuthError:
        if entity_user is None:
            return CredentialsRejected(
                f"Monite refuses a partner token ({status} {message!r}). Check that {self._settings.base_url} is "
                f"Monite's API and that {self._settings.api_version} is a version that it knows.",
                request_id=request_id,
                retry_after=REST_AFTER_REFUSAL,
            )
        return EntityUserRejected(
            f"Monite refuses a token for entity user {entity_user.entity_user_id} ({status} {message!r}). Check that "
            "the user exists in Monite and is active, and what the directory says about the link.",
            monite_status=status,
            monite_message=message,
            request_id=request_id,
            retry_after=REST_AFTER_REFUSAL,
        )


def _rest_after(error: BaseException, *, everyone: bool) -> Cooldown | None:
    """Return how others should rest after this error; it must be possible to raise it again from that.

    `everyone`: whether it would be the same for all slots.
    """
    match error:
        case EntityUserRejected(monite_status=status, monite_message=said):
            seconds = error.retry_after or REST_AFTER_REFUSAL
        case ProvisioningFailed(monite_status=status, fields=fields):
            seconds, said = REST_AFTER_FAULT, " ".join(fields)  # the next may find it mended
        case CredentialsRejected() | MoniteUnavailable():
            seconds, status, said = error.retry_after or REST_AFTER_FAULT, 0, ""
        case _:
            return None
    return Cooldown(
        seconds=seconds,
        code=error.code,
        message=error.args[0],
        request_id=error.request_id,
        monite_status=status,
        monite_message=said,
        everyone=everyone or isinstance(error, CredentialsRejected),
    )


def _error_of(rest: Cooldown, retry_in: float) -> MoniteAuthError:
    """Return the error that led to this rest."""
    facts: dict[str, Any] = {"request_id": rest.request_id, "retry_after": retry_in}
    if rest.code == EntityUserRejected.code:
        facts |= {"monite_status": rest.monite_status, "monite_message": rest.monite_message}
        return EntityUserRejected(rest.message, **facts)
    if rest.code == ProvisioningFailed.code:
        facts |= {"monite_status": rest.monite_status, "fields": tuple(rest.monite_message.split())}
        return ProvisioningFailed(rest.message, **facts)
    kind = CredentialsRejected if rest.code == CredentialsRejected.code else MoniteUnavailable
    return kind(rest.message, **facts)


def _session_ended(settings: Settings, *, too_old: bool) -> SessionEnded:
    if too_old:
        return SessionEnded(
            "This session is older than the time for which endings are remembered (MONITE_SESSION_MEMORY, "
            f"{settings.session_memory:g} s), and the token store does not know it: nobody can tell any more whether it has "
            "logged out. The user has to log in again; if sessions of the application live longer, set "
            "MONITE_SESSION_MEMORY to their life."
        )
    return SessionEnded(
        "This session has ended, by a logout or together with all sessions of the user, and gets no more tokens. The user "
        "has to log in again. If they just did, the application has kept the old session: where it logs people in, call "
        "login() of request.state.monite, request.monite or current_monite, or give the new login a session_id of its own."
    )


def token_too_short(token: AccessToken, min_ttl: float) -> TokenTooShort:
    """Return the error for who asks for more life than Monite gives."""
    return TokenTooShort(
        f"A token with {min_ttl:g} s of life was asked for, but Monite's tokens live {token.life:g} s. "
        "Ask for less (min_ttl, or the setting min_browser_ttl), or ask Monite for longer tokens."
    )
