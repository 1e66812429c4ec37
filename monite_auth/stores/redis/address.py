"""The store's URL, parsed. It can hold passwords, so only `shown` may be shown."""

import ssl
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from urllib.parse import unquote, urlsplit

import redis.connection

from monite_auth.configuration.discretion import discreet
from monite_auth.errors import ConfigurationError

__all__ = ["Address"]

Kind = Literal["single", "sentinel", "cluster"]

PORTS = {"single": 6379, "sentinel": 26379, "cluster": 6379}

SENTINEL_OPTIONS = {"sentinel_username": "username", "sentinel_password": "password"}

OURS = {
    "host",
    "port",
    "decode_responses",
    "protocol",
    "retry_on_timeout",
    "socket_timeout",
    "socket_connect_timeout",
}
"""Options that are ignored because they would break promises: answers are bytes, and a server that hangs must not hang the app."""

_parse_options: Any = redis.connection.parse_url


@dataclass(frozen=True, slots=True)
class Address:
    """Where Redis is and how to log in there.

    `options` are redis-py's, for each connection; `sentinel_options` those for connections to sentinels.
    """

    kind: Kind
    hosts: tuple[tuple[str, int], ...]
    secure: bool
    service: str = ""
    database: int = 0
    options: dict[str, Any] = field(default_factory=dict, repr=False)
    sentinel_options: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    @discreet
    def parse(cls, url: str) -> "Address":
        """Parse a URL.

        Raises: ConfigurationError, whose message never repeats the URL.
        """
        try:
            return cls._parse(url)
        except ValueError as error:
            if isinstance(error, ConfigurationError):
                raise
            problem = (
                "MONITE_STORE_URL is no URL of a Redis server: write it as redis://user:password@host:6379/0."
            )
        raise ConfigurationError(problem)

    @classmethod
    def _parse(cls, url: str) -> "Address":
        parts = urlsplit(url)
        base, _, suffix = parts.scheme.partition("+")
        kind = suffix or "single"
        if base not in ("redis", "rediss") or kind not in PORTS:
            raise ValueError
        login, _, places = parts.netloc.rpartition("@")
        hosts = tuple(_host(place, PORTS[kind]) for place in places.split(","))
        if kind == "single" and len(hosts) > 1:
            raise ConfigurationError(
                "MONITE_STORE_URL names several hosts: begin it with redis+cluster:// or redis+sentinel://."
            )
        service, database = _path(kind, unquote(parts.path).strip("/"))
        options = _parse_options(f"{base}://{login and login + '@'}localhost/?{parts.query}")
        options.pop("connection_class", None)
        database = int(options.pop("db", database))
        sentinel_options = {
            name: options.pop(option) for option, name in SENTINEL_OPTIONS.items() if option in options
        }
        if kind == "sentinel":
            sentinel_options |= {name: value for name, value in options.items() if name.startswith("ssl_")}
        options = {name: value for name, value in options.items() if name not in OURS}
        secure = base == "rediss"
        _check(options, secure=secure)
        return cls(cast("Kind", kind), hosts, secure, service, database, options, sentinel_options)

    @property
    def shown(self) -> str:
        """The address without what is secret in it."""
        hosts = ",".join(f"{host}:{port}" for host, port in self.hosts)
        suffix = "" if self.kind == "single" else f"+{self.kind}"
        return f"{'rediss' if self.secure else 'redis'}{suffix}://{hosts}" + (
            self.service and f"/{self.service}"
        )

    @property
    def secrets(self) -> list[str]:
        """Passwords, to be taken out of messages of others."""
        every = [self.options, self.sentinel_options]
        return [
            str(value) for options in every for name, value in options.items() if "password" in name and value
        ]


def _host(place: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    if not parts.hostname:
        raise ValueError
    return parts.hostname, parts.port or port


def _path(kind: str, path: str) -> tuple[str, int]:
    """Return the service and the database that the path of the URL names."""
    service, _, database = path.partition("/") if kind == "sentinel" else ("", "", path)
    if kind == "sentinel" and not service:
        raise ConfigurationError(
            "MONITE_STORE_URL does not say which service the sentinels watch: "
            "write it as redis+sentinel://host:26379,host:26379/service/0."
        )
    if kind == "cluster" and database not in ("", "0"):
        raise ConfigurationError(
            "MONITE_STORE_URL names a database, but a cluster has only one: leave it out."
        )
    return service, int(database or 0)


def _check(options: dict[str, Any], *, secure: bool) -> None:
    """Raise ConfigurationError now if redis-py does not take these options, rather than at the first connection."""
    make = redis.connection.SSLConnection if secure else redis.connection.Connection
    try:
        make(host="localhost", **options)
    except (TypeError, ValueError, redis.RedisError, ssl.SSLError):
        names = ", ".join(sorted(set(options) - {"username", "password"}))
        problem = f"MONITE_STORE_URL has an option that redis-py does not take here (of: {names})."
    else:
        return
    raise ConfigurationError(problem)
