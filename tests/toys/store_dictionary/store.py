"""The store itself. Stores of one name share what they keep, as if they were processes that share a server."""

from typing import Any

from monite_auth.stores import Operations
from monite_auth.tokens import Clock
from tests.toys.store_dictionary.operations import DictionaryOperations
from tests.toys.store_dictionary.state import State

__all__ = ["DictionaryStore"]

PLACES: dict[tuple[str, str], State] = {}
"""What is kept, by the name of the store and the account."""


class DictionaryStore:
    """Keeps tokens in the dictionary of a name; `dictionary://name` chooses it."""

    is_shared = True

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        session_memory: float = 14 * 24 * 3600,
        requests_per_second: float = 30,
    ) -> None:
        self._name = name
        self._clock = clock
        self._session_memory = session_memory
        self._rate = requests_per_second
        self._account: str | None = None

    @classmethod
    def from_settings(cls, settings: Any, clock: Clock) -> "DictionaryStore":
        """Return the store of `settings.store_url`."""
        return cls(
            settings.store_url.partition("://")[2],
            clock=clock,
            session_memory=settings.session_memory,
            requests_per_second=settings.requests_per_second,
        )

    def of(self, account: str) -> "DictionaryStore":
        """See Store."""
        if self._account in (None, account):
            self._account = account
            return self
        other = DictionaryStore(
            self._name, clock=self._clock, session_memory=self._session_memory, requests_per_second=self._rate
        )
        return other.of(account)

    def operations(self, *, blocking: bool) -> Operations:
        """See Store. Nothing here waits, so both forms are one."""
        self._account = self._account or ""
        state = PLACES.setdefault((self._name, self._account), State())
        return DictionaryOperations(state, self._clock, self._session_memory, self._rate)

    def reopen(self) -> None:
        """Do nothing: a toy seals nothing. A real store must: see docs/write-a-store.md."""

    def close(self) -> None:
        """Do nothing: nothing is open."""

    async def aclose(self) -> None:
        """Do nothing: nothing is open."""
