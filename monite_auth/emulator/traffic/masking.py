"""Masks the secrets and tokens of a request or an answer, before it is kept: in headers, queries and bodies, whole or cut off.

They are found by their names, in whatever form a slip of the client's has sent them: JSON as a form, a form as JSON, a secret in an
array. What the emulator knows as a secret or a token is found by its value, too, wherever it stands.
"""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

MASK = "…"
#: The end of the name of something secret. Not that of the token of a page of a list, nor `token_type`.
_NAME = "(?:secret|password|api[-_]?key|(?<!pagination_)token|authorization)"
_ENDS_NAME = re.compile(rf"{_NAME}\Z", re.IGNORECASE)
#: Such a name and what follows it in a text that is nothing else: up to its quotation mark, or to where it was cut off.
_IN_TEXT = re.compile(
    rf"""({_NAME}["'\\]*\s*[:=][\s\[]*)"""
    r"""("(?:[^"\\]|\\.)*|'(?:[^'\\]|\\.)*|\\+"(?:(?!\\+").)*|(?:(?:bearer|basic)[\s+]+)?[^\s"'\\&;,}\]]+)""",
    re.IGNORECASE | re.DOTALL,
)
#: The same in a part of a multipart form.
_IN_PART = re.compile(
    rf"""(name="?[\w-]{{0,40}}?{_NAME}"?(?:[^\r\n]*\r?\n){{1,4}}?\r?\n)(.*?)(?=\r?\n--|\Z)""",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
#: How many characters the emulator's tokens have, and what they look like.
TOKEN = 43
_WORD = re.compile(rf"(?<![\w-])[\w-]{{{TOKEN}}}(?![\w-])", re.ASCII)
_COOKIES = frozenset({"cookie", "set-cookie"})
# A shorter secret would be found in words that have nothing to do with it.
_LENGTH = 8


class Masker:
    """Masks texts, with what an emulator knows.

    Args:
        secrets: the secrets that there are.
        is_token: whether a text is a token.

    """

    def __init__(self, secrets: frozenset[str], is_token: Callable[[str], bool]) -> None:
        self.secrets = secrets
        self._is_token = is_token
        written = {
            each
            for secret in secrets
            if len(secret) >= _LENGTH
            for each in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret))
        }
        #: How many characters the longest of them has. The end of a text that was cut off may have the beginning of one.
        self.longest = max(map(len, written | {"x" * TOKEN}))
        alternatives = "|".join(re.escape(each) for each in sorted(written, key=len, reverse=True))
        self._known = re.compile(alternatives or "(?!)")

    def header(self, name: str, value: str) -> str:
        """Return the value of a header. A scheme and the names of cookies stay."""
        if name.lower() in _COOKIES:
            return "; ".join(pair.partition("=")[0] + f"={MASK}" for pair in value.split("; "))
        if _ENDS_NAME.search(name):
            scheme, _, secret = value.strip().partition(" ")
            return f"{scheme} {_short(secret.strip())}" if secret else MASK
        return self.known(value)

    def query(self, text: str) -> str:
        """Return a query, or the text of a form."""
        pairs = parse_qsl(text, keep_blank_values=True)
        if any(_ENDS_NAME.search(name) for name, _ in pairs):
            text = "&".join(
                f"{quote_plus(name)}={_masked(name, value) if _ENDS_NAME.search(name) else quote_plus(value)}"
                for name, value in pairs
            )
        return self.known(text)

    def body(self, text: str, content_type: str) -> str:
        """Return a body. It is as it was sent where there is no secret in it."""
        if content_type.lower().startswith("application/x-www-form-urlencoded"):
            text = self.query(text)
        try:
            value = json.loads(text)
            masked = _masked_within(value)
            if masked != value:
                text = json.dumps(masked, separators=(",", ":"), ensure_ascii=False)
        except (ValueError, RecursionError):
            text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
            text = _IN_PART.sub(lambda found: found[1] + MASK, text)
        text = self.known(_IN_TEXT.sub(_masked_in_text, text))
        # JSON can name half a surrogate pair, which no text of ours can hold.
        return text.encode("utf-8", "backslashreplace").decode()

    def known(self, text: str) -> str:
        """Return a text without the secrets and tokens that the emulator knows."""
        text = self._known.sub(MASK, text)
        return _WORD.sub(lambda found: _short(found[0]) if self._is_token(found[0]) else found[0], text)


def _masked_within(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _masked(name, each)
            if _ENDS_NAME.search(name) and each is not None
            else _masked_within(each)
            for name, each in value.items()
        }
    return [_masked_within(each) for each in value] if isinstance(value, list) else value


def _masked_in_text(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    opening = re.match(r"""\\*["']?""", value)
    assert opening
    value = value[opening.end() :]
    return name + opening[0] + (value if value.startswith(MASK) else _masked(name, value))


def _masked(name: str, value: Any) -> str:
    """Return what stands for a secret. A token keeps its last four characters, by which the ledger shows it."""
    return _short(value) if "token" in name.lower() and isinstance(value, str) else MASK


def _short(secret: str) -> str:
    return MASK + secret[-4:] if len(secret) > _LENGTH else MASK
