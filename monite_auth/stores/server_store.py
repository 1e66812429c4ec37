"""What the stores on servers share: they are made alike, and hand out operations for each account. Each has connections of its own."""

import time
from abc import ABC, abstractmethod
from copy import copy
from typing import Protocol, Self

from monite_auth.configuration.discretion import discreet
from monite_auth.errors import ConfigurationError
from monite_auth.processes.lifetimes import ProcessLock
from monite_auth.settings import Settings
from monite_auth.stores.dates import WallClock
from monite_auth.stores.protocol import Operations
from monite_auth.stores.sealing import Envelope, Keys
from monite_auth.tokens import Clock, Secret, steady_clock

__all__ = ["ServerStore"]


class _Address(Protocol):
    @property
    def shown(self) -> str:
        """The address without what only the store may know."""


class _Keys(Protocol):
    def reopen(self) -> None:
        """Have the envelope opened by the next operation."""


class ServerStore(ABC):
    """A store on a server, for any number of hosts."""

    is_shared = True

    _address: _Address
    _keys: _Keys
    _blocking: Operations
    _async: Operations

    @discreet
    def __init__(
        self,
        url: Secret | str,
        *,
        keys: Keys,
        session_memory: float = 14 * 24 * 3600,
        requests_per_second: float = 30,
        clock: Clock | None = None,
        token_clock: Clock = steady_clock,
    ) -> None:
        if not keys:
            raise ConfigurationError(
                f"{type(self).__name__} needs a key to seal with: pass keys=settings.sealing_keys."
            )
        self._address = self._parse(url.reveal() if isinstance(url, Secret) else url)
        self._envelope = Envelope(keys)
        self._options = {"session_memory": session_memory, "requests_per_second": requests_per_second}
        self._clock = token_clock
        self._wall_clock = WallClock(clock or time.time, token_clock)
        self._binding = ProcessLock()
        self._account: str | None = None
        self._others: dict[str, Self] = {}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self._address.shown}>"

    @classmethod
    @discreet
    def from_settings(cls, settings: Settings, clock: Clock) -> Self:
        """Return the store that `settings.store_url` names."""
        return cls(
            settings.store_url,
            keys=settings.credentials,
            session_memory=settings.session_memory,
            requests_per_second=settings.requests_per_second,
            token_clock=clock,
        )

    @staticmethod
    @abstractmethod
    def _parse(url: str) -> _Address:
        """Return the address in a URL. Raises ConfigurationError."""

    @abstractmethod
    def _serve(self, account: str) -> None:
        """Make the keys of an account, and its operations in both forms."""

    def of(self, account: str) -> Self:
        """See Store."""
        with self._binding:
            if self._account in (None, account):
                return self._bind(account)
            if account not in self._others:
                self._others[account] = copy(self)._bind(account)  # noqa: SLF001 - ours
            return self._others[account]

    def _bind(self, account: str) -> Self:
        if self._account != account:
            self._account = account
            self._serve(account)
        return self

    def operations(self, *, blocking: bool) -> Operations:
        """Return the operations for threads, or for whichever event loop is running."""
        if self._account is None:
            with self._binding:
                self._bind("")
        return self._blocking if blocking else self._async

    def reopen(self) -> None:
        """See Store."""
        if self._account is not None:
            self._keys.reopen()
