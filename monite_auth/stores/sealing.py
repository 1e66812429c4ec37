"""Encryption at rest, for the stores that leave the process: what lies there opens only with the partner's keys.

Two layers, as in an envelope. Each store has one random *data key*, made when the store is new, which seals tokens
and names users. It lies in the store itself, *wrapped* by every key that may open it. So a key can be changed
without touching a row: whoever opens the envelope with an old key wraps it with the new one as well.

Names in the store are keyed digests: no user id, session id or token stands in one, and nobody can try names out
without the data key.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from monite_auth.identity import EntityUser
from monite_auth.tokens import AccessToken, Secret

__all__ = ["Envelope", "Seal", "SealBroken"]

KEY_BYTES = 32  # AES-256
NONCE_BYTES = 12  # what AES-GCM is made for (NIST SP 800-38D, section 8.2)


class SealBroken(Exception):
    """A sealed value does not open: it was changed, moved to another place, or sealed by another key."""


class Seal:
    """Seals values of one store with its data key, and turns names into digests."""

    def __init__(self, data_key: bytes) -> None:
        self._cipher = AESGCM(_derive(data_key, b"seal"))
        self._names = _derive(data_key, b"names")

    def seal(self, text: str, *place: str) -> bytes:
        """Return `text` sealed for this place only: for a slot's name and a token's fingerprint, say."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), _joined(place))

    def open(self, sealed: bytes, *place: str) -> str:
        """Return what was sealed for this place; raise SealBroken for anything else."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _joined(place)).decode()
        except (InvalidTag, ValueError):
            raise SealBroken(
                "A sealed value does not open here: it was changed or moved, or another key sealed it."
            ) from None

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

    def name(self, *parts: str | None) -> str:
        """Return a digest that stands for these parts, 128 bits as text for keys."""
        digest = hmac.digest(self._names, _joined(parts), hashlib.sha256)
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


class Envelope:
    """The keys that may open a store: the first wraps, all open.

    A key is any text with enough chance in it: a client secret, or 32 random bytes written out.
    """

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._wrappers = {}
        for key in keys:
            material = _derive(key.reveal().encode(), b"wrap")
            self._wrappers[hashlib.sha256(material).hexdigest()[:16]] = AESGCM(material)
        self._first = next(iter(self._wrappers))

    def new(self) -> tuple[str, bytes]:
        """Return a fresh data key, wrapped by the first key: `(key id, wrapped)`."""
        return self._wrap(secrets.token_bytes(KEY_BYTES))

    def open(self, wrapped: Mapping[str, bytes]) -> tuple[Seal, dict[str, bytes]] | None:
        """Open a store's envelope, the wrappings by key id; None when no key of ours fits.

        Return the seal, and the wrapping that the store does not have yet, if the first key is new to it.
        """
        for key_id, wrapper in self._wrappers.items():
            if key_id in wrapped:
                value = wrapped[key_id]
                try:
                    data_key = wrapper.decrypt(value[:NONCE_BYTES], value[NONCE_BYTES:], b"data key")
                except InvalidTag:
                    continue
                return Seal(data_key), {} if self._first in wrapped else dict([self._wrap(data_key)])
        return None

    def _wrap(self, data_key: bytes) -> tuple[str, bytes]:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self._first, nonce + self._wrappers[self._first].encrypt(nonce, data_key, b"data key")


def _derive(key: bytes, purpose: bytes) -> bytes:
    """Derive a key for one purpose (HKDF, RFC 5869)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"monite-auth 1 " + purpose).derive(key)


def _joined(parts: Sequence[str | None]) -> bytes:
    """Write parts so that no two lists of parts are written alike."""
    written = b""
    for part in parts:
        raw = b"" if part is None else part.encode("utf-8", "surrogatepass")
        written += b"-" if part is None else b"%d:%b" % (len(raw), raw)
    return written
