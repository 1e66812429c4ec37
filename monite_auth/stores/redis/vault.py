"""What lies in Redis under which key, and how it is sealed: the names and records of one account.

Each account has a prefix of its own, "monite:" and a digest; only what lies there from before there were accounts has "monite"
alone, and belongs to the account that opened it first. All keys of a user have one hash tag, and so lie in one slot of a cluster, together with a share of the pending
revocations: a logout moves tokens there in one atomic step. The tag is the user's *shard*, one of a fixed number:

    {monite:…:07}:key            the stamp of this shard: which store and data key it is sealed with
    {monite:…:07}:user:<name>    a hash: tokens, leases, rests, notes; `lua/common.lua` has its fields
    {monite:…:07}:known:<name>   the user's sessions that may have tokens: until when each is remembered
    {monite:…:07}:ended:<name>   the user's sessions that have ended: likewise
    {monite:…:07}:queue          the pending revocations: when each is due
    {monite:…:07}:pending        the same: expires and attempts, store, sealed token
    {monite:…:07}:spent          tokens that were revoked: until when they would have lived
    {monite:…:07}:rest           why no slot should try to mint for a while
    {monite:…:07}:everything     who logged in before this moment has ended
    {monite:…:07}:users          the users that there is something of
    {monite:…:value:<name>}      which places hand a token out, and whether it is to be revoked; several places where Monite
                                 gives the same token again
    {monite:…:envelope}          the data key, wrapped: see `sealing`
    {monite:…:budget}            the request budget: five numbers
    {monite:envelope}:account    which account has what is from before
    {monite:envelope}:accounts   the accounts that are here

Names are keyed digests. Records are sealed for their place, so that a copy of one elsewhere does not open.
"""

import json
import struct
import zlib
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from monite_auth.identity import PARTNER, Partner, Subject
from monite_auth.stores.sealing import Seal, SealBroken
from monite_auth.stores.values import Cooldown, Pending, Slot
from monite_auth.tokens import AccessToken, Clock

__all__ = ["LEASE", "NAME", "SHARDS", "STORE", "Keys", "Vault", "owner_in", "split_answer"]

SHARDS = 32
"""Shards of users. In a cluster each lies on some node, so there should be several for each; every look for due
revocations visits them all, so there should not be many more. It is part of the names: never change it."""

NAME, LEASE = 22, 16
"""Characters of a digest, and of the id of a lease."""

STORE = NAME
"""Characters of a stamp that name the store; those of the data key follow."""

NAMES = 4096
"""Names that are kept instead of being computed again: three for each user who is active right now."""

OPENED = 1024
"""Opened tokens that are kept: to open one takes as long as all the rest that is done about it here."""

NOW = struct.Struct(">d")
TIMES = struct.Struct(">ddd")
DUE = struct.Struct(">dI")


class Keys:
    """The keys of one store, by its prefix."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._shards = [f"{{{prefix}:{number:02}}}" for number in range(SHARDS)]
        self.envelope = f"{{{prefix}:envelope}}"
        self.owner = f"{self.envelope}:account"
        self.accounts = f"{self.envelope}:accounts"
        self.budget = f"{{{prefix}:budget}}"

    def user(self, shard: int, name: str) -> list[str]:
        """Return the keys of a user, in the order that scripts know them in."""
        tag = self._shards[shard]
        return [
            f"{tag}:key",
            f"{tag}:user:{name}",
            f"{tag}:known:{name}",
            f"{tag}:ended:{name}",
            f"{tag}:queue",
            f"{tag}:pending",
            f"{tag}:rest",
            f"{tag}:everything",
            f"{tag}:users",
            f"{tag}:spent",
        ]

    def data_key(self, shard: int) -> str:
        """Return where a shard says which data key it is sealed with."""
        return f"{self._shards[shard]}:key"

    def pending(self, shard: int) -> list[str]:
        """Return the keys of a shard's pending revocations, and of those that were carried out."""
        return [f"{self._shards[shard]}:{each}" for each in ("queue", "pending", "spent")]

    def everything(self, shard: int) -> list[str]:
        """Return the keys of a shard for when everything ends: its stamp, the moment, and the users."""
        return [f"{self._shards[shard]}:{each}" for each in ("key", "everything", "users")]

    def value(self, name: str) -> str:
        """Return the key of a token's value, by the name of its fingerprint."""
        return f"{{{self._prefix}:value:{name}}}"

    def rest(self, shard: int) -> str:
        """Return the key of everyone's rest in a shard."""
        return f"{self._shards[shard]}:rest"


class Vault:
    """Names, seals and opens what scripts keep.

    Times in records are the server's; `at` is the caller's time at which the server's was `now`.
    """

    def __init__(self, seal: Seal, clock: Clock, keys: Keys) -> None:
        self.keys = keys
        self._seal = seal
        self._name = lru_cache(NAMES)(seal.name)
        self._open_token = lru_cache(OPENED)(seal.open_token)
        self._clock = clock
        self.id = seal.name("store") + seal.id
        """The stamp: names the store, and the data key in force."""

    def user(self, user: str | Partner) -> tuple[int, str]:
        """Return a user's shard and name."""
        name = self._name("user", user)
        return zlib.crc32(name.encode()) % SHARDS, name

    def place(self, slot: Slot) -> str:
        """Return the name of a slot, with that of its session behind it where it has one."""
        name = self._name("slot", *slot)
        return name + self.session(slot.user, slot.session)

    def session(self, user: str | Partner, session: str | None) -> str:
        """Return the name of a session, or nothing."""
        return self._name("session", user, session) if session is not None else ""

    def bearer(self, principal: Subject) -> tuple[str, str, float | str, float | str]:
        """Return what scripts check of a principal: the names of its session and its date, and its moments (`ending`)."""
        if principal is PARTNER:
            return "", "", "", ""
        user, at, by = principal.user_id, principal.began_at, principal.began_by
        session = self.session(user, principal.session_id)
        if at is None or by is None:
            return session, "", "", ""
        return session, "" if session else self._name("date", user, repr(at)), by, at

    def owner(self, user: str | Partner) -> str:
        """Return what leads to a user's keys from anywhere in the store."""
        shard, name = self.user(user)
        return f"{shard}.{name}"

    def note(self, user: str, name: str) -> str:
        """Return the name of a user's note."""
        return self._name("note", user, name)

    def fingerprint(self, fingerprint: str) -> str:
        """Return the name of a token's fingerprint."""
        return self._name(fingerprint)

    def seal_token(self, place: str, token: AccessToken, at: float) -> tuple[str, bytes, float, float, float]:
        """Return a token for the scripts: its name, sealed; expiry, issue and renewal in seconds from now."""
        name = self._name(token.fingerprint)
        sealed = self._seal.seal_token(place, token)
        return name, sealed, token.expires_at - at, token.issued_at - at, token.renew_at - at

    def open_token(self, place: str, record: bytes, now: float, at: float) -> AccessToken:
        """Return the token of a record; raise SealBroken if it was never sealed for this place."""
        try:
            expires, issued, renew = TIMES.unpack_from(record)
        except struct.error:
            raise SealBroken("A record in the store is too short.") from None
        name = self.name_in(record).decode(errors="replace")
        value, person = self._open_token(record[TIMES.size + NAME + LEASE :], place, name)
        ahead = at - now
        return AccessToken(value, expires + ahead, issued + ahead, renew + ahead, person, self._clock)

    def name_in(self, record: bytes) -> bytes:
        """Return the name of the fingerprint in a token's record."""
        return record[TIMES.size : TIMES.size + NAME]

    def seal_rest(self, place: str, rest: Cooldown) -> bytes:
        """Return why to rest, sealed: messages of Monite's may name people."""
        return self._seal.seal(json.dumps(asdict(rest)), "rest", place)

    def open_rest(self, place: str, sealed: bytes) -> Cooldown:
        """Return why to rest."""
        content: dict[str, Any] = json.loads(self._seal.open(sealed, "rest", place))
        return Cooldown(**content)

    def seal_note(self, note: str, value: str) -> bytes:
        """Return what a note says, sealed: it may name an entity user."""
        return self._seal.seal(value, "note", note)

    def open_note(self, note: str, sealed: bytes) -> str:
        """Return what a note says; raise SealBroken if it was never sealed for this name."""
        return self._seal.open(sealed, "note", note)

    def open_pending(self, shard: int, raw_name: bytes, record: bytes, now: float, at: float) -> Pending:
        """Return a pending revocation; raise SealBroken if its record belongs elsewhere."""
        name = raw_name.decode(errors="replace")
        until, attempts = DUE.unpack_from(record)
        value, _person = self._open_token(record[DUE.size + NAME :], name[NAME:], name[:NAME])
        return Pending(f"{shard}.{name}", value, until + at - now, attempts)

    def seal_unowned(self, token: AccessToken) -> tuple[str, str, bytes]:
        """Return a place for a token that no slot has, the name of its fingerprint, and the token sealed for there."""
        place = self._name("slot", "of nobody")
        return place, self.fingerprint(token.fingerprint), self._seal.seal_token(place, token)


def owner_in(held: bytes) -> tuple[int, str]:
    """Return the shard and the name of the user whose place holds a value, as `lua/hold.lua` has written it."""
    shard, _, user = held[NOW.size :].decode().partition(".")
    return int(shard), user


def split_answer(answer: bytes) -> tuple[float, bytes]:
    """Return the server's time and the record that `peek` answers with."""
    (now,) = NOW.unpack_from(answer)
    return now, answer[NOW.size :]
