"""Checks of the server at the start: whether it is new enough, and whether it could lose pending revocations."""

import logging
from collections.abc import Mapping

from monite_auth.errors import ConfigurationError

__all__ = ["check_version", "warn_about_durability"]

log = logging.getLogger("monite_auth")

OLDEST = 7


def check_version(info: Mapping[str, str], where: str) -> None:
    """Raise ConfigurationError for a server that cannot run the scripts."""
    version = info.get("redis_version", "")
    major = version.partition(".")[0]
    if major.isdigit() and int(major) < OLDEST:
        raise ConfigurationError(
            f"Redis at {where} is {version}: the store needs Redis {OLDEST}.0, or Valkey."
        )


def warn_about_durability(info: Mapping[str, str], appendfsync: str, where: str) -> None:
    """Log how this server could lose a logout, and what to set against that."""
    if info.get("aof_enabled") == "0":
        log.warning(
            "Redis at %s keeps no append-only file: if it crashes, logouts and pending revocations since its last "
            "snapshot are forgotten, and those tokens live until they expire. Set appendonly yes.",
            where,
        )
    elif appendfsync == "no":
        log.warning(
            "Redis at %s leaves it to the system when its append-only file is written: a crash may take the logouts and "
            "pending revocations of the last half a minute. Set appendfsync always, or everysec.",
            where,
        )
    elif appendfsync == "everysec":
        log.info(
            "Redis at %s writes its append-only file every second: a crash may take the logouts and pending revocations "
            "of the last second or two. Set appendfsync always if that is too many.",
            where,
        )
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and info.get("maxmemory") != "0":
        log.warning(
            "Redis at %s drops keys when its memory is full (maxmemory-policy %s); logouts and pending revocations "
            "may be among them. Set maxmemory-policy noeviction.",
            where,
            policy,
        )
