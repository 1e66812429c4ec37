"""The guard: who may talk to the emulator, which asks nobody for a password. It stands in front of everything.

A web page that somebody visits runs on their machine, and so it can send requests to the emulator there. Two rules keep it away:

1. The emulator answers only for hosts that no stranger's name can stand for. A page at evil.example whose name is made to
   lead to 127.0.0.1 (DNS rebinding) says `Host: evil.example`, and gets a 421.
2. The control side answers programs and its own page, no other page: browsers say on whose behalf they ask. What carries
   the header `X-Monite-Emulator` is answered, too. A browser sends it for another page only if the emulator had agreed to
   that, in the answer to a preflight, and it never does.
"""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

CONTROL = "/_emulator/"
#: What other pages may link to: it shows nothing before its own scripts have asked for it.
LINKED = re.compile("/_emulator/(page/.*|docs)")
#: The header that stands for "I am no stranger's page". Its value does not matter.
HEADER = b"x-monite-emulator"

HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^][:@/?#\\\s]+)(:\d*)?", re.IGNORECASE)

# What can be answered for: a name, or `*.` and what all names below it end with.
OWN_NAME = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.IGNORECASE)

OTHER_HOST = (
    "This emulator does not answer for the host {name!r}. If that is its name, start it with --allow-host {name}, or in "
    "Python with serve(hosts=[{name!r}])."
)
OTHER_PAGE = (
    "The control side of the emulator answers programs and its own page, not the pages of others. If this request is none of "
    "a browser, or comes through a proxy of yours, send the header X-Monite-Emulator: 1."
)


def checked_hosts(hosts: Iterable[str]) -> tuple[str, ...]:
    """Return host names to answer for.

    Raises:
        ValueError: one of them would never be that of a request.
        TypeError: they are one text.

    """
    if isinstance(hosts, str):
        raise TypeError(f"hosts is a list of names, and not one: hosts=[{hosts!r}]")
    names = tuple(hosts)
    for name in names:
        if not (OWN_NAME.fullmatch(name) or _is_address(name)):
            raise ValueError(
                f"A host to answer for is a name as in a URL, in ASCII and without http:// or a port: monite.example.com, or "
                f"*.example.com for all names below example.com. No request would ever be for {name!r}"
            )
    return names


class Guard:
    """ASGI middleware that refuses foreign hosts, and foreign pages on the control side.

    Args:
        app: the application behind it.
        hosts: further host names to answer for. `*.example.com` stands for all names below example.com.

    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"localhost").decode("latin-1")  # no browser leaves it out
        served_at, _ = scope.get("server") or ("", None)
        if not _is_ours(host, str(served_at).lower(), self._hosts):
            return _refused(421, OTHER_HOST.format(name=_name(host) or host))
        path = scope["path"]
        if path.startswith(CONTROL) and not LINKED.fullmatch(path) and _is_for_another_page(headers):
            return _refused(403, OTHER_PAGE)
        return None


@lru_cache(64)
def _is_ours(host: str, served_at: str, hosts: frozenset[str]) -> bool:
    """Return whether no stranger can own the name: an address, a name of this machine or network, or one of `hosts`."""
    name = _name(host)
    return (
        name is not None
        and (
            "." not in name  # localhost, and services of docker compose
            or name.endswith((".localhost", ".internal"))
            or name == served_at
            or name in hosts
            or any(each.startswith("*.") and name.endswith(each[1:]) for each in hosts)
            or _is_address(name)
        )
    )


def _name(host: str) -> str | None:
    """Return the name in a `Host` header, or None if it is malformed."""
    found = HOST.fullmatch(host)
    return found["name"].lower().strip("[]").removesuffix(".") if found else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_for_another_page(headers: dict[bytes, bytes]) -> bool:
    """Return whether a browser sends this for a page that is not the emulator's own.

    Browsers say so by `Sec-Fetch-Site`, and where they do not send it (plain http, by another name than localhost), by
    `Origin` with everything that changes something. `none` stands for an address that somebody has typed.
    """
    if headers.get(HEADER):
        return False
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if site is not None:
        return site not in {b"same-origin", b"none"}
    return (
        origin is not None
        and origin.partition(b"://")[2].lower() != headers.get(b"host", b"localhost").lower()
    )


def _refused(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": {"message": message}}, status)
