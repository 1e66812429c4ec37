"""Checks whether everything works from here, now; the check commands print its sentences one after the other."""

import secrets
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx

from monite_auth.broker import TokenBroker
from monite_auth.errors import ConfigurationError, EntityUserRejected, MoniteUnavailable
from monite_auth.identity import PARTNER, EntityUser, Partner, Principal
from monite_auth.monite_api import paths
from monite_auth.monite_api.answers import request_id_in
from monite_auth.monite_api.headers import entity_header
from monite_auth.outbound import unreachable

__all__ = ["check_setup", "check_user"]


def check_setup(broker: TokenBroker) -> Iterator[str]:
    """Check the store and the credentials; yield a sentence for each thing that works.

    Raises StoreUnavailable, CredentialsRejected, MoniteUnavailable or RateLimited for the first that does not.
    """
    settings = broker.settings
    yield f"Monite: {settings.base_url}, API version {settings.api_version}"
    broker.status("")
    if not broker.store.is_shared:
        yield "Tokens: memory, and the store answers; each process has its own"
    else:
        yield f"Tokens: {_kind_of_store(broker)}, and the store answers"
    left = broker.partner_token().expires_in
    yield f"Monite accepts the client ID and secret; its tokens live {left / 60:.0f} minutes."


def _kind_of_store(broker: TokenBroker) -> str:
    """Return what keeps the tokens, and nothing else of its URL, which may hold a password."""
    scheme = broker.settings.store_url.partition(":")[0]
    return "a store of the application" if scheme == "memory" else scheme


def check_user(broker: TokenBroker, user_id: str, tenant: str | None = None) -> Iterator[str]:
    """Check that the directory and Monite say the same about a user; yield a sentence for each thing that is right.

    Raises NotLinked, EntityUserRejected and the other errors of TokenBroker.token; ConfigurationError if the directory's
    answer does not fit what Monite knows.
    """
    principal = Principal(
        user_id, tenant, session_id=f"check-{secrets.token_hex(8)}", authenticated_at=time.time()
    )
    found = broker.entity_user(principal)
    yield f"{user_id} is the entity user {found.entity_user_id} of the entity {found.entity_id}, says the directory."
    if broker.settings.is_monite_managed:
        _check_own_token(broker, principal, found)
        yield "Monite gives them a token, and says the same."
    else:
        _check_as_partner(broker, found)
        yield "Monite knows them there." if found.entity_user_id else "Monite knows the entity."


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
    try:
        answer = broker.client(who).get(path, headers=entity_header(entity))
    except httpx.TransportError as error:
        raise unreachable(error, broker.settings) or error from None
    if who is PARTNER and answer.status_code in (400, 404, 422):
        return None
    with suppress(ValueError, LookupError, TypeError):
        if answer.is_success:
            return str(answer.json()["id"])
    raise MoniteUnavailable(
        f"Monite answered GET {path} with {answer.status_code} and no id.",
        request_id=request_id_in(answer.headers),
    )
