"""The vault: the names and the sealed values of one account, in whatever store they lie.

Names are digests, so that a store shows no user ID, session ID or token. A sealed value opens only in the slot, or under the
name, that it was sealed for. One that does not open there was put there by something else, and counts as missing: it must
neither be handed out nor keep the rest of the store from working.
"""

import json
from functools import lru_cache

from monite_auth.identity import Partner, Principal
from monite_auth.stores.sealing.seal import Seal
from monite_auth.stores.values import Cooldown, Name, Slot
from monite_auth.tokens import AccessToken, Secret

__all__ = ["Vault"]

NAMES_KEPT, TOKENS_KEPT = 8192, 1024
"""Names, and opened tokens, that are kept instead of being computed again: the cryptography takes several times as long as the
read. Both depend on nothing but the arguments, the sealed bytes included, so the store always decides."""


class Vault:
    """Names, seals and opens what one account keeps in a store, by the `seal` of its data key.

    Whatever is called `open_…` raises SealBroken for a value that was not sealed for that place.
    """

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._name = lru_cache(NAMES_KEPT)(seal.name)
        self.open_token = lru_cache(TOKENS_KEPT)(seal.open_token)
        """Returns what `seal_token` sealed: of the sealed bytes, the slot's name and the fingerprint's."""
        self.data_key_id = seal.id
        """Names the data key in force."""

    @property
    def names_key(self) -> Secret:
        """The key that makes the names."""
        return Secret(self._seal.names_key.hex())

    # -- names

    def slot(self, slot: Slot) -> str:
        """Return the name of a slot."""
        return self._name("slot", *slot)

    def user(self, user: str | Partner) -> str:
        """Return the name of a user, or of the partner."""
        return str(user) if isinstance(user, Name) else self._name("user", user)

    def session(self, user: str | Partner, session: str | None) -> str | None:
        """Return the name of a user's session, if there is one."""
        if session is None:
            return None
        return str(session) if isinstance(session, Name) else self._name("session", user, session)

    def principal(self, principal: Principal) -> str | None:
        """Return the name of a principal's session: by its ID or, where it has none, by its date."""
        user, at = principal.user_id, principal.began_at
        if principal.session_id is not None:
            return self.session(user, principal.session_id)
        return self._name("date", user, repr(at)) if at is not None else None

    def fingerprint_name(self, fingerprint: str) -> str:
        """Return the name of a token's fingerprint, as `seal_token` has it."""
        return self._name(fingerprint)

    def note(self, user: str, name: str) -> str:
        """Return the name of a user's note."""
        return self._name("note", user, name)

    # -- sealed values

    def seal_token(self, place: str, token: AccessToken) -> bytes:
        """Return the token's value and entity user, sealed for a slot's name."""
        return self._seal.seal_token(place, token)

    def open_value(self, sealed: bytes, place: str, fingerprint_name: str) -> Secret:
        """Return the value of a token that `seal_token` sealed, to be revoked; it is needed once, so it is not kept."""
        return self._seal.open_token(sealed, place, fingerprint_name)[0]

    def seal_cooldown(self, place: str, cooldown: Cooldown) -> bytes:
        """Return a cooldown, sealed: its message may name an entity user."""
        return self._seal.seal(json.dumps(cooldown._asdict()), "rest", place)

    def open_cooldown(self, sealed: bytes, place: str) -> Cooldown:
        """Return what `seal_cooldown` sealed."""
        return Cooldown(**json.loads(self._seal.open(sealed, "rest", place)))

    def seal_note(self, note: str, value: str) -> bytes:
        """Return what a note says, sealed: it may name an entity user."""
        return self._seal.seal(value, "note", note)

    def open_note(self, sealed: bytes, note: str) -> str:
        """Return what `seal_note` sealed."""
        return self._seal.open(sealed, "note", note)
