"""Checks whether everything works from here, now; the check commands print its sentences one after the other."""

import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx

from monite_auth.broker import TokenBroker
from monite_auth.errors import ConfigurationError, EntityUserRejected, MoniteUnavailable
from monite_auth.identity import PARTNER, EntityUser, Partner, Principal
from monite_auth.monite_api import paths
from monite_auth.monite_api.answers import request_id_in
from monite_auth.monite_api.headers import entity_header
from monite_auth.monite_api.limits import named_limit
from monite_auth.outbound import unreachable

__all__ = ["Finding", "check_setup", "check_user"]

SKEW = 5.0
"""Seconds by which two clocks may differ without a word: Monite's `Date` has whole seconds, and its answer was on its way."""


class Finding(str):
    """A sentence about something that was checked.

    `name`: what that is, for programs. `facts`: what was found. `is_warning`: whether it works, and should be looked at.
    """

    name: str
    facts: dict[str, Any]
    is_warning: bool
    __slots__ = ("facts", "is_warning", "name")

    @classmethod
    def of(cls, name: str, sentence: str, *, is_warning: bool = False, **facts: Any) -> Self:
        """Return a finding."""
        found = cls(sentence)
        found.name, found.facts, found.is_warning = name, facts, is_warning
        return found


def check_setup(broker: TokenBroker) -> Iterator[Finding]:
    """Check the store and the credentials; yield a sentence for each thing that works.

    Raises StoreUnavailable, CredentialsRejected, MoniteUnavailable or RateLimited for the first that does not, and
    ConfigurationError where Monite does not take this version of its API.
    """
    settings = broker.settings
    yield Finding.of(
        "settings",
        f"Monite: {settings.base_url}, API version {settings.api_version}",
        base_url=settings.base_url,
        api_version=settings.api_version,
        client_id=settings.client_id,
    )
    broker.status("")
    if not broker.store.is_shared:
        yield Finding.of(
            "store", "Tokens: memory, and the store answers; each process has its own", kind="memory"
        )
    else:
        kind = _kind_of_store(broker)
        yield Finding.of("store", f"Tokens: {kind}, and the store answers", kind=kind)
        yield _journal(broker)
    left = broker.partner_token().expires_in
    yield Finding.of(
        "credentials",
        f"Monite accepts the client ID and secret; its tokens live {left / 60:.0f} minutes.",
        token_life=round(left),
    )
    yield from _check_answer(broker)


def _journal(broker: TokenBroker) -> Finding:
    """Say whether logouts survive when the store is down and this process ends."""
    if broker.health().is_durable:
        return Finding.of("journal", "Logouts in an outage of the store survive the process.", durable=True)
    return Finding.of(
        "journal",
        "Logouts in an outage of the store die with the process: set MONITE_JOURNAL_DIRECTORY.",
        is_warning=True,
        durable=False,
    )


def _check_answer(broker: TokenBroker) -> Iterator[Finding]:
    """Check what an ordinary answer of Monite's tells: its version, its clock, and its request limit."""
    answer = _get(broker, PARTNER, paths.ENTITIES, params={"limit": 1})
    received_at = time.time()
    if answer.status_code in (400, 422):
        raise ConfigurationError(
            f"Monite answers with {answer.status_code}. Does it know MONITE_API_VERSION {broker.settings.api_version}?",
            lead="Monite does not take an ordinary request:",
        )
    if not answer.is_success:
        raise MoniteUnavailable(
            f"Monite answered GET {paths.ENTITIES} with {answer.status_code}.",
            request_id=request_id_in(answer.headers),
        )
    yield Finding.of("api", "Monite answers in this version of its API.")
    yield _clock(answer.headers.get("date", ""), received_at)
    limit, ours = named_limit(answer.headers), broker.settings.requests_per_second
    if limit is None:
        yield Finding.of("limit", f"Monite names no request limit; {ours:g}/s is set.", named=None, set=ours)
    else:
        lower = f", and MONITE_REQUESTS_PER_SECOND is {ours:g}: Monite's counts" if limit < ours else ""
        yield Finding.of(
            "limit",
            f"Monite's request limit is {limit}/s{lower}.",
            is_warning=limit < ours,
            named=limit,
            set=ours,
        )


def _clock(date: str, received_at: float) -> Finding:
    """Compare this machine's clock with the `Date` of an answer that came at `received_at`, epoch seconds."""
    try:
        ahead = received_at - parsedate_to_datetime(date).timestamp() - 0.5  # a date has whole seconds
    except ValueError:
        return Finding.of("clock", "Monite's answer has no date, so the clocks are not compared.", ahead=None)
    if abs(ahead) <= SKEW:
        return Finding.of(
            "clock", f"This machine's clock and Monite's agree within {SKEW:.0f} s.", ahead=ahead
        )
    return Finding.of(
        "clock",
        f"This machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} Monite's. Set it by NTP.",
        is_warning=True,
        ahead=ahead,
    )


def _kind_of_store(broker: TokenBroker) -> str:
    """Return what keeps the tokens, and nothing else of its URL, which may hold a password."""
    scheme = broker.settings.store_url.partition(":")[0]
    return "a store of the application" if scheme == "memory" else scheme


def check_user(
    broker: TokenBroker, user_id: str, tenant: str | None = None, *, name: str | None = None
) -> Iterator[Finding]:
    """Check that the directory and Monite say the same about a user; yield a sentence for each thing that is right.

    `name`: what the sentences call the user, instead of the `user_id`.

    Raises NotLinked, EntityUserRejected and the other errors of TokenBroker.token; ConfigurationError if the directory's
    answer does not fit what Monite knows.
    """
    principal = Principal(
        user_id, tenant, session_id=f"check-{secrets.token_hex(8)}", authenticated_at=time.time()
    )
    found = broker.entity_user(principal)
    yield Finding.of(
        "directory",
        f"{name or user_id} is the entity user {found.entity_user_id} of the entity {found.entity_id}, says the directory.",
        entity_user_id=found.entity_user_id,
        entity_id=found.entity_id,
    )
    if broker.settings.is_monite_managed:
        _check_own_token(broker, principal, found)
        yield Finding.of("user", "Monite gives them a token, and says the same.")
    else:
        _check_as_partner(broker, found)
        known = "Monite knows them there." if found.entity_user_id else "Monite knows the entity."
        yield Finding.of("user", known)


def _check_own_token(broker: TokenBroker, principal: Principal, found: EntityUser) -> None:
    try:
        me = _id_at(broker, principal, paths.MY_ENTITY_USER)
        entity = _id_at(broker, principal, paths.MY_ENTITY)
    except EntityUserRejected as rejected:
        _refuse_swapped(broker, found, rejected)
        raise
    finally:
        if broker.settings.token_scope == "session":  # noqa: S105 - no password
            broker.logout(principal)  # nobody else will use that token
    if me != found.entity_user_id:
        raise _misfit(f"the token of entity user {found.entity_user_id} is that of {me}")
    if entity != found.entity_id:
        raise _misfit(
            f"entity user {me} works for the entity {entity}, and the directory says {found.entity_id}"
        )


def _check_as_partner(broker: TokenBroker, found: EntityUser) -> None:
    if _id_at(broker, PARTNER, paths.entity(found.entity_id)) is None:
        _refuse_swapped(broker, found, None)
        raise _misfit(f"there is no entity {found.entity_id}")
    if found.entity_user_id is not None:
        path = paths.entity_user(found.entity_user_id)
        if _id_at(broker, PARTNER, path, entity=found.entity_id) is None:
            raise _misfit(f"there is no entity user {found.entity_user_id} in the entity {found.entity_id}")


def _refuse_swapped(broker: TokenBroker, found: EntityUser, cause: Exception | None) -> None:
    """Raise if the id that should be a person's is an entity's."""
    if found.entity_user_id and _id_at(broker, PARTNER, paths.entity(found.entity_user_id)) is not None:
        raise _misfit(
            f"{found.entity_user_id} is an entity: are the two ids swapped? It is EntityUser(entity_user_id, entity_id)"
        ) from cause


def _misfit(what: str) -> ConfigurationError:
    return ConfigurationError(f"{what}.", lead="The directory's answer does not fit what Monite knows:")


def _id_at(
    broker: TokenBroker, who: Principal | Partner, path: str, *, entity: str | None = None
) -> str | None:
    """Return the id of what Monite has at a path; None for the partner where there is nothing."""
    answer = _get(broker, who, path, headers=entity_header(entity))
    if who is PARTNER and answer.status_code in (400, 404, 422):
        return None
    with suppress(ValueError, LookupError, TypeError):
        if answer.is_success:
            return str(answer.json()["id"])
    raise MoniteUnavailable(
        f"Monite answered GET {path} with {answer.status_code} and no id.",
        request_id=request_id_in(answer.headers),
    )


def _get(broker: TokenBroker, who: Principal | Partner, path: str, **options: Any) -> httpx.Response:
    """Return Monite's answer; raise MoniteUnavailable where there is none."""
    try:
        return broker.client(who).get(path, **options)
    except httpx.TransportError as error:
        raise unreachable(error, broker.settings) or error from None
