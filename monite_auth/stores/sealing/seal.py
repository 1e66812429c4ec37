"""The seal: encrypts values of one account for their place (AES-GCM), and turns names into keyed digests.

The place is the associated data: a copy of a sealed value elsewhere does not open. Names in a store are digests: no user ID,
session ID or token stands in one, and nobody can try names out without the *names key*. That key is derived from an account's
first data key, and outlives it: a name must stay the same when the data key is renewed.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from copy import copy

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from monite_auth.identity import PARTNER, EntityUser, Partner
from monite_auth.tokens import AccessToken, Secret

__all__ = [
    "KEY_BYTES",
    "NONCE_BYTES",
    "Seal",
    "SealBroken",
    "cipher_of",
    "data_key_id",
    "derive",
    "names_key_of",
]

KEY_BYTES = 32  # AES-256
NONCE_BYTES = 12  # the length that AES-GCM is made for (NIST SP 800-38D, section 8.2)
NAME_BYTES = 16
"""Bytes of a name's digest: 128 bits, so that no two names of a store are ever alike."""


class SealBroken(Exception):
    """A sealed value does not open: it was changed, moved to another place, or sealed by another key."""


class Seal:
    """Seals values of one account with its data key, and turns names into digests.

    `names_key`: the names key, where it is not the data key's own. `formers`: data keys that were in force before.
    """

    def __init__(
        self, data_key: bytes, names_key: bytes | None = None, formers: Sequence[bytes] = ()
    ) -> None:
        self._ciphers = [cipher_of(each) for each in (data_key, *formers)]
        self.names_key = names_key or names_key_of(data_key)
        self.id = data_key_id(data_key)
        """Names the data key."""
        self.knows = frozenset(data_key_id(each) for each in (data_key, *formers))
        """Names the data keys whose sealed values open here."""

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
        """Return what was sealed for this place.

        Raises: SealBroken, for anything else.
        """
        for cipher in self._ciphers:
            # Anything may lie there, and be said of its place, of a wrong type too.
            with suppress(InvalidTag, ValueError, TypeError, AttributeError):
                return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _joined(place)).decode()
        raise SealBroken(
            "A sealed value does not open here: it was changed or moved, or another key sealed it."
        )

    def seal_token(self, place: str, token: AccessToken) -> bytes:
        """Return a token's value and entity user, sealed for the slot's name and the token's fingerprint."""
        person = token.entity_user
        content: dict[str, str | None] = {"value": token.value.reveal()}
        if person is not None:
            content |= {"entity_user_id": person.entity_user_id, "entity_id": person.entity_id}
        return self.seal(json.dumps(content), place, self.name(token.fingerprint))

    def open_token(
        self, sealed: bytes, place: str, fingerprint_name: str
    ) -> tuple[Secret, EntityUser | None]:
        """Return what `seal_token` sealed.

        Raises: SealBroken.
        """
        content = json.loads(self.open(sealed, place, fingerprint_name))
        person = (
            EntityUser(content["entity_user_id"], content["entity_id"]) if "entity_id" in content else None
        )
        return Secret(content["value"]), person

    def name(self, *parts: str | Partner | None) -> str:
        """Return a digest that stands for these parts, as text for keys."""
        digest = hmac.digest(self.names_key, _joined(parts), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:NAME_BYTES]).rstrip(b"=").decode()


def names_key_of(data_key: bytes) -> bytes:
    """Derive the names key of an account whose first data key this is."""
    return derive(data_key, b"names")


def cipher_of(data_key: bytes) -> AESGCM:
    """Return the cipher that seals with a data key."""
    return AESGCM(derive(data_key, b"seal"))


def data_key_id(data_key: bytes) -> str:
    """Return a name for a data key, which does not give it away."""
    return hashlib.sha256(derive(data_key, b"id")).hexdigest()[:16]


def derive(key: bytes, purpose: bytes) -> bytes:
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
