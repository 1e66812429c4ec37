"""Assertions about what became of tokens. Each waits a little, since revocations happen in the background.

A failure shows a table of the tokens. They are masked there, and no other text has one in it.
"""

import asyncio
import time
from collections.abc import Callable

import anyio

from monite_auth.emulator import Monite, Token
from monite_auth.emulator.traffic.ledger import TokenState
from monite_auth.testing.local.known_users import KnownUsers, Person
from monite_auth.testing.local.table import holder_of, table_of
from monite_auth.tokens import AccessToken, Secret

__all__ = ["LedgerAssertions", "TokenLike"]

PAUSE = 0.002
"""Seconds between two looks at the ledger."""

WITHIN = 5.0
"""Seconds that an assertion waits for. One that holds does not wait, and a revocation takes milliseconds."""

TokenLike = str | Secret | AccessToken | Token
"""A token as the test has it: its text, or an object that holds it."""


Check = Callable[[], str | None]
"""Returns what is wrong, or None while nothing is."""


class LedgerAssertions:
    """Says what became of every token of a local Monite.

    An assertion about an ending waits up to `within` seconds for it. In a coroutine, that would stop the event loop, and with it the
    application's own work: there, assertions look only once. Await their twins there: `await ledger.aassert_revoked(token)`.

    A `user` is a `MoniteUser`, an `EntityUser`, or an entity user's id. An id that no entity user of this Monite has or had is refused
    with a ValueError: no token is ever live for a name with a typo. Deleted users are still known.
    """

    def __init__(self, monite: Monite) -> None:
        self._monite = monite
        self._users = KnownUsers(monite)

    def __repr__(self) -> str:
        return f"<ledger of {len(self.tokens())} tokens, {len(self.live())} live>"

    def __str__(self) -> str:
        return self._table()

    # -- what there is

    def tokens(self, user: Person | None = None) -> list[Token]:
        """Return all tokens that were minted, oldest first; with `user`, that entity user's."""
        __tracebackhide__ = True
        ledger = self._monite.ledger
        return ledger.tokens if user is None else ledger.mints(self._users.id_of(user))

    def live(self, user: Person | None = None) -> list[Token]:
        """Return the tokens that are live now: neither expired nor revoked; with `user`, that entity user's."""
        __tracebackhide__ = True
        return self._monite.ledger.live(None if user is None else self._users.id_of(user))

    # -- assertions

    def assert_revoked(self, token: TokenLike, *, within: float = WITHIN) -> None:
        """Assert that a token has been revoked, or is within some seconds. One that has only expired was not."""
        __tracebackhide__ = True
        self._wait(self._revoked(token), within)

    async def aassert_revoked(self, token: TokenLike, *, within: float = WITHIN) -> None:
        """Assert that a token has been revoked; see `assert_revoked`."""
        __tracebackhide__ = True
        await self._await(self._revoked(token), within)

    def assert_no_live_tokens(self, user: Person | None = None, *, within: float = WITHIN) -> None:
        """Assert that no token is live, or soon is: of one user, or without `user` of anybody, the partner included."""
        __tracebackhide__ = True
        self._wait(self._none_live(user), within)

    async def aassert_no_live_tokens(self, user: Person | None = None, *, within: float = WITHIN) -> None:
        """Assert that no token is live; see `assert_no_live_tokens`."""
        __tracebackhide__ = True
        await self._await(self._none_live(user), within)

    def assert_live(self, token: TokenLike) -> None:
        """Assert that a token is live now: neither expired nor revoked."""
        __tracebackhide__ = True
        self._demand(self._live(token))

    def assert_minted(self, user: Person, times: int = 1) -> None:
        """Assert that so many tokens were minted for a user until now; 0 for none."""
        __tracebackhide__ = True
        self._demand(self._minted(user, times))

    def assert_used(self, token: TokenLike) -> None:
        """Assert that a call to Monite was made with a token."""
        __tracebackhide__ = True
        self._demand(self._used(token))

    # -- what each means

    def _revoked(self, token: TokenLike) -> Check:
        return self._of_token(token, lambda found: self._state(found) == "revoked", "It should be revoked.")

    def _live(self, token: TokenLike) -> Check:
        return self._of_token(token, lambda found: self._state(found) == "live", "It should be live.")

    def _used(self, token: TokenLike) -> Check:
        return self._of_token(token, lambda found: found.uses > 0, "It should have been used, and never was.")

    def _of_token(self, token: TokenLike, holds: Callable[[Token], bool], wanted: str) -> Check:
        value = _text_of(token)

        def check() -> str | None:
            found = self._monite.ledger.find(value)
            if found is None:
                return "That token was never minted here."
            if holds(found):
                return None
            said = {"live": "is live", "expired": "has expired", "revoked": "has been revoked"}
            whose = f"Token {found.id} ({found.masked}) of {holder_of(found)}"
            return f"{whose} {said[self._state(found)]}. {wanted}"

        return check

    def _state(self, token: Token) -> TokenState:
        return token.state(self._monite.clock.now())

    def _none_live(self, user: Person | None) -> Check:
        def check() -> str | None:
            __tracebackhide__ = True
            live = self.live(user)
            if not live:
                return None
            whose = "" if user is None else f" of {self._name_of(user)}"
            many = "1 token is" if len(live) == 1 else f"{len(live)} tokens are"
            numbers = ", ".join(str(token.id) for token in live)
            return f"{many} live{whose} (number {numbers}). None should be."

        return check

    def _minted(self, user: Person, times: int) -> Check:
        def check() -> str | None:
            __tracebackhide__ = True
            count = len(self.tokens(user))
            if count == times:
                return None
            many = "1 token was" if count == 1 else f"{count} tokens were"
            return f"{many} minted for {self._name_of(user)}. There should be {times}."

        return check

    def _name_of(self, user: Person) -> str:
        tokens = self.tokens(user)
        return holder_of(tokens[0]) if tokens else self._users.id_of(user)

    # -- waiting and failing

    def _wait(self, check: Check, within: float) -> None:
        __tracebackhide__ = True
        if _is_on_event_loop():
            self._demand(
                check,
                "In a coroutine an assertion does not wait: await its twin, whose name begins with `a`.",
            )
            return
        end = time.monotonic() + within
        while check() and time.monotonic() < end:
            time.sleep(PAUSE)
        self._demand(check)

    async def _await(self, check: Check, within: float) -> None:
        __tracebackhide__ = True
        end = time.monotonic() + within
        while check() and time.monotonic() < end:  # noqa: ASYNC110 - what is waited for is in another thread, or another process
            await anyio.sleep(PAUSE)
        self._demand(check)

    def _demand(self, check: Check, advice: str = "") -> None:
        __tracebackhide__ = True
        problem = check()
        if problem:
            raise AssertionError("\n".join(filter(None, (problem, advice, self._table()))))

    def _table(self) -> str:
        return table_of(self.tokens(), self._monite.clock.now())


def _text_of(token: TokenLike) -> str:
    value: str | Secret = token.value if isinstance(token, AccessToken | Token) else token
    return value.reveal() if isinstance(value, Secret) else value


def _is_on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
