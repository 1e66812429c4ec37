"""Which error of ours a request has met last: for frameworks that answer every exception by themselves.

Their answer says 500 and nothing else. An adapter that knows the error can send the right answer instead.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from monite_auth.errors import MoniteAuthError
from monite_auth.identity import Partner, Principal
from monite_auth.outbound import Call, TokenSource
from monite_auth.tokens import AccessToken

__all__ = ["NoteFailure", "NotedTokens", "noted"]

NoteFailure = Callable[[MoniteAuthError | None], None]
"""Called with each error of ours, and with None when the next call works."""


@contextmanager
def noted(note: NoteFailure | None) -> Iterator[None]:
    """Note whether the block fails with an error of ours."""
    try:
        yield
    except MoniteAuthError as error:
        if note is not None:
            note(error)
        raise
    if note is not None:
        note(None)


class NotedTokens:
    """Another TokenSource, whose failures are noted."""

    def __init__(self, source: TokenSource, note: NoteFailure) -> None:
        self.settings = source.settings
        self.exchange = source.exchange
        self.aexchange = source.aexchange
        self.exchanged = source.exchanged
        self.aexchanged = source.aexchanged
        self.heed = source.heed
        self.aheed = source.aheed
        self._source = source
        self._note = note

    def token_for_call(
        self, principal: Principal | Partner | None, call: Call, *, budget: bool = False
    ) -> AccessToken:
        """Return the token for one call; see TokenSource."""
        with noted(self._note):
            return self._source.token_for_call(principal, call, budget=budget)

    async def atoken_for_call(
        self, principal: Principal | Partner | None, call: Call, *, budget: bool = False
    ) -> AccessToken:
        """Return the token for one call; see TokenSource."""
        with noted(self._note):
            return await self._source.atoken_for_call(principal, call, budget=budget)
