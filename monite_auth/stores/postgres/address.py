"""The store's URL, parsed by libpq. It can hold a password, so only `shown` may be shown."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from monite_auth.configuration.discretion import discreet
from monite_auth.errors import ConfigurationError

__all__ = ["Address", "parameter_names"]

DEFAULTS = {"application_name": "monite-auth", "target_session_attrs": "primary"}
"""A standby would answer, and does not know yet who has just logged out. A primary that takes no writes is asked: it knows."""

OURS = {"client_encoding": "utf8"}
"""What the URL cannot say otherwise."""

LISTEN, NEVER = "listen", "no"
"""Our own option: the addresses to listen at (`host:port,host:port`), or that nothing is to listen."""

LOGIN = re.compile(r"^[^@/]*@")
"""What libpq takes for the login, at the beginning of what follows the scheme."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where PostgreSQL is and how to log in there: `conninfos` of libpq, one for each host, to be tried in this order.

    `listening`: the same for a connection that listens. A pooler's clients may name another address for that, as `listen`.
    """

    conninfos: tuple[bytes, ...] = field(repr=False)
    listening: tuple[bytes, ...] = field(repr=False)
    shown: str
    secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    @discreet
    def parse(cls, url: str) -> "Address":
        """Parse a URL as libpq has it: `postgresql://user:password@host:5432,other:5432/database?sslmode=verify-full`.

        Raises: ConfigurationError, whose message never repeats the URL.
        """
        url, listen = _without_listen(url)
        try:
            options = {**DEFAULTS, **_options(url), **OURS}
            conninfos = _conninfos(options)
            listening = conninfos if listen is None else _listening(options, listen)
        except (psycopg.Error, ValueError):
            problem = (
                "MONITE_STORE_URL is no URL of a PostgreSQL server: write it as postgresql://user:password@host:5432/database, "
                f"with libpq's options behind a ?; in a password, write special characters as %40 and so on.{_unknown_options(url)}"
                f"{'' if listen is None else ' To listen at a direct address, write listen=host:port.'}"
            )
        else:
            hosts = ", ".join(
                str(each.get("host") or each.get("hostaddr") or "localhost") for each in _one_by_one(options)
            )
            secrets = tuple(str(options[each]) for each in ("password", "sslpassword") if options.get(each))
            return cls(
                conninfos, listening, f"{hosts} (database {options.get('dbname') or 'of the user'})", secrets
            )
        raise ConfigurationError(problem)


def _without_listen(url: str) -> tuple[str, str | None]:
    """Return the URL as libpq knows it, and the value of our own option, if it has that."""
    place, _, query = url.partition("?")
    options = query.split("&") if query else []
    libpqs = [each for each in options if not each.startswith(f"{LISTEN}=")]
    ours = [unquote(each.partition("=")[2]) for each in options if each not in libpqs]
    return f"{place}?{'&'.join(libpqs)}" if libpqs else place, ours[-1] if ours else None


def _listening(options: dict[str, Any], listen: str) -> tuple[bytes, ...]:
    if listen == NEVER:
        return ()
    hosts = [each.rpartition(":") for each in listen.split(",")]
    if not all(host and port.isdigit() for host, _, port in hosts):
        raise ValueError
    direct = {name: value for name, value in options.items() if name != "hostaddr"}
    direct["host"] = ",".join(host.strip("[]") for host, _, _ in hosts)
    direct["port"] = ",".join(port for _, _, port in hosts)
    return _conninfos(direct)


def _conninfos(options: dict[str, Any]) -> tuple[bytes, ...]:
    return tuple(make_conninfo(**each).encode() for each in _one_by_one(options))


def _options(url: str) -> dict[str, Any]:
    if urlsplit(url).scheme not in ("postgresql", "postgres"):  # libpq takes other forms than URLs, too
        raise ValueError
    place = LOGIN.sub("", url.partition("://")[2]).partition("?")[0]
    if "@" in place:  # libpq takes the rest of a password for a host or a database, and errors would show it
        raise ValueError
    return dict(conninfo_to_dict(url))


def parameter_names() -> set[str]:
    """Return the names of libpq's connection parameters."""
    return {each.keyword.decode() for each in pq.Conninfo.get_defaults()}


def _unknown_options(url: str) -> str:
    """Return a sentence about options that libpq does not have, or "". It repeats nothing that could be part of a password."""
    query = url.partition("?")[2]
    unknown = sorted({name for name, _value in parse_qsl(query, keep_blank_values=True)} - parameter_names())
    return f" libpq has no option {', '.join(unknown)}." if unknown and "@" not in query else ""


def _one_by_one(options: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the options of each host by itself, so that one which hangs can be given up for the next."""
    lists = {
        name: str(options[name]).split(",") for name in ("host", "hostaddr", "port") if options.get(name)
    }
    many = max((len(each) for name, each in lists.items() if name != "port"), default=1)
    if any(len(each) not in (1, many) for each in lists.values()):
        raise ValueError
    return [
        options | {name: each[number] if len(each) > 1 else each[0] for name, each in lists.items()}
        for number in range(many)
    ]
