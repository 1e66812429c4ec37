"""What redis-py raises, and the errors of ours that it becomes: in words, without a password, without the client's exception."""

import redis
import redis.exceptions

from monite_auth.errors import ConfigurationError, MoniteAuthError, StoreReadOnly, StoreUnavailable
from monite_auth.stores.redis.address import Address

__all__ = [
    "FAILURES",
    "UnknownScript",
    "is_connection_lost",
    "is_timeout",
    "store_is_unsettled",
    "translated",
]

FAILURES = (redis.RedisError, redis.exceptions.RedisClusterException, OSError, TimeoutError)
"""All that redis-py raises. The errors of its cluster client are a family of their own."""

REFUSED = (redis.AuthenticationError, redis.exceptions.AuthorizationError, redis.exceptions.NoPermissionError)

NOT_LOST = (*REFUSED, redis.exceptions.MaxConnectionsError, redis.BusyLoadingError)
"""Subclasses of redis-py's ConnectionError that a new connection would not mend."""


class UnknownScript(Exception):
    """The server does not know a script by its digest: it has restarted, or nobody has shown it the script yet."""


def is_connection_lost(error: BaseException) -> bool:
    """Say whether a new connection may do better: this one broke, or it leads to a server that is a replica by now."""
    if isinstance(error, redis.exceptions.ReadOnlyError):
        return True
    return isinstance(error, redis.ConnectionError | OSError) and not isinstance(
        error, (*NOT_LOST, TimeoutError)
    )


def is_timeout(error: BaseException | None) -> bool:
    """Say whether no answer came in time."""
    return isinstance(error, redis.TimeoutError | TimeoutError)


def translated(
    error: BaseException | None, address: Address, timeout: float, *, has_worked: bool
) -> MoniteAuthError:
    """Return our error for one of redis-py's.

    `timeout`: the seconds that a command waits.
    `has_worked`: whether this server has answered before. If so, a refusal is an outage rather than a mistake of configuration.
    """
    where = f"Redis at {address.shown}"
    said = str(error)
    for secret in address.secrets:
        said = said.replace(secret, "***")
    if isinstance(error, REFUSED):
        message = (
            f"{where} refuses this user ({said}). Check user name and password in MONITE_STORE_URL, and the "
            "user's rights; those that are needed stand in monite_auth/stores/redis/__init__.py."
        )
        return StoreUnavailable(message) if has_worked else ConfigurationError(message)
    if "rror compiling script" in said:
        return ConfigurationError(f"{where} is too old: the store needs Redis 7.0, or Valkey.")
    if is_timeout(error):
        return StoreUnavailable(f"{where} did not answer within {timeout:g} s.")
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return StoreReadOnly(f"{where} refuses to work: {said}")
    if isinstance(error, redis.ResponseError):
        return StoreUnavailable(f"{where} refuses to work: {said}")
    return StoreUnavailable(f"{where} cannot be reached: {said or type(error).__name__}.")


def store_is_unsettled() -> StoreUnavailable:
    """Return the error for a store whose data key was found changed again and again within one operation."""
    return StoreUnavailable(
        "The store in Redis is being set up anew, time and again: do several share its prefix?"
    )
