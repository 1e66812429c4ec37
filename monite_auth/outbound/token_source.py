"""Where the tokens of calls come from."""

from typing import Protocol

from monite_auth.identity import Subject
from monite_auth.monite_api.requests import Call
from monite_auth.settings import Settings
from monite_auth.tokens import AccessToken

__all__ = ["TokenSource"]


class TokenSource(Protocol):
    """Gives tokens for calls; TokenBroker does. A principal of None is an anonymous visitor, and gets none."""

    settings: Settings

    def token_for_call(self, principal: Subject | None, call: Call) -> AccessToken:
        """Return the token for one call, or raise why it may not be made."""

    async def atoken_for_call(self, principal: Subject | None, call: Call) -> AccessToken:
        """Return the token for one call, or raise why it may not be made."""

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

    def lower_limit(self, requests_per_second: int) -> None:
        """Note that an answer names this limit, which is lower than the settings'."""

    async def alower_limit(self, requests_per_second: int) -> None:
        """Note that an answer names a lower limit; see `lower_limit`."""
