"""The store's URL, parsed by libpq. It can hold a password, so only `shown` may be shown."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

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

LOGIN = re.compile(r"^[^@/]*@")
"""What libpq takes for the login, at the beginning of what follows the scheme."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where PostgreSQL is and how to log in there: `conninfos` of libpq, one for each host, to be tried in this order."""

    conninfos: tuple[bytes, ...] = field(repr=False)
    shown: str
    secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    @discreet
    def parse(cls, url: str) -> "Address":
        """Parse a URL as libpq has it: `postgresql://user:password@host:5432,other:5432/database?sslmode=verify-full`.

        Raises: ConfigurationError, whose message never repeats the URL.
        """
        try:
            options = {**DEFAULTS, **_options(url), **OURS}
            conninfos = tuple(make_conninfo(**each).encode() for each in _one_by_one(options))
        except (psycopg.Error, ValueError):
            problem = (
                "MONITE_STORE_URL is no URL of a PostgreSQL server: write it as postgresql://user:password@host:5432/database, "
                f"with libpq's options behind a ?; in a password, write special characters as %40 and so on.{_unknown_options(url)}"
            )
        else:
            hosts = ", ".join(
                str(each.get("host") or each.get("hostaddr") or "localhost") for each in _one_by_one(options)
            )
            secrets = tuple(str(options[each]) for each in ("password", "sslpassword") if options.get(each))
            return cls(conninfos, f"{hosts} (database {options.get('dbname') or 'of the user'})", secrets)
        raise ConfigurationError(problem)


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
