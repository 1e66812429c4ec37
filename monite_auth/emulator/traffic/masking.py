"""Masks the secrets and tokens of a request or an answer, before it is kept: in headers, queries and bodies, whole or cut off."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, quote_plus

MASK = "…"
NAMES = frozenset({"access_token", "token", "client_secret", "secret", "password"})
#: A value that ends with its quotation mark, or where the text was cut off.
_IN_TEXT = re.compile(r'("(?:' + "|".join(sorted(NAMES)) + r')"\s*:\s*")((?:[^"\\]|\\.)*)', re.DOTALL)
_COOKIES = frozenset({"cookie", "set-cookie"})
_CREDENTIALS = frozenset({"authorization", "proxy-authorization"})


def masked_header(name: str, value: str) -> str:
    """Return the value of a header. A scheme and the names of cookies stay."""
    if name.lower() in _COOKIES:
        return "; ".join(pair.partition("=")[0] + f"={MASK}" for pair in value.split("; "))
    if name.lower() in _CREDENTIALS:
        scheme, _, secret = value.strip().partition(" ")
        return f"{scheme} {_short(secret)}" if secret else MASK
    return value


def masked_query(text: str) -> str:
    """Return a query, or the text of a form."""
    pairs = parse_qsl(text, keep_blank_values=True)
    if not any(name in NAMES for name, _ in pairs):
        return text
    return "&".join(
        f"{quote_plus(name)}={_masked(name, value) if name in NAMES else quote_plus(value)}"
        for name, value in pairs
    )


def masked_body(text: str, content_type: str) -> str:
    """Return a body. It is as it was sent where there is no secret in it."""
    if content_type.startswith("application/x-www-form-urlencoded"):
        return masked_query(text)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _IN_TEXT.sub(lambda match: match[1] + _masked(match[1], match[2]), text)
    masked = _masked_within(value)
    return text if masked == value else json.dumps(masked, separators=(",", ":"), ensure_ascii=False)


def _masked_within(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _masked(name, each) if name in NAMES and each is not None else _masked_within(each)
            for name, each in value.items()
        }
    return [_masked_within(each) for each in value] if isinstance(value, list) else value


def _masked(name: str, value: Any) -> str:
    """Return what stands for a secret. A token keeps its last four characters, by which the ledger shows it."""
    return _short(value) if "token" in name and isinstance(value, str) and len(value) > 8 else MASK


def _short(secret: str) -> str:
    return MASK + secret[-4:] if len(secret) > 8 else MASK
