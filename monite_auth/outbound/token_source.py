"""Where the tokens of calls come from."""

from collections.abc import Mapping
from typing import Protocol

from monite_auth.identity import Subject
from monite_auth.monite_api.requests import Call
from monite_auth.settings import Settings
from monite_auth.tokens import AccessToken

__all__ = ["TokenSource"]


class TokenSource(Protocol):
    """Gives tokens for calls; TokenBroker does. A principal of None is an anonymous visitor, and gets none."""

    settings: Settings

    def token_for_call(self, principal: Subject | None, call: Call, *, budget: bool = False) -> AccessToken:
        """Return the token for one call, or raise why it may not be made.

        `budget`: whether the call takes a turn in the request budget. It may be sent when this returns.
        """

    async def atoken_for_call(
        self, principal: Subject | None, call: Call, *, budget: bool = False
    ) -> AccessToken:
        """Return the token for one call, or raise why it may not be made; see `token_for_call`."""

    def exchange(self, principal: Subject | None, token: AccessToken, *, certain: bool) -> bool:
        """Return whether a call that was refused with `token` is to be sent again, with another one.

        `certain`: whether Monite said in its own words that the token is dead.
        """

    async def aexchange(self, principal: Subject | None, token: AccessToken, *, certain: bool) -> bool:
        """Return whether a refused call is to be sent again; see `exchange`."""

    def exchanged(self, principal: Subject | None, *, helped: bool) -> None:
        """Note whether the call that was sent again was accepted."""

    async def aexchanged(self, principal: Subject | None, *, helped: bool) -> None:
        """Note whether the call that was sent again was accepted."""

    def heed(self, status: int, headers: Mapping[str, str], *, budget: bool = False) -> None:
        """Keep to the pace that an answer asks for: to a lower limit, and to a pause where the call was in the `budget`."""

    async def aheed(self, status: int, headers: Mapping[str, str], *, budget: bool = False) -> None:
        """Keep to the pace that an answer asks for; see `heed`."""
