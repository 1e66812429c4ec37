"""What people, sessions and tokens are called in events: keyed digests, so that a log names nobody to whom the key is unknown."""

import hashlib
import hmac

from monite_auth.settings import Settings
from monite_auth.tokens import Secret, fingerprint

__all__ = ["Names"]

LENGTH = 32
"""Hex digits of a digest: 128 bits, so that no two people are ever called the same."""


class Names:
    """The names in the events of one account.

    The key is MONITE_EVENT_KEY, or is derived from the client secret as it was at the start: then a rotation changes all names.
    """

    def __init__(self, settings: Settings) -> None:
        secret = settings.event_key or settings.secret
        assert isinstance(secret, Secret), "settings have made it one"
        self._key = hmac.digest(secret.reveal().encode(), b"monite_auth events", hashlib.sha256)
        self._has_ids = settings.event_users == "id"

    def user(self, user_id: str) -> str:
        """Return what events call a user."""
        return user_id if self._has_ids else self._digest("user", user_id)

    def tenant(self, tenant: str | None) -> str | None:
        """Return what events call one of a user's organizations."""
        return tenant if tenant is None or self._has_ids else self._digest("tenant", tenant)

    def session(self, session_id: str | None) -> str | None:
        """Return what events call a session: never its id, which may be as good as a password."""
        return None if session_id is None else self._digest("session", session_id)

    def token(self, value: Secret | None) -> str | None:
        """Return what events call a token: what AccessToken.fingerprint says."""
        return None if value is None else fingerprint(value)

    def _digest(self, kind: str, text: str) -> str:
        return hmac.digest(self._key, f"{kind}\0{text}".encode(), hashlib.sha256).hex()[:LENGTH]
