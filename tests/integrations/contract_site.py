"""What the contract asks of an adapter, and the browser that asks. No framework is known here."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from monite_auth import EntityUser, MemoryStore, TokenBroker, errors
from monite_auth.emulator import (
    ANNA_AT_BOOKS_ID,
    ANNA_AT_TEA_ID,
    ANNA_ID,
    BAKERY_ID,
    BOOKS_ID,
    TEA_ID,
    VIKTOR_ID,
)
from monite_auth.stores.memory.operations import MemoryOperations


class StoreWithoutLogouts(MemoryStore):
    """A memory that can record no logout."""

    def __init__(self):
        super().__init__(make_operations=OperationsWithoutLogouts)


class OperationsWithoutLogouts(MemoryOperations):
    async def end_session(self, principal):
        raise errors.StoreUnavailable("The store does not answer; this logout is not recorded.")


Form = Literal["sync", "async"]
"""Whether an app's views are `def` or `async def`."""

PEOPLE = {"anna": EntityUser(ANNA_ID, BAKERY_ID), "viktor": EntityUser(VIKTOR_ID, BAKERY_ID)}
"""Who is linked. A site knows one user more, the stranger."""

ORGANIZATIONS = {
    "bakery": EntityUser(ANNA_ID, BAKERY_ID),
    "books": EntityUser(ANNA_AT_BOOKS_ID, BOOKS_ID),
    "tea": EntityUser(ANNA_AT_TEA_ID, TEA_ID),
}
"""Whom Anna works for, where a site has tenants."""

DIRECTORY: Mapping[Any, EntityUser] = {
    **PEOPLE,
    **{("anna", tenant): entity_user for tenant, entity_user in ORGANIZATIONS.items()},
}

STRANGER = "stranger"

PARTNER_ORIGIN = "https://pages.example"
"""The one other origin whose pages may have tokens."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def refusal(self) -> tuple[int, str]:
        """The status and the code of an error."""
        return self.status, self.json["error"]["code"]


class Client(Protocol):
    """One cookie jar of a framework's own test client."""

    def send(
        self, method: str, page: str, *, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer: ...

    @property
    def cookie(self) -> str:
        """The session's cookie."""
        ...

    @cookie.setter
    def cookie(self, value: str | None) -> None: ...


class Site(Protocol):
    """An app of one adapter, with views of one form.

    Its pages: `login` empties the session and puts a user there, `switch` puts one there and leaves the rest, `logout` is
    the framework's; `me` asks Monite who the user is, by the request's client; `token` is the endpoint for browsers.

    `organization` puts a name into the session, which is the active tenant where the site has tenants; `work` says for whom
    the user works now and what they may do there; `required` is for users who are logged in and linked;
    `create` has an invoice created, by those who are allowed to.
    """

    origin: str
    old_cookie: str
    """The code of the 401 for a cookie that comes back after its logout."""

    @property
    def broker(self) -> TokenBroker: ...

    def client(self) -> Client:
        """Return a client with a cookie jar of its own."""
        ...

    def user_id(self, name: str) -> str:
        """Return how the adapter calls a user to the broker."""
        ...

    def sessions_expired(self) -> AbstractContextManager[None]:
        """Let so much time pass that every session which has begun before is over."""
        ...


SiteOf = Callable[..., AbstractContextManager[Site]]
"""`site_of(settings, form, tenants=False, authorize=None)`: whether the app's `identify` says which tenant is active, and
what the app has to say about its users where Monite does not decide."""


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
