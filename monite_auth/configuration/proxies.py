"""The proxy to Monite and the certificates to trust, from the environment.

The variables are those of curl. They are read here and not left to the HTTP library, for two reasons. Only one host is called, so
only the variables that concern it can be wrong; httpx reads all of them. And each mistake is a ConfigurationError here, with the
name of the variable and without its value, which can hold a password.
"""

import importlib.util
import ipaddress
import os
import re
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from monite_auth.configuration.discretion import discreet
from monite_auth.errors import ConfigurationError
from monite_auth.settings import Settings
from monite_auth.tokens import MaskedUrl

__all__ = ["connection_options", "is_excepted", "proxy_for", "transport_options", "trusted_certificates"]

SCHEMES = ("http", "https", "socks5", "socks5h")

HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", re.ASCII)

HASHED = re.compile(r"[0-9a-f]{8}\.r?[0-9]+")
"""The names that OpenSSL looks for in a directory of certificates; `openssl rehash` makes them."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


def connection_options(settings: Settings, given: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
    """Return options for a client, or a transport, of httpx or httpx2, so that it does not read the environment itself.

    `given`: options that the caller has chosen; the variables that they replace are not read. Raises ConfigurationError.
    """
    if "transport" in given or not given.get("trust_env", True):
        return {}
    found: dict[str, Any] = {"trust_env": False}
    if "proxy" not in given:
        found["proxy"] = proxy_for(settings)
    if "verify" not in given:
        found["verify"] = trusted_certificates(settings)
    return found


def transport_options(settings: Settings, usual: Callable[..., ssl.SSLContext]) -> dict[str, Any]:
    """Return the arguments for transports: where their connections go, and whom they trust. Raises ConfigurationError.

    `usual`: the HTTP library's `create_ssl_context`, for the usual certificates; each transport would read them by itself.
    """
    options = connection_options(settings)
    if options["verify"] is True:
        options["verify"] = usual(trust_env=False)
    return options


@discreet
def proxy_for(settings: Settings) -> str | None:
    """Return the URL of the proxy between here and Monite, or None; raise ConfigurationError."""
    url = urlsplit(settings.base_url)
    if settings.is_local or url.hostname is None:
        return None
    proxies = getproxies()
    scheme = url.scheme if proxies.get(url.scheme) else "all"
    proxy = proxies.get(scheme)
    if (
        not proxy
        or is_excepted(proxies.get("no", ""), url.hostname, url.port or 443)
        or proxy_bypass(url.hostname)
    ):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"  # as curl does
    problem = _proxy_problem(proxy)
    if problem:
        raise ConfigurationError(f"{_variable(scheme)} {problem}")
    return MaskedUrl(proxy)  # locals of frames show it: what is wrong with a certificate is found after it


def is_excepted(no_proxy: str, host: str, port: int) -> bool:
    """Return whether NO_PROXY excepts a host, as curl reads it. Entries that cannot be understood except nothing.

    It has hosts, domains, addresses and networks, separated by commas or white space. A port may follow each; `*` is everything.
    """
    return any(
        _excepts(entry.lower(), host.lower().rstrip("."), port) for entry in re.split(r"[,\s]+", no_proxy)
    )


def _excepts(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    entry = entry.rpartition("://")[2]
    if with_port := re.fullmatch(r"([^:]+|\[.+\]):([0-9]+)", entry):
        return int(with_port[2]) == port and _excepts(with_port[1], host, port)
    with suppress(ValueError):
        network = ipaddress.ip_network(entry.replace("[", "").replace("]", ""), strict=False)
        try:
            return ipaddress.ip_address(host) in network
        except ValueError:  # the host is a name
            return False
    domain = entry.removeprefix("*").strip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _proxy_problem(proxy: str) -> str | None:
    """Return what is wrong with the URL of a proxy, to be read after the variable's name, or None."""
    write = "write it as http://host:port"
    if not proxy.isascii() or not proxy.isprintable() or " " in proxy:
        return f"has characters in it that no URL has: {write}."
    try:
        url = urlsplit(proxy)
        host, _port = url.hostname, url.port
    except ValueError:
        return f"is no URL: {write}; in a password, write special characters as %40 and so on."
    if not url.scheme:
        return f"is no URL: {write}."
    if url.scheme not in SCHEMES:
        more = " (as socks5://host:port, it would be a SOCKS proxy)" if url.scheme.startswith("socks") else ""
        return f"begins with {url.scheme}://, which cannot be used{more}: it takes {', '.join(SCHEMES)}."
    if not host or not _is_host(host):
        return f"names no host: {write}; in a password, write special characters as %40 and so on."
    if url.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        return "is a SOCKS proxy, which needs a package more: pip install 'httpx[socks]'."
    return None


def _is_host(host: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return HOST.fullmatch(host) is not None


def _variable(scheme: str) -> str:
    """Return the name of the variable that a proxy came from. If both spellings are set, the lower-case one counts."""
    names = sorted(
        (name for name, value in os.environ.items() if name.lower() == f"{scheme}_proxy" and value),
        key=lambda name: not name.islower(),
    )
    return names[0] if names else "The proxy in the system's settings"


@discreet
def trusted_certificates(settings: Settings) -> ssl.SSLContext | bool:
    """Return the certificates that SSL_CERT_FILE or SSL_CERT_DIR name; True for those that the HTTP library trusts by default.

    Raises:
        ConfigurationError: there are no certificates to use where the variable says.

    """
    if settings.base_url.startswith("http:"):
        return True
    if file := os.environ.get("SSL_CERT_FILE"):
        try:
            return ssl.create_default_context(cafile=file)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            why = "there is no certificate in it" if isinstance(error, ssl.SSLError) else error
            raise ConfigurationError(
                f"SSL_CERT_FILE names a file that cannot be used ({getattr(why, 'strerror', why)}): it takes the path of a "
                "PEM file with certificates. Without the variable, the usual ones are trusted."
            ) from None
    if directories := os.environ.get("SSL_CERT_DIR"):
        if not any(_has_certificates(each) for each in directories.split(os.pathsep)):
            raise ConfigurationError(
                "SSL_CERT_DIR names no directory with certificates under their hashed names: make these with `openssl rehash`. "
                "Without the variable, the usual ones are trusted."
            )
        return ssl.create_default_context(capath=directories)
    return True


def _has_certificates(directory: str) -> bool:
    try:
        return any(HASHED.fullmatch(each.name) for each in Path(directory).iterdir())
    except OSError:
        return False
