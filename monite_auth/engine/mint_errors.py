"""The errors that a mint ends with, and the cooldowns that tell others of them.

A failure is remembered in the store for a while, so that callers do not queue up to fail: `cooldown_after` turns an error
into a cooldown, and `error_after` turns that into the same error in another process.
"""

from typing import Any

from monite_auth.errors import (
    CredentialsRejected,
    EntityUserRejected,
    MoniteAuthError,
    MoniteUnavailable,
    ProvisioningFailed,
    SessionEnded,
    TokenTooShort,
)
from monite_auth.identity import PARTNER, EntityUser, Partner
from monite_auth.settings import Settings
from monite_auth.stores import Cooldown
from monite_auth.tokens import AccessToken

__all__ = [
    "COOLDOWN_AFTER_FAULT",
    "COOLDOWN_AFTER_REFUSAL",
    "COOLDOWN_AFTER_STRAY_ANSWER",
    "cooldown_after",
    "credentials_rejected",
    "error_after",
    "refusal",
    "session_ended",
    "slow_function",
    "token_too_short",
    "wrong_endpoint",
]

COOLDOWN_AFTER_REFUSAL = 30.0
"""Seconds for which a refusal is remembered: credentials and entity users are mended by people, not by retries."""

COOLDOWN_AFTER_STRAY_ANSWER = 10.0
"""Seconds for which nobody asks after something else than Monite has answered: a wrong address, which people mend, or a
gateway that is being changed, which is over soon."""

COOLDOWN_AFTER_FAULT = 2.0
"""Seconds for which a slot is left alone after a whole deadline of tries, so that callers do not queue up to fail."""


def credentials_rejected(settings: Settings, message: str, request_id: str | None) -> CredentialsRejected:
    """Return the error for a 401 of the token endpoint."""
    return CredentialsRejected(
        f"Monite refuses the client ID and secret (401 {message!r}). Check MONITE_CLIENT_ID and "
        f"MONITE_CLIENT_SECRET, and that they belong to {settings.base_url}: sandbox and "
        f"production have different pairs. The next try is in {COOLDOWN_AFTER_REFUSAL:g} s.",
        request_id=request_id,
        retry_after=COOLDOWN_AFTER_REFUSAL,
    )


def refusal(
    settings: Settings, acts_as: EntityUser | Partner, status: int, message: str, request_id: str | None
) -> MoniteAuthError:
    """Return the error for another 4xx, of a token for `acts_as`."""
    if acts_as is PARTNER:
        return CredentialsRejected(
            f"Monite refuses a partner token ({status} {message!r}). Check that {settings.base_url} is "
            f"Monite's API and that {settings.api_version} is a version that it knows.",
            request_id=request_id,
            retry_after=COOLDOWN_AFTER_REFUSAL,
        )
    return EntityUserRejected(
        f"Monite refuses a token for entity user {acts_as.entity_user_id} ({status} {message!r}). Check that "
        "the user exists in Monite and is active, and what the directory says about the link.",
        monite_status=status,
        monite_message=message,
        request_id=request_id,
        retry_after=COOLDOWN_AFTER_REFUSAL,
    )


def wrong_endpoint(settings: Settings, url: str, seen: str, request_id: str | None) -> MoniteUnavailable:
    """Return the error for an answer that is not of Monite's token endpoint; `seen` says what it was."""
    return MoniteUnavailable(
        f"{url} does not answer as Monite's token endpoint does ({seen}). Check MONITE_BASE_URL, "
        f"with its /v1, and MONITE_API_VERSION ({settings.api_version}), and whether a proxy or a "
        f"firewall stands between. The next try is in {COOLDOWN_AFTER_STRAY_ANSWER:g} s.",
        request_id=request_id,
        retry_after=COOLDOWN_AFTER_STRAY_ANSWER,
    )


def cooldown_after(error: BaseException, *, everyone: bool) -> Cooldown | None:
    """Return how long others should not try after this error, or None if they may. `error_after` can raise it again.

    `everyone`: whether the error would be the same for all slots.
    """
    match error:
        case EntityUserRejected(monite_status=status, monite_message=said):
            seconds = error.retry_after or COOLDOWN_AFTER_REFUSAL
        case ProvisioningFailed(monite_status=status, fields=fields):
            seconds, said = COOLDOWN_AFTER_FAULT, " ".join(fields)  # the next may find it mended
        case CredentialsRejected() | MoniteUnavailable():
            seconds, status, said = error.retry_after or COOLDOWN_AFTER_FAULT, 0, ""
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


def error_after(cooldown: Cooldown, retry_in: float) -> MoniteAuthError:
    """Return the error that led to this cooldown, which ends in `retry_in` seconds."""
    facts: dict[str, Any] = {"request_id": cooldown.request_id, "retry_after": retry_in}
    if cooldown.code == EntityUserRejected.code:
        facts |= {"monite_status": cooldown.monite_status, "monite_message": cooldown.monite_message}
        return EntityUserRejected(cooldown.message, **facts)
    if cooldown.code == ProvisioningFailed.code:
        facts |= {"monite_status": cooldown.monite_status, "fields": tuple(cooldown.monite_message.split())}
        return ProvisioningFailed(cooldown.message, **facts)
    kind = CredentialsRejected if cooldown.code == CredentialsRejected.code else MoniteUnavailable
    return kind(cooldown.message, **facts)


def slow_function(settings: Settings, name: str, took: float) -> MoniteUnavailable:
    """Return the error for a call whose time a function of the application has used up; `took`: seconds."""
    return MoniteUnavailable(
        f"No time was left to ask Monite for a token: of the deadline of {settings.deadline:g} s, {name} took "
        f"{took:.1f} s.",
        retry_after=COOLDOWN_AFTER_FAULT,
    )


def session_ended(settings: Settings, *, too_old: bool) -> SessionEnded:
    """Return the error for a session that gets no more tokens; `too_old`: the store no longer knows whether it ended."""
    if too_old:
        return SessionEnded(
            "This session is older than the time for which endings are remembered (MONITE_SESSION_MEMORY, "
            f"{settings.session_memory:,.10g} s), and the token store does not know it: nobody can tell any more whether it has "
            "logged out. The user has to log in again; if sessions of the application live longer, set "
            "MONITE_SESSION_MEMORY to their life."
        )
    return SessionEnded(
        "This session has ended, by a logout or together with all sessions of the user, and gets no more tokens. The user "
        "has to log in again. If they just did, the application has kept the old session: where it logs people in, call "
        "login() of request.state.monite, request.monite or current_monite, or give the new login a session_id of its own."
    )


def token_too_short(token: AccessToken, min_ttl: float) -> TokenTooShort:
    """Return the error for a caller that asks for more life than Monite's tokens have."""
    return TokenTooShort(
        f"A token with {min_ttl:g} s of life was asked for, but Monite's tokens live {token.life:g} s. "
        "Ask for less (min_ttl, or MONITE_MIN_BROWSER_TTL for a browser), or ask Monite for longer tokens."
    )
