"""The auth object of an application's httpx client: it attaches the token, and sends a refused call once more."""

import time
from collections.abc import AsyncGenerator, Generator
from typing import Any

import httpx

from monite_auth.errors import BodySpent
from monite_auth.identity import Subject
from monite_auth.monite_api.answers import Response
from monite_auth.monite_api.dead_tokens import may_be_about_token, names_dead_token, speaks_of_dead_token
from monite_auth.monite_api.headers import ENTITY_ID, call_headers
from monite_auth.monite_api.limits import named_limit
from monite_auth.monite_api.pauses import requested_pause
from monite_auth.monite_api.requests import Call
from monite_auth.outbound.origin import origin_of, parsed_base
from monite_auth.outbound.token_source import TokenSource
from monite_auth.tokens import AccessToken

__all__ = ["BrokerAuth", "TokenAuth"]


class TokenAuth:
    """The flow of both auth classes; requests and responses of the two libraries differ by name only."""

    def __init__(self, source: TokenSource, principal: Subject | None, *, budget: bool = False) -> None:
        self._source = source
        self._principal = principal
        self._budget = budget
        self._base = parsed_base(source.settings.base_url)
        self._home = origin_of(self._base)

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """See httpx.Auth."""
        if origin_of(request.url) != self._home:
            yield request
            return
        call = self._call(request)
        token = self._source.token_for_call(self._principal, call, budget=self._budget)
        response = yield self._attach(request, token)
        if self._asks_for_less(response):
            self._source.heed(response.status_code, response.headers, budget=self._budget)
        if self._may_be_refused(response):
            response.read()
        if not self._is_refused(response):
            return
        certain = names_dead_token(response.status_code, response.content)
        if not self._source.exchange(self._principal, token, certain=certain):
            return
        _rewind(request)
        token = self._source.token_for_call(self._principal, call, budget=self._budget)
        response = yield self._attach(request, token)
        if self._asks_for_less(response):
            self._source.heed(response.status_code, response.headers, budget=self._budget)
        if self._may_be_refused(response):
            response.read()
        self._source.exchanged(self._principal, helped=not self._is_refused(response))

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """See httpx.Auth."""
        if origin_of(request.url) != self._home:
            yield request
            return
        call = self._call(request)
        token = await self._source.atoken_for_call(self._principal, call, budget=self._budget)
        response = yield self._attach(request, token)
        if self._asks_for_less(response):
            await self._source.aheed(response.status_code, response.headers, budget=self._budget)
        if self._may_be_refused(response):
            await response.aread()
        if not self._is_refused(response):
            return
        certain = names_dead_token(response.status_code, response.content)
        if not await self._source.aexchange(self._principal, token, certain=certain):
            return
        _rewind(request)
        token = await self._source.atoken_for_call(self._principal, call, budget=self._budget)
        response = yield self._attach(request, token)
        if self._asks_for_less(response):
            await self._source.aheed(response.status_code, response.headers, budget=self._budget)
        if self._may_be_refused(response):
            await response.aread()
        await self._source.aexchanged(self._principal, helped=not self._is_refused(response))

    def _call(self, request: Any) -> Call:
        """Return the call that a request makes. Its path is the one that is sent: escapes stay as they are."""
        path = request.url.raw_path.partition(b"?")[0].decode("ascii")
        before, _, of_the_api = path.partition(self._base.path)
        return Call(request.method, "" if before else f"/{of_the_api}", request.headers.get(ENTITY_ID))

    def _attach(self, request: Any, token: AccessToken) -> Any:
        headers = call_headers(self._source.settings.api_version, token)
        request.headers["Authorization"] = headers.pop("Authorization")
        for name, value in headers.items():
            request.headers.setdefault(name, value)
        return request

    def _may_be_refused(self, response: Any) -> bool:
        """Return whether the body is worth reading; after a redirect, the answer may not be Monite's."""
        return may_be_about_token(response.status_code) and origin_of(response.request.url) == self._home

    def _asks_for_less(self, response: Any) -> bool:
        """Return whether Monite's answer names a lower limit than the settings', or asks those in the budget for a pause."""
        if origin_of(response.request.url) != self._home:
            return False
        limit = named_limit(response.headers)
        if limit is not None and limit < self._source.settings.requests_per_second:
            return True
        answer = Response(response.status_code, response.headers, b"")
        return self._budget and requested_pause(answer, now=time.time()) is not None

    def _is_refused(self, response: Any) -> bool:
        """Return whether the answer may mean that the token is dead; its body has been read if it is worth it."""
        return self._may_be_refused(response) and speaks_of_dead_token(response.status_code, response.content)


class BrokerAuth(TokenAuth, httpx.Auth):
    """An httpx auth that attaches the principal's token; for `httpx.Client` and `httpx.AsyncClient`.

    Requests to another origin than `base_url`'s go out untouched. When Monite answers that the token is expired,
    revoked or unknown, the request is sent once more with a new one.

    `budget`: each request takes a turn in the request budget; see `TokenBroker.client`.

    Raises BodySpent instead if the body is a stream, which cannot be sent again; NotPermitted in the security models where the
    application decides and does not allow the call; and what `TokenBroker.token` raises.
    """


def _rewind(request: Any) -> None:
    """Check that the body can be sent again, or raise BodySpent. Text, JSON, forms and files that can be rewound can.

    A stream of one's own can if its `can_be_sent_again()` says so.
    """
    try:
        request.content  # noqa: B018 - raises where the body is a stream that was not read into memory
    except RuntimeError:  # the library's own RequestNotRead
        fields = getattr(request.stream, "fields", None)  # of a multipart body
        says = getattr(request.stream, "can_be_sent_again", None)
        is_here = (
            says()
            if says is not None
            else fields is not None and all(_can_be_rewound(getattr(field, "file", b"")) for field in fields)
        )
        if not is_here:
            raise BodySpent(
                "Monite no longer accepted the token, and the request could not be sent again with the new one: its "
                "body is a generator or a stream, and is spent. Call again with a body from its beginning, or give "
                "the body as bytes, a form, JSON, or a file that can be rewound.",
                retry_after=0,
            ) from None


def _can_be_rewound(content: Any) -> bool:
    seekable = getattr(content, "seekable", None)
    return isinstance(content, str | bytes) or (seekable is not None and seekable())
