"""What is hidden in the rows of the SQLite store: names as digests, tokens and messages as sealed values.

A value that does not open in its place was put there by something else, and is as good as none: it must neither be
handed out nor keep the rest of the store from working.
"""

import json
import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache

from monite_auth.errors import ConfigurationError
from monite_auth.identity import EntityUser
from monite_auth.stores.base import Rest, Slot
from monite_auth.stores.sealing import Envelope, Seal, SealBroken
from monite_auth.tokens import AccessToken, Secret

__all__ = ["Vault"]

log = logging.getLogger("monite_auth")

NAMES, OPENED = 8192, 1024
"""Digests, and opened seals, that are remembered: the cryptography takes several times as long as the read. Both
depend on nothing but what is asked, the sealed bytes themselves included, so it is always the row that decides."""


class Vault:
    """Seals and opens what one file keeps. `keys`: the first seals, all open."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._envelope = Envelope(keys)
        self._seal: Seal
        self._warned = False

    def unlock(self, db: sqlite3.Connection) -> None:
        """Open the file's envelope; the first process of all makes it."""
        stored = dict(db.execute("SELECT id, wrapped FROM keys").fetchall())
        opened = self._envelope.open(stored) if stored else self._envelope.new()
        if opened is None:
            raise ConfigurationError(
                "The token store was sealed with a key that is not here. Add the former client secret or key to "
                "MONITE_STORE_KEYS; or choose another store_url to start anew: what was still to be revoked in this "
                "one is then left to expire."
            )
        if opened.content != stored:
            db.execute("DELETE FROM keys")
            db.executemany("INSERT INTO keys VALUES (?, ?)", opened.content.items())
        self._seal = opened.seal
        self._name = lru_cache(NAMES)(self._seal.name)
        self._open_token = lru_cache(OPENED)(self._seal.open_token)

    # -- names

    def slot(self, slot: Slot) -> str:
        """Return the name of a slot."""
        return self._name("slot", *slot)

    def user(self, user: str | None) -> str:
        """Return the name of a user, or of the partner."""
        return self._name("user", user)

    def session(self, user: str | None, session: str | None) -> str | None:
        """Return the name of a user's session, if there is one."""
        return self._name("session", user, session) if session is not None else None

    def print(self, fingerprint: str) -> str:
        """Return the name of a token's fingerprint, as `seal_token` has it."""
        return self._name(fingerprint)

    def note(self, user: str, name: str) -> str:
        """Return the name of a user's note."""
        return self._name("note", user, name)

    # -- sealed values; each opens in the slot, or under the name, that it was sealed for

    def seal_token(self, slot: str, token: AccessToken) -> bytes:
        """Return the token's value and entity user, sealed."""
        return self._seal.seal_token(slot, token)

    def open_token(
        self, sealed: bytes, slot: str, print_name: str
    ) -> tuple[Secret, EntityUser | None] | None:
        """Return what `seal_token` sealed."""
        try:
            return self._open_token(sealed, slot, print_name)
        except SealBroken:
            self._warn()
            return None

    def open_pending(self, sealed: bytes, slot: str, print_name: str) -> Secret | None:
        """Return the value of a token that is to be revoked."""
        try:
            return self._seal.open_token(sealed, slot, print_name)[0]  # once: not worth remembering
        except SealBroken:
            log.error(  # noqa: TRY400 - the traceback would say no more
                "A pending revocation in the token store does not open: it was changed or moved by something else. "
                "It cannot be carried out; its token is left to expire."
            )
            return None

    def seal_rest(self, rest: Rest, slot: str) -> bytes:
        """Return a rest, sealed: its message may name an entity user."""
        return self._seal.seal(json.dumps(asdict(rest)), "rest", slot)

    def open_rest(self, sealed: bytes, slot: str) -> Rest | None:
        """Return what `seal_rest` sealed."""
        try:
            return Rest(**json.loads(self._seal.open(sealed, "rest", slot)))
        except SealBroken:
            self._warn()
            return None

    def seal_note(self, note: str, value: str) -> bytes:
        """Return what a note says, sealed: it may name an entity user."""
        return self._seal.seal(value, "note", note)

    def open_note(self, note: str, sealed: bytes) -> str | None:
        """Return what `seal_note` sealed."""
        try:
            return self._seal.open(sealed, "note", note)
        except SealBroken:
            self._warn()
            return None

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True  # once: every hit would say the same
            log.warning(
                "Something else has changed the token store: a row does not open in its place. Such rows are ignored."
            )
