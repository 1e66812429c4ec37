"""The records of one account as scripts keep them: packed times, names, and a sealed value behind them.

Times in records are the server's. Where one is read, `at` is the caller's time at the moment when the server's was `now`.
"""

import math
import struct
from typing import Any

from monite_auth.identity import PARTNER, Partner, Subject
from monite_auth.stores.dates import WallClock
from monite_auth.stores.redis.keyspace import NAME, Keyspace, shard_of
from monite_auth.stores.sealing import Content, Seal, SealBroken, Vault
from monite_auth.stores.values import Pending, Slot
from monite_auth.tokens import AccessToken, Clock

__all__ = [
    "LEASE",
    "STORE",
    "TIMES",
    "RedisVault",
    "content_of",
    "name_in",
    "owner_in",
    "parse_owner",
    "split_answer",
]

LEASE = 16
"""Characters of a lease's ID."""

STORE = NAME
"""Characters of a stamp that name the store; those of the data key follow."""

NOW = struct.Struct(">d")
TIMES = struct.Struct(">dddd")
DUE = struct.Struct(">dI")


class RedisVault(Vault):
    """The vault of an account whose keys are in `keyspace`. `clock` is that of the tokens that callers get.

    `envelope`: what it was opened from, to be copied to the shards; empty where there are to be no copies.
    """

    def __init__(self, seal: Seal, keyspace: Keyspace, clock: Clock, envelope: Content) -> None:
        super().__init__(seal)
        self.keyspace = keyspace
        store = seal.name("store")
        self.stamp = store + seal.id
        """Names the store, and the data key in force."""
        self.known = frozenset((store + each).encode() for each in seal.knows)
        """The stamps of all data keys whose sealed values open here: the present one, and those before it."""
        self.copy = " ".join([self.stamp, *(f"{name}={value.hex()}" for name, value in envelope.items())])
        """The envelope as a shard keeps it; `content_of` reads it."""
        self._clock = clock

    # -- names

    def home(self, user: str | Partner) -> tuple[int, str]:
        """Return a user's shard and name."""
        name = self.user(user)
        return shard_of(name), name

    def owner(self, user: str | Partner) -> str:
        """Return what leads to a user's keys from anywhere in the store; see `owner_in`."""
        shard, name = self.home(user)
        return f"{shard}.{name}"

    def place(self, slot: Slot) -> str:
        """Return the name of a slot, with that of its session behind it where it has one."""
        return self.slot(slot) + (self.session(slot.user, slot.session) or "")

    def names(self, principal: Subject) -> tuple[str, str]:
        """Return the names of a principal's session and of its date, of which one is ""."""
        if principal is PARTNER:
            return "", ""
        name = self.principal(principal) or ""
        return (name, "") if principal.session_id is not None else ("", name)

    def identity(
        self, principal: Subject, wall_clock: WallClock
    ) -> tuple[str, str, float | str, float | str]:
        """Return what scripts check of a principal: its names, and its moments by this host's wall clock (`ending`)."""
        began = wall_clock.began(principal) if principal is not PARTNER else None
        at, by = began if began is not None else ("", "")
        return (*self.names(principal), by, at)

    # -- records

    def pack_token(self, place: str, token: AccessToken, at: float) -> tuple[str, bytes, float, float, float]:
        """Return a token for the scripts: its name, sealed; expiry, issue and renewal in seconds from now."""
        sealed = self.seal_token(place, token)
        name = self.fingerprint_name(token.fingerprint)
        return name, sealed, token.expires_at - at, token.issued_at - at, token.renew_at - at

    def unpack_token(self, place: str, record: bytes, now: float, at: float) -> AccessToken:
        """Return the token of a record; raise SealBroken if it was never sealed for this place."""
        expires, issued, _forgotten, renew = _times(TIMES, record)
        name = name_in(record).decode(errors="replace")
        value, person = self.open_token(record[TIMES.size + NAME + LEASE :], place, name)
        ahead = at - now
        return AccessToken(value, expires + ahead, issued + ahead, renew + ahead, person, self._clock)

    def unpack_pending(self, shard: int, raw_name: bytes, record: bytes, now: float, at: float) -> Pending:
        """Return a pending revocation; raise SealBroken if its record belongs elsewhere."""
        name = raw_name.decode(errors="replace")
        until, attempts = _times(DUE, record)
        value = self.open_value(record[DUE.size + NAME :], name[NAME:], name[:NAME])
        return Pending(f"{shard}.{name}", value, until + at - now, attempts)

    def pack_unowned(self, token: AccessToken) -> tuple[str, str, bytes]:
        """Return a place for a token that no slot has, the name of its fingerprint, and the token sealed for there."""
        place = self._name("slot", "of nobody")
        return place, self.fingerprint_name(token.fingerprint), self.seal_token(place, token)


def content_of(copy: bytes) -> Content:
    """Return the envelope in a shard's copy, or nothing if that is none."""
    try:
        fields = [field.partition("=") for field in copy.decode().split(" ")[1:]]
        return {name: bytes.fromhex(value) for name, _, value in fields}
    except ValueError:
        return {}


def _times(layout: struct.Struct, record: bytes) -> tuple[Any, ...]:
    """Return the numbers that a record begins with; raise SealBroken if we have not written them."""
    try:
        times = layout.unpack_from(record)
    except struct.error:
        raise SealBroken("A record in the store is too short.") from None
    if not math.isfinite(sum(times)):
        raise SealBroken("A record in the store has times that are none.")
    return times


def name_in(record: bytes) -> bytes:
    """Return the name of the fingerprint in a token's record."""
    return record[TIMES.size : TIMES.size + NAME]


def owner_in(held: bytes) -> tuple[int, str]:
    """Return the shard and the name of the user whose place holds a value, as `lua/hold_value.lua` has written it."""
    return parse_owner(held[NOW.size :].decode())


def parse_owner(owner: str) -> tuple[int, str]:
    """Return the shard and the name of a user, as `RedisVault.owner` has written them."""
    shard, _, user = owner.partition(".")
    return int(shard), user


def split_answer(answer: bytes) -> tuple[float, bytes]:
    """Return the server's time and the record that `peek` answers with."""
    (now,) = NOW.unpack_from(answer)
    return now, answer[NOW.size :]
