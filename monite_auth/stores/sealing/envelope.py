"""The envelope of an account: its data key, wrapped by every key that may open it.

When a key is taken out of the configuration, the first process to open the envelope without it takes its wrapping out and
*renews* the data key: with the old key nothing opens any more that is sealed from then on. What was sealed before stays
readable, since the former data keys lie in the envelope, sealed with the present one.

Wrappings are numbered in the order in which they came. The number keeps a worker that still runs with an older configuration
from mistaking a newer key for one that was taken out.
"""

import hashlib
import secrets
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from monite_auth.errors import ConfigurationError
from monite_auth.stores.sealing.seal import (
    KEY_BYTES,
    NONCE_BYTES,
    Seal,
    cipher_of,
    data_key_id,
    derive,
    names_key_of,
)
from monite_auth.tokens import Secret

__all__ = [
    "NEW_PAIR",
    "REOPEN_INTERVAL",
    "WRAPPED_BYTES",
    "ChangingKeys",
    "Content",
    "Envelope",
    "Keys",
    "Opened",
    "no_key_opens",
]


@runtime_checkable
class ChangingKeys(Protocol):
    """Keys that change while the process runs: `Settings.credentials` reads them from files, for example."""

    def opening_keys(self) -> Sequence[Secret]:
        """Return the present keys: the first seals, all open. This is asked at each opening of an envelope."""

    def look_again(self, opens: Callable[[Secret], bool]) -> bool:
        """Look for a new key that `opens` the envelope; return True if `opening_keys` has it from now on."""


Keys = Sequence[Secret] | Callable[[], Sequence[Secret]] | ChangingKeys
"""Keys, or a source of keys that is asked at each opening of an envelope. The first key seals, all open."""

WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + 16  # and its tag

REOPEN_INTERVAL = 60.0
"""Seconds after which a store opens the envelope again: keys in files change while the process runs."""

NEW_PAIR = (
    "This account is new to the token store, and its keys open another account there. Did Monite give you a new pair of client ID "
    "and secret for the same account? Then set MONITE_ACCOUNT to the client ID that you had first, or all users log in again, "
    "and tokens of the former pair are left to expire. If they are two accounts, give each a key of its own."
)
"""The warning for an account that is new to a store, and whose keys open another account's envelope there."""

Content = Mapping[str, bytes]
"""An envelope as it lies in the store, by field: wrapped data keys by the ID of the key that wraps them, the names key, and
former data keys."""

NAMES, FORMER = "names", "former:"
"""Fields of an envelope that are no wrappings; IDs of keys are hexadecimal."""


def no_key_opens(store: str) -> ConfigurationError:
    """Return the error for an account whose envelope in `store` opens with none of its keys."""
    return ConfigurationError(
        f"What this account has in {store} was sealed with a key that is not here. Was MONITE_CLIENT_SECRET or "
        "MONITE_STORE_KEYS changed? Add the former client secret or key to MONITE_STORE_KEYS, behind the new one; or "
        "choose another MONITE_STORE_URL to start anew: what was still to be revoked in this one is then left to expire."
    )


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope that was opened. `content` has to lie in the store from now on; often it already does."""

    seal: Seal
    content: dict[str, bytes]

    def without_formers(self) -> "Opened":
        """Return it without the former data keys, for a store that has sealed everything of theirs anew.

        Somebody with an old copy of the store and its old key knows those data keys, so they should open nothing.
        """
        content = {name: value for name, value in self.content.items() if not name.startswith(FORMER)}
        return Opened(self.seal.without_formers(), content)


class Envelope:
    """The keys that may open a store's envelopes: the first wraps, all open.

    A key is any text with enough randomness in it: a client secret, or 32 random bytes written out.
    """

    def __init__(self, keys: Keys) -> None:
        self._names: bytes | None = None
        self._look_again: Callable[[Callable[[Secret], bool]], bool] | None = None
        self._keys: Callable[[], Sequence[Secret]]
        if isinstance(keys, ChangingKeys):
            self._keys, self._look_again = keys.opening_keys, keys.look_again
        elif callable(keys):
            self._keys = keys
        else:
            if not all(isinstance(key, Secret) for key in keys):
                raise ConfigurationError(
                    'The keys of a store are Secrets: pass keys=settings.sealing_keys, or [Secret("…")].'
                )
            self._keys = lambda: keys

    def take_names(self, names_key: Secret) -> None:
        """Have envelopes make names with the names key of another store from now on, those too that have another one now.

        What has been named before is not found any more under its name.
        """
        self._names = bytes.fromhex(names_key.reveal())

    def new(self) -> Opened:
        """Return an envelope for an account that is new to the store."""
        first, *_ = wrappers = _wrappers(self._keys())
        if self._names is not None:
            return _renewed({first: 1}, wrappers, self._names, [])
        data_key = secrets.token_bytes(KEY_BYTES)
        return Opened(Seal(data_key), {first: _wrap(wrappers[first], data_key, 1)})

    def open(self, content: Content) -> Opened | None:
        """Open an envelope; return None when no key of ours fits.

        The store must hold the returned `content` before anything is sealed: it differs where one of our keys was new to
        the envelope, or where a key was taken out that is no longer ours.
        """
        opened = self._open_with(_wrappers(self._keys()), content)
        if opened is None and self._look_again is not None and self._look_again(partial(_opens, content)):
            opened = self._open_with(_wrappers(self._keys()), content)
        return opened

    def _open_with(self, wrappers: dict[str, AESGCM], content: Content) -> Opened | None:
        for key_id, wrapper in wrappers.items():
            if key_id in content:
                # It may be tampered with, or cut short.
                with suppress(InvalidTag, ValueError, TypeError, OverflowError):
                    return self._opened(dict(content), wrappers, _unwrap(wrapper, content[key_id]))
        return None

    def _opened(self, content: dict[str, bytes], wrappers: dict[str, AESGCM], data_key: bytes) -> Opened:
        cipher = cipher_of(data_key)
        formers = [_open(cipher, value, FORMER) for name, value in content.items() if name.startswith(FORMER)]
        names = _open(cipher, content[NAMES], NAMES) if NAMES in content else names_key_of(data_key)
        numbers = {name: _number(value) for name, value in content.items() if _is_wrapping(name)}
        first = next(iter(wrappers))
        if _should_be_newest(first, numbers, wrappers):
            numbers[first] = max(numbers.values()) + 1
            content[first] = _wrap(wrappers[first], data_key, numbers[first])
        newest = max(number for name, number in numbers.items() if name in wrappers)
        if self._names is not None and names != self._names:
            kept = {name: number for name, number in numbers.items() if name in wrappers}
            return _renewed(kept, wrappers, self._names, [data_key, *formers])
        strange = {name: number for name, number in numbers.items() if name not in wrappers}
        # A process whose key is newer than all of ours has a newer configuration: it will do the clearing up.
        if not strange or max(strange.values()) > newest:
            return Opened(Seal(data_key, names, formers), content)
        kept = {name: number for name, number in numbers.items() if name in wrappers}
        return _renewed(kept, wrappers, names, [data_key, *formers])


def _wrappers(keys: Iterable[Secret]) -> dict[str, AESGCM]:
    """Return the ciphers that wrap and unwrap, by the names that they have in an envelope."""
    wrappers = {}
    for key in keys:
        material = derive(key.reveal().encode(), b"wrap")
        wrappers[hashlib.sha256(material).hexdigest()[:16]] = AESGCM(material)
    return wrappers


def _opens(content: Content, key: Secret) -> bool:
    """Say whether a key opens an envelope."""
    ((key_id, wrapper),) = _wrappers([key]).items()
    with suppress(KeyError, InvalidTag, ValueError, TypeError):
        return bool(_unwrap(wrapper, content[key_id]))
    return False


def _should_be_newest(first: str, numbers: Mapping[str, int], ours: Container[str]) -> bool:
    """Say whether the first key has to be the newest wrapping from now on, so that others may take out older ones."""
    if first not in numbers:
        return True
    not_older = [name for name, number in numbers.items() if name != first and number >= numbers[first]]
    return bool(not_older) and all(name in ours or numbers[name] == 0 for name in not_older)


def _renewed(
    numbers: Mapping[str, int], wrappers: Mapping[str, AESGCM], names: bytes, formers: Sequence[bytes]
) -> Opened:
    """Return the envelope of a new data key, for the keys in `numbers`."""
    data_key = secrets.token_bytes(KEY_BYTES)
    cipher = cipher_of(data_key)
    content = {name: _wrap(wrappers[name], data_key, number) for name, number in numbers.items()}
    content[NAMES] = _close(cipher, names, NAMES)
    content |= {FORMER + data_key_id(each): _close(cipher, each, FORMER) for each in formers}
    return Opened(Seal(data_key, names, formers), content)


def _is_wrapping(field: str) -> bool:
    return field != NAMES and not field.startswith(FORMER)


def _wrap(wrapper: AESGCM, data_key: bytes, number: int) -> bytes:
    return _close(wrapper, data_key, "data key") + number.to_bytes(4)


def _unwrap(wrapper: AESGCM, wrapped: bytes) -> bytes:
    return _open(wrapper, wrapped[:WRAPPED_BYTES], "data key")


def _number(wrapped: bytes) -> int:
    """Return a wrapping's number. Wrappings of older versions have none, and come before all others."""
    return int.from_bytes(wrapped[WRAPPED_BYTES:])


def _close(cipher: AESGCM, key: bytes, purpose: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, key, purpose.encode())


def _open(cipher: AESGCM, closed: bytes, purpose: str) -> bytes:
    return cipher.decrypt(closed[:NONCE_BYTES], closed[NONCE_BYTES:], purpose.encode())
