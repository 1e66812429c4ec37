"""The headers that calls to Monite carry, and those of its answers that this package reads."""

from monite_auth.tokens import AccessToken

__all__ = [
    "DATE",
    "ENTITY_ID",
    "LIMIT",
    "LIMIT_PER_SECOND",
    "POLICY",
    "REQUEST_ID",
    "RETRY_AFTER",
    "VERSION",
    "call_headers",
    "entity_header",
]

VERSION = "x-monite-version"
"""The version of the API that a call is written for, a date."""

ENTITY_ID = "x-monite-entity-id"
"""The entity that a call is for."""

REQUEST_ID = "x-request-id"
"""What Monite calls a request, to quote to its support."""

DATE = "date"
"""When an answer was made, by its server's clock (RFC 9110, section 6.6.1)."""

RETRY_AFTER = "retry-after"
"""When to send again (RFC 9110, section 10.2.3). Monite sends it with a 429."""

LIMIT_PER_SECOND = "x-ratelimit-limit-second"
"""How many requests a second Monite allows."""

LIMIT = "ratelimit-limit"
"""The same, where it says no other window (draft-ietf-httpapi-ratelimit-headers, up to 06)."""

POLICY = "ratelimit-policy"
"""A list of limits, each for a window of its own (the same draft, from 07 on)."""


def call_headers(api_version: str, token: AccessToken, entity_id: str | None = None) -> dict[str, str]:
    """Return the headers of a call: `Authorization`, the version, and the entity where there is one.

    `entity_id`: the entity that the call names; without one, it is that of the token's entity user.
    """
    headers = {"Authorization": token.authorization, VERSION: api_version}
    entity_user = token.entity_user
    return headers | entity_header(entity_id or (entity_user.entity_id if entity_user is not None else None))


def entity_header(entity_id: str | None) -> dict[str, str]:
    """Return the header that names an entity; nothing for None."""
    return {ENTITY_ID: entity_id} if entity_id is not None else {}
