"""The store that a URL names. What a kind of store needs is imported when it is chosen."""

from urllib.parse import unquote

from monite_auth.errors import ConfigurationError
from monite_auth.settings import Settings
from monite_auth.stores.fallback import FallbackStore
from monite_auth.stores.memory import MemoryStore
from monite_auth.stores.protocol import Store
from monite_auth.telemetry import Telemetry
from monite_auth.tokens import Clock

__all__ = ["store_for"]


def store_for(settings: Settings, clock: Clock, telemetry: Telemetry) -> Store:
    """Return the store of `settings.store_url`; a shared one has this process's memory to fall back on."""
    memory = MemoryStore(
        session_memory=settings.session_memory,
        requests_per_second=settings.requests_per_second,
        clock=clock,
    ).of(settings.account_name)
    if settings.store_url.startswith("memory:"):
        return memory
    shared = _shared(settings, clock).of(settings.account_name)
    return FallbackStore(shared, memory, clock=clock, telemetry=telemetry)


def _shared(settings: Settings, clock: Clock) -> Store:
    if settings.store_url.startswith("sqlite:"):
        from monite_auth.stores.sqlite import SQLiteStore  # noqa: PLC0415 - see above

        return SQLiteStore(
            _sqlite_path(settings.store_url),
            keys=settings.credentials,
            session_memory=settings.session_memory,
            requests_per_second=settings.requests_per_second,
            token_clock=clock,
        )
    from monite_auth.stores.redis import RedisStore  # noqa: PLC0415 - see above

    return RedisStore(
        settings.store_url,
        keys=settings.credentials,
        session_memory=settings.session_memory,
        requests_per_second=settings.requests_per_second,
        token_clock=clock,
    )


def _sqlite_path(url: str) -> str:
    """Return the path of `sqlite:///relative/path` or `sqlite:////absolute/path`, as SQLAlchemy reads them."""
    path = unquote(url.removeprefix("sqlite:///"))
    if not path or path in (url, ":memory:"):
        raise ConfigurationError(
            "store_url names no file: write sqlite:///relative/path or sqlite:////absolute/path."
        )
    return path
