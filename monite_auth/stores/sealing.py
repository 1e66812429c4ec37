"""Encryption at rest, for the stores that leave the process: what lies there opens only with the partner's keys.

Two layers, as in an envelope. Each account of a store has one random *data key*, which seals its tokens. It lies in the
store itself, *wrapped* by every key that may open it. So a key can be changed without touching a row: whoever opens the
envelope with an old key wraps it with the new one as well.

When a key is taken out of the configuration, the first to open the envelope without it takes its wrapping out and
*renews* the data key: with the old key nothing opens any more that is sealed from then on. What was sealed before stays
readable, since the former data keys lie in the envelope, sealed with the present one. Wrappings are numbered in the order in
which they came: a worker that still runs with an older configuration must not take a newer key for one that was taken out.

Names in the store are keyed digests: no user id, session id or token stands in one, and nobody can try names out
without the *names key*. It is derived from an account's first data key, and outlives that: a name must stay what it is.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from monite_auth.identity import PARTNER, EntityUser, Partner
from monite_auth.tokens import AccessToken, Secret

__all__ = ["NEW_PAIR", "ChangingKeys", "Content", "Envelope", "Keys", "Opened", "Seal", "SealBroken"]


@runtime_checkable
class ChangingKeys(Protocol):
    """Keys that may be others by now; `Settings.credentials` are."""

    def opening_keys(self) -> Sequence[Secret]:
        """Return what seals, the first, and what else opens; it is asked at each opening of an envelope."""

    def look_again(self, opens: Callable[[Secret], bool]) -> bool:
        """Look for a key that opens what none of these does, and say whether it is one of them from now on."""


Keys = Sequence[Secret] | Callable[[], Sequence[Secret]] | ChangingKeys
"""What seals, the first, and what else opens."""

KEY_BYTES = 32  # AES-256
NONCE_BYTES = 12  # what AES-GCM is made for (NIST SP 800-38D, section 8.2)
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + 16  # and its tag


class SealBroken(Exception):
    """A sealed value does not open: it was changed, moved to another place, or sealed by another key."""


class Seal:
    """Seals values of one account with its data key, and turns names into digests.

    `names`: the names key, where it is not the data key's own. `formers`: data keys that were in force before.
    """

    def __init__(self, data_key: bytes, names: bytes | None = None, formers: Sequence[bytes] = ()) -> None:
        self._ciphers = [_cipher(each) for each in (data_key, *formers)]
        self._names = names or _derive(data_key, b"names")
        self.id = _id(data_key)
        """Names the data key."""
        self.knows = frozenset(_id(each) for each in (data_key, *formers))
        """Names the data keys that values may be sealed with and open here."""

    def without_formers(self) -> "Seal":
        """Return a seal that no longer opens what former data keys sealed."""
        seal = copy(self)
        seal._ciphers = self._ciphers[:1]  # noqa: SLF001 - it is one of us
        seal.knows = frozenset([self.id])
        return seal

    def seal(self, text: str, *place: str) -> bytes:
        """Return `text` sealed for this place only: for a slot's name and a token's fingerprint, say."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, text.encode(), _joined(place))

    def open(self, sealed: bytes, *place: str) -> str:
        """Return what was sealed for this place; raise SealBroken for anything else."""
        for cipher in self._ciphers:
            with suppress(InvalidTag, ValueError):
                return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _joined(place)).decode()
        raise SealBroken(
            "A sealed value does not open here: it was changed or moved, or another key sealed it."
        )

    def seal_token(self, place: str, token: AccessToken) -> bytes:
        """Return a token's value and entity user, sealed for a slot and for being this very token."""
        person = token.entity_user
        content: dict[str, str | None] = {"value": token.value.reveal()}
        if person is not None:
            content |= {"entity_user_id": person.entity_user_id, "entity_id": person.entity_id}
        return self.seal(json.dumps(content), place, self.name(token.fingerprint))

    def open_token(self, sealed: bytes, place: str, print_name: str) -> tuple[Secret, EntityUser | None]:
        """Return what `seal_token` sealed; `print_name` is the name of the token's fingerprint."""
        content = json.loads(self.open(sealed, place, print_name))
        person = (
            EntityUser(content["entity_user_id"], content["entity_id"]) if "entity_id" in content else None
        )
        return Secret(content["value"]), person

    def name(self, *parts: str | Partner | None) -> str:
        """Return a digest that stands for these parts, 128 bits as text for keys."""
        digest = hmac.digest(self._names, _joined(parts), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


NEW_PAIR = (
    "This account is new to the token store, and its keys open another account there. Did Monite give you a new pair of client ID "
    "and secret for the same account? Then set MONITE_ACCOUNT to the client ID that you had first, or all users log in again, "
    "and tokens of the former pair are left to expire. If they are two accounts, give each a key of its own."
)
"""What stores write in the log when an account is new to them, and its keys are another one's."""

Content = Mapping[str, bytes]
"""An envelope as it lies in the store, by field: wrapped data keys by the id of the key that wraps them, the names key, and
former data keys."""

NAMES, FORMER = "names", "former:"
"""Fields of an envelope that are no wrappings; ids of keys are hexadecimal."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope that was opened. `content` is what has to lie in the store from now on: often what already does."""

    seal: Seal
    content: dict[str, bytes]

    def without_formers(self) -> "Opened":
        """Return it without the former data keys, for a store that has sealed anew whatever they had sealed.

        Who has an old copy of the store and its old key, knows those keys: they had better open nothing.
        """
        content = {name: value for name, value in self.content.items() if not name.startswith(FORMER)}
        return Opened(self.seal.without_formers(), content)


class Envelope:
    """The keys that may open a store's envelopes: the first wraps, all open.

    A key is any text with enough chance in it: a client secret, or 32 random bytes written out. `keys` may be a function,
    which is asked at each opening, or ChangingKeys: keys in files change.
    """

    def __init__(self, keys: Keys) -> None:
        self._look_again: Callable[[Callable[[Secret], bool]], bool] | None = None
        self._keys: Callable[[], Sequence[Secret]]
        if isinstance(keys, ChangingKeys):
            self._keys, self._look_again = keys.opening_keys, keys.look_again
        else:
            self._keys = keys if callable(keys) else lambda: keys

    def new(self) -> Opened:
        """Return an envelope for an account that is new to the store."""
        data_key = secrets.token_bytes(KEY_BYTES)
        first, *_ = wrappers = _wrappers(self._keys())
        return Opened(Seal(data_key), {first: _wrap(wrappers[first], data_key, 1)})

    def open(self, content: Content) -> Opened | None:
        """Open an envelope; return None when no key of ours fits.

        The store must hold what comes back as `content` before anything is sealed: a key of ours may have been new to it,
        or one that is ours no longer may have been taken out.
        """
        opened = self._open_with(_wrappers(self._keys()), content)
        if opened is None and self._look_again is not None and self._look_again(partial(_opens, content)):
            opened = self._open_with(_wrappers(self._keys()), content)
        return opened

    def _open_with(self, wrappers: dict[str, AESGCM], content: Content) -> Opened | None:
        for key_id, wrapper in wrappers.items():
            if key_id in content:
                with suppress(InvalidTag, ValueError):  # tampered with, or cut short
                    return self._opened(dict(content), wrappers, _unwrap(wrapper, content[key_id]))
        return None

    def _opened(self, content: dict[str, bytes], wrappers: dict[str, AESGCM], data_key: bytes) -> Opened:
        cipher = _cipher(data_key)
        formers = [_open(cipher, value, FORMER) for name, value in content.items() if name.startswith(FORMER)]
        names = _open(cipher, content[NAMES], NAMES) if NAMES in content else _derive(data_key, b"names")
        numbers = {name: _number(value) for name, value in content.items() if _is_wrapping(name)}
        first = next(iter(wrappers))
        if _should_be_newest(first, numbers, wrappers):
            numbers[first] = max(numbers.values()) + 1
            content[first] = _wrap(wrappers[first], data_key, numbers[first])
        newest = max(number for name, number in numbers.items() if name in wrappers)
        strange = {name: number for name, number in numbers.items() if name not in wrappers}
        # Whoever's key is newer than all of ours runs with a newer configuration: it is for them to clear up.
        if not strange or max(strange.values()) > newest:
            return Opened(Seal(data_key, names, formers), content)
        kept = {name: number for name, number in numbers.items() if name in wrappers}
        return _renewed(kept, wrappers, names, [data_key, *formers])


def _wrappers(keys: Iterable[Secret]) -> dict[str, AESGCM]:
    """Return what wraps and unwraps, by the name that it has in an envelope."""
    wrappers = {}
    for key in keys:
        material = _derive(key.reveal().encode(), b"wrap")
        wrappers[hashlib.sha256(material).hexdigest()[:16]] = AESGCM(material)
    return wrappers


def _opens(content: Content, key: Secret) -> bool:
    """Say whether a key opens an envelope."""
    ((key_id, wrapper),) = _wrappers([key]).items()
    with suppress(KeyError, InvalidTag, ValueError):
        return bool(_unwrap(wrapper, content[key_id]))
    return False


def _should_be_newest(first: str, numbers: Mapping[str, int], ours: Container[str]) -> bool:
    """Say whether the first key has to be wrapped with (again): others may take out what is older than it."""
    if first not in numbers:
        return True
    not_older = [name for name, number in numbers.items() if name != first and number >= numbers[first]]
    return bool(not_older) and all(name in ours or numbers[name] == 0 for name in not_older)


def _renewed(
    numbers: Mapping[str, int], wrappers: Mapping[str, AESGCM], names: bytes, formers: Sequence[bytes]
) -> Opened:
    """Return the envelope of a new data key, for the keys in `numbers`."""
    data_key = secrets.token_bytes(KEY_BYTES)
    cipher = _cipher(data_key)
    content = {name: _wrap(wrappers[name], data_key, number) for name, number in numbers.items()}
    content[NAMES] = _close(cipher, names, NAMES)
    content |= {FORMER + _id(each): _close(cipher, each, FORMER) for each in formers}
    return Opened(Seal(data_key, names, formers), content)


def _is_wrapping(field: str) -> bool:
    return field != NAMES and not field.startswith(FORMER)


def _wrap(wrapper: AESGCM, data_key: bytes, number: int) -> bytes:
    return _close(wrapper, data_key, "data key") + number.to_bytes(4)


def _unwrap(wrapper: AESGCM, wrapped: bytes) -> bytes:
    return _open(wrapper, wrapped[:WRAPPED_BYTES], "data key")


def _number(wrapped: bytes) -> int:
    """Return a wrapping's number; those of older versions have none, and come before all others."""
    return int.from_bytes(wrapped[WRAPPED_BYTES:])


def _close(cipher: AESGCM, key: bytes, purpose: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, key, purpose.encode())


def _open(cipher: AESGCM, closed: bytes, purpose: str) -> bytes:
    return cipher.decrypt(closed[:NONCE_BYTES], closed[NONCE_BYTES:], purpose.encode())


def _cipher(data_key: bytes) -> AESGCM:
    return AESGCM(_derive(data_key, b"seal"))


def _id(data_key: bytes) -> str:
    return hashlib.sha256(_derive(data_key, b"id")).hexdigest()[:16]


def _derive(key: bytes, purpose: bytes) -> bytes:
    """Derive a key for one purpose (HKDF, RFC 5869)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"monite-auth 1 " + purpose).derive(key)


def _joined(parts: Sequence[str | Partner | None]) -> bytes:
    """Write parts so that no two lists of parts are written alike; PARTNER is written as nothing."""
    written = b""
    for part in parts:
        if part is None or part is PARTNER:
            written += b"-"
            continue
        raw = part.encode("utf-8", "surrogatepass")
        written += b"%d:%b" % (len(raw), raw)
    return written
