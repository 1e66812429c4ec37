"""Requests to Monite, built. They hold secrets and personal data, which do not print."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from monite_auth.identity import PARTNER, EntityUser, Partner
from monite_auth.monite_api import paths
from monite_auth.monite_api.headers import VERSION, call_headers
from monite_auth.tokens import AccessToken, Secret

__all__ = ["Account", "Call", "Request", "call_request", "mint_request", "revoke_request"]

LONGEST_ANSWER = 64 * 1024
"""Bytes that are read of an answer about a token, which has a few hundred."""

LONGEST_PAGE = 8 * 1024 * 1024
"""Bytes that are read of any other answer. The longest is a page of 100 roles with all their permissions, about 1 MB."""


class Account(Protocol):
    """Who asks, and where: a partner's client at one of Monite's environments. `Settings` is one."""

    @property
    def client_id(self) -> str:
        """The client ID."""

    @property
    def secret(self) -> Secret:
        """The client secret as it is right now."""

    @property
    def base_url(self) -> str:
        """The API's address, `/v1` included."""

    @property
    def api_version(self) -> str:
        """The version of the API, a date."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """One request to Monite; `body` is JSON. Body and headers hold secrets and do not print."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: Secret = field(default_factory=lambda: Secret(""))
    secrets: tuple[Secret, ...] = ()
    """What an answer must not be quoted with: some servers repeat what they were sent. The client secret is the first."""
    longest_answer: int = LONGEST_ANSWER
    """Bytes that are read of the answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call of the API, before it has a token: what it says of a person does not print.

    `path`: without the base URL. `entity_id`: the entity that the call names, if it names one.
    """

    method: str
    path: str
    entity_id: str | None = None
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


def mint_request(account: Account, acts_as: EntityUser | Partner) -> Request:
    """Ask for the token of an entity user, or for the partner token.

    Raises ValueError for somebody whom Monite does not know: nobody is the partner by mistake.
    """
    if acts_as is PARTNER:
        return _with_credentials(account, paths.TOKEN, {"grant_type": "client_credentials"})
    if acts_as.entity_user_id is None:
        raise ValueError("Somebody who is no entity user has no token.")
    body = {"grant_type": "entity_user", "entity_user_id": acts_as.entity_user_id}
    return _with_credentials(account, paths.TOKEN, body)


def revoke_request(account: Account, token: Secret) -> Request:
    """Ask to revoke `token`. The specification wants a bearer besides: the token itself is the one at hand."""
    return _with_credentials(account, paths.REVOKE, {"token": token.reveal()}, token)


def call_request(account: Account, token: AccessToken, call: Call) -> Request:
    """Send `call` with `token`, for the entity that it names, or else for that of the token's entity user."""
    headers = {"Accept": "application/json", **call_headers(account.api_version, token, call.entity_id)}
    if call.body:
        headers["Content-Type"] = "application/json"
    return Request(
        method=call.method,
        url=account.base_url + call.path + (f"?{urlencode(call.query)}" if call.query else ""),
        headers=headers,
        body=Secret(json.dumps(dict(call.body)) if call.body else ""),
        secrets=(token.value,),
        longest_answer=LONGEST_PAGE,
    )


def _with_credentials(
    account: Account, path: str, body: dict[str, str], token: Secret | None = None
) -> Request:
    secret = account.secret  # once: it may be another one a moment later
    credentials = {"client_id": account.client_id, "client_secret": secret.reveal()}
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        VERSION: account.api_version,
    }
    if token is not None:
        headers["Authorization"] = f"Bearer {token.reveal()}"
    return Request(
        method="POST",
        url=account.base_url + path,
        headers=headers,
        body=Secret(json.dumps({**credentials, **body})),
        secrets=(secret, token) if token is not None else (secret,),
    )
