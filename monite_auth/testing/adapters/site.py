"""What the contract asks of an adapter's site, and the browser that asks. No framework is known here."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from monite_auth.broker import TokenBroker
from monite_auth.emulator import (
    ANNA_AT_BOOKS_ID,
    ANNA_AT_TEA_ID,
    ANNA_ID,
    BAKERY_ID,
    BOOKS_ID,
    TEA_ID,
    VIKTOR_ID,
)
from monite_auth.identity import EntityUser
from monite_auth.monite_api.environments import API_VERSION
from monite_auth.monite_api.headers import VERSION

__all__ = [
    "CALL",
    "DIRECTORY",
    "ORGANIZATIONS",
    "PARTNER_ORIGIN",
    "PEOPLE",
    "STRANGER",
    "Answer",
    "Browser",
    "Client",
    "Site",
]


PEOPLE = {"anna": EntityUser(ANNA_ID, BAKERY_ID), "viktor": EntityUser(VIKTOR_ID, BAKERY_ID)}
"""The users who are linked. A site has one user more, the STRANGER."""

ORGANIZATIONS = {
    "bakery": EntityUser(ANNA_ID, BAKERY_ID),
    "books": EntityUser(ANNA_AT_BOOKS_ID, BOOKS_ID),
    "tea": EntityUser(ANNA_AT_TEA_ID, TEA_ID),
}
"""The organizations that Anna works for, in a site that has tenants."""

DIRECTORY: Mapping[Any, EntityUser] = {
    **PEOPLE,
    **{("anna", tenant): entity_user for tenant, entity_user in ORGANIZATIONS.items()},
}
"""The directory of a site."""

STRANGER = "stranger"
"""A user of the site whom nobody has linked to an entity user."""

PARTNER_ORIGIN = "https://pages.example"
"""The one other origin whose pages may have tokens."""


CALL = {VERSION: API_VERSION, "sec-fetch-site": "same-origin", "accept": "application/json"}
"""The headers of a call of Monite's SDK, in a page of the site."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def refusal(self) -> tuple[int, str]:
        """The status and the code of an error."""
        return self.status, self.json["error"]["code"]


class Client(Protocol):
    """One cookie jar of a framework's own test client."""

    def send(self, method: str, page: str, *, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """Ask for a page by its name."""
        ...

    def call(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """Call Monite's API where the site serves it: "payables?limit=1". Follow no redirect, and unpack nothing."""
        ...

    @property
    def cookie(self) -> str:
        """The session's cookie."""
        ...

    @cookie.setter
    def cookie(self, value: str | None) -> None: ...


class Site(Protocol):
    """An app that uses the adapter. Each of its pages answers 200 where nothing else is said.

    | page           | method    | does                                                                                |
    | -------------- | --------- | ----------------------------------------------------------------------------------- |
    | `login`        | POST      | empties the session, and puts the user there whom the query names: `user=anna`      |
    | `switch`       | POST      | puts that user into the session, and leaves the rest of it                          |
    | `logout`       | POST      | logs out by the framework's means, and answers "out"                                |
    | `me`           | GET       | passes on what Monite answers to `client.get("/entity_users/me")`: JSON and status  |
    | `organization` | POST      | puts the query's `organization` into the session, the active tenant in some sites   |
    | `work`         | GET       | `{"headers": …, "role": …, "may": …}`, from `headers()`, `role().name` and `can()`; |
    |                |           | `may` has the keys "create", "delete" and "delete own", all of a payable            |
    | `required`     | GET       | stands behind the adapter's guard for users who are logged in and linked            |
    | `create`       | POST      | posts `{"document_id": "X-1"}` to Monite's "/payables", and passes its JSON on;     |
    |                |           | stands behind the adapter's guard for ("payable", "create")                         |
    | `token`        | GET, POST | is the adapter's token endpoint; PARTNER_ORIGIN is another origin                   |

    A site of pages without tokens serves Monite's API, too, beside the token endpoint; then there is no other origin.
    """

    origin: str
    """The site's own origin, as its client calls it: "http://testserver"."""

    old_cookie: str
    """The code of the 401 for a cookie that comes back after its logout: "session_ended", or "not_logged_in" where the
    server keeps the sessions."""

    @property
    def broker(self) -> TokenBroker:
        """The site's broker."""
        ...

    def client(self) -> Client:
        """Return a client with a cookie jar of its own."""
        ...

    def user_id(self, name: str) -> str:
        """Return the principal's user_id for a user of this name."""
        ...

    def sessions_expired(self) -> AbstractContextManager[None]:
        """Make every session that has begun before look expired, within the block."""
        ...


@dataclass
class Browser:
    """Somebody's browser at a site."""

    site: Site
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.site.client()

    def login(self, user: str, *, page: str = "login") -> None:
        answer = self._send("POST", page, {"user": user})
        assert answer.status == 200, answer.text

    def switch(self, user: str) -> None:
        self.login(user, page="switch")

    def logout(self) -> Answer:
        return self._send("POST", "logout")

    def work_for(self, organization: str) -> None:
        answer = self._send("POST", "organization", {"organization": organization})
        assert answer.status == 200, answer.text

    def work(self) -> Answer:
        return self._send("GET", "work")

    def required(self) -> Answer:
        return self._send("GET", "required")

    def create(self) -> Answer:
        return self._send("POST", "create")

    def me(self, **headers: str) -> Answer:
        return self._send("GET", "me", headers=headers)

    def token(self, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> Answer:
        return self._send(method, "token", headers=headers)

    def call(self, method: str, path: str, body: bytes = b"", *, headers: Mapping[str, str] = CALL) -> Answer:
        """Call Monite's API as a page of the site does; headers may be other ones."""
        return self.client.call(method, path, headers=headers, body=body)

    def is_user(self, entity_user_id: str) -> bool:
        """Say whether Monite takes the visitor for that entity user."""
        answer = self.me()
        return answer.status == 200 and answer.json["id"] == entity_user_id

    def _send(
        self,
        method: str,
        page: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return self.client.send(method, page, query=query or {}, headers=headers or {})
