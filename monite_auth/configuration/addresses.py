"""Base URLs: whether Monite is on this machine, in the same private network, or on the internet.

http carries the client secret and every token unencrypted, so it is for this machine only. There is one exception: an emulator
that is a service of its own (docker compose, a devcontainer, Kubernetes) has a name in a private network, and http reaches it
with the emulator's demo credentials, and with no others. So a test's base URL that is left in place never sends a real secret.
"""

import ipaddress
import re
from urllib.parse import urlsplit

__all__ = ["DEFAULT_PORTS", "base_url_problem", "is_local", "is_private_network", "is_this_machine"]

DEFAULT_PORTS = {"http": 80, "https": 443}
"""Ports that an origin is written without (RFC 6454, section 6.1)."""

PRIVATE_NETWORKS = tuple(
    ipaddress.ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
"""Addresses that no router of the internet forwards: RFC 1918, RFC 4193."""

PRIVATE_DOMAINS = (".internal", ".local", ".home.arpa", ".test", ".svc")
"""Names that the public DNS never has: ICANN's resolution 2024.07.29.06 (`host.docker.internal`), RFC 6762, RFC 8375,
RFC 6761; and Kubernetes' own, which it also writes in short."""

SERVICE = re.compile(r"(?!([0-9]+|0x[0-9a-f]*)$)[a-z0-9]([a-z0-9_-]*[a-z0-9])?")
"""A name without a dot, such as a service of docker compose has. Numbers are no names: browsers and libc take them for
addresses."""

EVERY_ADDRESS = ipaddress.ip_address("0.0.0.0")  # noqa: S104 - it is compared, and not listened at
"""The address that `monite-auth emulator --host 0.0.0.0` prints. As a destination it is this machine, on most systems."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_this_machine(host: str | None) -> bool:
    """Return whether a host is this machine: 127.0.0.0/8, ::1, `localhost`, and all of `*.localhost` (RFC 6761, 6.3)."""
    name = (host or "").lower().rstrip(".")
    address = _address(name)
    return address.is_loopback if address else name == "localhost" or name.endswith(".localhost")


def is_private_network(host: str | None) -> bool:
    """Return whether a host can only be in a private network, by its address, a reserved domain, or a name without a dot."""
    name = (host or "").lower().rstrip(".")
    address = _address(name)
    if address:
        return address == EVERY_ADDRESS or any(address in network for network in PRIVATE_NETWORKS)
    return SERVICE.fullmatch(name) is not None or (name.isascii() and name.endswith(PRIVATE_DOMAINS))


def is_local(base_url: str) -> bool:
    """Return whether Monite is an emulator: on this machine, or reached over http. No proxy is used for it."""
    url = urlsplit(base_url)
    return url.scheme == "http" or is_this_machine(url.hostname)


def base_url_problem(base_url: object, *, is_demo: bool) -> str | None:
    """Return what is wrong with a base URL, or None. `is_demo`: the credentials are the emulator's own."""
    if not isinstance(base_url, str):
        return "base_url is no URL: write it as https://host/v1."
    try:
        url = urlsplit(base_url)
        host, _port = url.hostname, url.port
    except ValueError:
        return "base_url is no URL: write it as https://host/v1."
    # The URL itself is not repeated below: it may hold a password.
    if url.username is not None or url.password is not None:
        return "base_url holds a user name or password: take them out; tokens are what logs in."
    if url.query or url.fragment or "?" in base_url or "#" in base_url:
        return "base_url has a query or a fragment: it ends with the path, as in https://host/v1."
    if any(c.isspace() or not c.isprintable() for c in base_url):
        return "base_url has white space or control characters in it."
    if not host or url.scheme not in ("http", "https") or "[" in url.netloc[1:]:
        return "base_url is no web address: write it as https://host/v1."
    if url.scheme == "https" or is_this_machine(host):
        return None
    if not is_private_network(host):
        return (
            "base_url is http: use https, or secrets cross the network in the open (http is for this machine only, and "
            "for an emulator in the same private network)."
        )
    if not is_demo:
        return (
            "base_url is http: use https, or secrets cross the network in the open (to a host in the same private network "
            "http takes the emulator's demo credentials only: see `monite-auth emulator`)."
        )
    return None


def _address(name: str) -> Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
