"""What redis-py raises, and the errors of ours that it becomes: in words, without a password, without the client's exception."""

import re
from collections.abc import Sequence
from typing import Literal

import redis
import redis.exceptions

from monite_auth.errors import ConfigurationError, MoniteAuthError, StoreReadOnly, StoreUnavailable
from monite_auth.stores.redis.address import Address

__all__ = [
    "FAILURES",
    "UnknownScript",
    "is_connection_lost",
    "is_timeout",
    "part_that_failed",
    "store_is_unsettled",
    "strange_answer",
    "translated",
]

FAILURES = (redis.RedisError, redis.exceptions.RedisClusterException, OSError, TimeoutError)
"""All that redis-py raises. The errors of its cluster client are a family of their own."""

REFUSED = (redis.AuthenticationError, redis.exceptions.AuthorizationError, redis.exceptions.NoPermissionError)

SLOT_TROUBLE = (
    redis.exceptions.ClusterDownError,
    redis.exceptions.TryAgainError,
    redis.exceptions.SlotNotCoveredError,
)
"""What is said of a slot that is on its way to another node, or that no node serves."""

RECORD_TROUBLE = re.compile(r"WRONGTYPE |user_script:\d+: |.*is not (an integer|a valid float)")
"""What a script says of a record that something else has overwritten: its type or its content is not what we write. All else
that a script says is about the server."""

SENTINEL = re.compile(r"<redis\S*Redis\(.*?\bhost=([^,]+),port=(\d+).*?\)>\)>\)>")
"""A client of a sentinel as redis-py shows it in its message about a primary that it cannot find, with all options."""

NOT_LOST = (*REFUSED, redis.exceptions.MaxConnectionsError, redis.BusyLoadingError)
"""Subclasses of redis-py's ConnectionError that a new connection would not mend."""


class UnknownScript(Exception):
    """The server does not know a script by its digest: it has restarted, or nobody has shown it the script yet."""


def is_connection_lost(error: BaseException | None) -> bool:
    """Say whether a new connection may do better: this one broke, or it leads to a server that is a replica by now."""
    if isinstance(error, redis.exceptions.ReadOnlyError):
        return True
    return isinstance(error, redis.ConnectionError | OSError) and not isinstance(
        error, (*NOT_LOST, TimeoutError)
    )


def is_timeout(error: BaseException | None) -> bool:
    """Say whether no answer came in time."""
    return isinstance(error, redis.TimeoutError | TimeoutError)


def part_that_failed(
    error: BaseException | None, address: Address, node: str, keys: Sequence[str]
) -> str | None:
    """Return what failed, if it was a part of the store only: a record, a node, or a slot that no node serves now.

    `node`: that which was asked, if it is known which; `keys`: those that the command was about. A user's come behind the stamp of
    their shard.
    """
    if isinstance(error, redis.ResponseError) and keys and RECORD_TROUBLE.match(str(error)):
        return record_of(keys)
    if address.kind != "cluster" or not keys:
        return None
    if is_timeout(error) or is_connection_lost(error):
        return f"node {node}" if node else None
    if isinstance(error, SLOT_TROUBLE):
        return f"slot of {keys[0].partition('}')[0]}}}"
    return None


def record_of(keys: Sequence[str]) -> str:
    """Return the name, as a part of the store, of the record that a script with these keys is about."""
    return f"record {keys[:2][-1]}"


def strange_answer(keys: Sequence[str]) -> StoreUnavailable:
    """Return the error for an answer that no script of ours gives about records of ours, with these `keys`."""
    part = record_of(keys)
    return StoreUnavailable(
        f"Redis ({part}) answers what the store never says. Has another program written there, or is "
        "something between this process and Redis that changes answers?",
        part=part,
    )


def translated(
    error: BaseException | None,
    address: Address,
    timeout: float,
    *,
    has_worked: bool,
    part: str | None = None,
) -> MoniteAuthError:
    """Return our error for one of redis-py's.

    `timeout`: the seconds that a command waits.
    `part`: what failed, if it was a part of the store only.
    `has_worked`: whether this server has answered before. If so, a refusal is an outage rather than a mistake of configuration.
    """
    where = f"Redis at {address.shown}" + (f" ({part})" if part else "")
    said = SENTINEL.sub(r"\1:\2", str(error))
    for secret in address.secrets:
        said = said.replace(secret, "***")
    if isinstance(error, REFUSED):
        message = (
            f"{where} refuses this user ({said}). Check user name and password in MONITE_STORE_URL, and the "
            "user's rights; those that are needed stand in monite_auth/stores/redis/__init__.py."
        )
        return StoreUnavailable(message) if has_worked else ConfigurationError(message)
    kind = _kind_of(error)
    if kind and kind != address.kind:
        what = {"cluster": "a node of a cluster", "sentinel": "a sentinel"}[kind]
        message = f"{where} is {what}: begin MONITE_STORE_URL with redis+{kind}://."
        return StoreUnavailable(message) if has_worked else ConfigurationError(message)
    if "rror compiling script" in said:
        return ConfigurationError(f"{where} is too old: the store needs Redis 7.0, or Valkey.")
    if is_timeout(error):
        return StoreUnavailable(f"{where} did not answer within {timeout:g} s.", part=part)
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return StoreReadOnly(f"{where} refuses to work: {said}")
    if isinstance(error, redis.ResponseError):
        return StoreUnavailable(f"{where} refuses to work: {said}", part=part)
    return StoreUnavailable(
        f"{where} cannot be reached: {said.rstrip('.') or type(error).__name__}.", part=part
    )


def _kind_of(error: BaseException | None) -> Literal["cluster", "sentinel"] | None:
    """Return the kind of store that an error gives away: a node of a cluster knows others, and a sentinel runs no scripts."""
    if isinstance(error, redis.exceptions.MovedError):
        return "cluster"
    return "sentinel" if str(error).startswith("unknown command 'EVAL") else None


def store_is_unsettled(keys: Sequence[str]) -> StoreUnavailable:
    """Return the error for records whose data key was found changed again and again within one operation."""
    return StoreUnavailable(
        "The store in Redis is being set up anew, time and again: do several share its prefix?",
        part=record_of(keys),
    )
