"""What is hidden in the rows of the SQLite store: names as digests, tokens and messages as sealed values.

A value that does not open in its place was put there by something else, and is as good as none: it must neither be
handed out nor keep the rest of the store from working.
"""

import base64
import hashlib
import json
import logging
import sqlite3
from dataclasses import asdict
from functools import lru_cache

from monite_auth.identity import EntityUser, Partner, Principal
from monite_auth.stores.sealing import Envelope, Keys, Seal
from monite_auth.stores.sqlite.envelopes import has_traces, open_envelope, stamp_of, traces_are_gone
from monite_auth.stores.values import Cooldown, Slot
from monite_auth.tokens import AccessToken, Clock, Secret

__all__ = ["Vault"]

log = logging.getLogger("monite_auth")

NAMES, OPENED = 8192, 1024
"""Digests, and opened seals, that are remembered: the cryptography takes several times as long as the read. Both
depend on nothing but what is asked, the sealed bytes themselves included, so it is always the row that decides."""

ASK_AGAIN = 60.0
"""Seconds after which the envelope is opened again: keys in files change while the process runs."""


class Vault:
    """Seals and opens what one account keeps in a file. `keys`: the first seals, all open.

    It is locked until the first transaction; `unlock` begins each one, and finds out whether another process, or another
    view of the same account, has renewed the data key. Reads use what the last transaction found. If a value does not open
    then, they have to `unlock` in a transaction and read again.
    """

    def __init__(self, account: str, keys: Keys, clock: Clock) -> None:
        digest = hashlib.sha256(account.encode("utf-8", "surrogatepass")).digest()
        self.account = base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
        """Names the account in the file, for those who have no key."""
        self._envelope = Envelope(keys)
        self._clock = clock
        self._seal: Seal
        self._stamp = ""
        self._opened_at = 0.0
        self._warned = False
        self.opening = object()
        """At which opening of the file the envelope was opened last."""
        self.has_traces = False
        """Whether what a former key opens may still be read in the file's log; see `traces_are_gone`."""

    def lock(self) -> None:
        """Have the envelope opened again before anything else is done: the keys have changed."""
        self.opening = object()

    def unlock(self, db: sqlite3.Connection, opening: object) -> None:
        """See to it that this has the data key in force, at the beginning of a transaction on the file's `opening`."""
        stamp = stamp_of(db, self.account)
        if (
            stamp != self._stamp
            or opening is not self.opening
            or abs(self._clock() - self._opened_at) >= ASK_AGAIN
        ):
            self._unlock(db, opening)

    def _unlock(self, db: sqlite3.Connection, opening: object) -> None:
        seal = open_envelope(db, self.account, self._envelope)
        self.has_traces = has_traces(db, self.account)
        if seal.id != self._stamp:
            self._seal, self._stamp = seal, seal.id
            self._name = lru_cache(NAMES)(seal.name)
            self._open_token = lru_cache(OPENED)(seal.open_token)
        self._opened_at = self._clock()
        self.opening = opening

    def traces_are_gone(self, db: sqlite3.Connection) -> None:
        """Note that the file's log was emptied."""
        traces_are_gone(db, self.account, self._stamp)

    # -- names

    def slot(self, slot: Slot) -> str:
        """Return the name of a slot."""
        return self._name("slot", *slot)

    def user(self, user: str | Partner) -> str:
        """Return the name of a user, or of the partner."""
        return self._name("user", user)

    def session(self, user: str | Partner, session: str | None) -> str | None:
        """Return the name of a user's session, if there is one."""
        return self._name("session", user, session) if session is not None else None

    def principal(self, principal: Principal) -> str | None:
        """Return the name of a principal's session: by its id or, where it has none, by its date."""
        user, session, at = principal.user_id, principal.session_id, principal.began_at
        if session is not None:
            return self._name("session", user, session)
        return self._name("date", user, repr(at)) if at is not None else None

    def print(self, fingerprint: str) -> str:
        """Return the name of a token's fingerprint, as `seal_token` has it."""
        return self._name(fingerprint)

    def note(self, user: str, name: str) -> str:
        """Return the name of a user's note."""
        return self._name("note", user, name)

    # -- sealed values; each opens in the slot, or under the name, that it was sealed for, and raises SealBroken elsewhere

    def seal_token(self, slot: str, token: AccessToken) -> bytes:
        """Return the token's value and entity user, sealed."""
        return self._seal.seal_token(slot, token)

    def open_token(self, sealed: bytes, slot: str, print_name: str) -> tuple[Secret, EntityUser | None]:
        """Return what `seal_token` sealed."""
        return self._open_token(sealed, slot, print_name)

    def open_pending(self, sealed: bytes, slot: str, print_name: str) -> Secret:
        """Return the value of a token that is to be revoked."""
        return self._seal.open_token(sealed, slot, print_name)[0]  # once: not worth remembering

    def seal_rest(self, rest: Cooldown, slot: str) -> bytes:
        """Return a rest, sealed: its message may name an entity user."""
        return self._seal.seal(json.dumps(asdict(rest)), "rest", slot)

    def open_rest(self, sealed: bytes, slot: str) -> Cooldown:
        """Return what `seal_rest` sealed."""
        return Cooldown(**json.loads(self._seal.open(sealed, "rest", slot)))

    def seal_note(self, note: str, value: str) -> bytes:
        """Return what a note says, sealed: it may name an entity user."""
        return self._seal.seal(value, "note", note)

    def open_note(self, note: str, sealed: bytes) -> str:
        """Return what `seal_note` sealed."""
        return self._seal.open(sealed, "note", note)

    def warn(self) -> None:
        """Say, once, that something does not open: every hit would say the same."""
        if not self._warned:
            self._warned = True
            log.warning(
                "Something else has changed the token store: a row does not open in its place. Such rows are ignored."
            )

    def report_lost(self) -> None:
        """Say that a token that is to be revoked does not open."""
        log.error(
            "A pending revocation in the token store does not open: it was changed or moved by something else. "
            "It cannot be carried out; its token is left to expire."
        )
