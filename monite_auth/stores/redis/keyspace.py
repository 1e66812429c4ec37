"""What lies in Redis under which key.

Each account has a prefix of its own, "monite:" and a digest. Only what lies there from before there were accounts has "monite"
alone, and belongs to the account that opened it first. All keys of a user have one hash tag, and so lie in one slot of a
cluster, together with a share of the pending revocations: a logout moves tokens there in one atomic step. The tag is the user's
*shard*, one of a fixed number:

    {monite:…:07}:key            the stamp of this shard: which store and data key it is sealed with
    {monite:…:07}:envelope       a copy of the envelope, behind the stamp that it belongs to
    {monite:…:07}:user:<name>    a hash: tokens, leases, cooldowns, notes; `lua/common.lua` has its fields
    {monite:…:07}:known:<name>   the user's sessions that may have tokens: until when each is remembered, and when it began
    {monite:…:07}:ended:<name>   the user's sessions that have ended: likewise
    {monite:…:07}:queue          the pending revocations: when each is due
    {monite:…:07}:pending        the same: expires and attempts, store, sealed token; and since when, behind an "@"
    {monite:…:07}:spent          tokens that were revoked: until when they would have lived
    {monite:…:07}:rest           the cooldown of everyone: why no slot should try to mint for a while
    {monite:…:07}:everything     sessions from before this moment have ended
    {monite:…:07}:users          the users that there is something of
    {monite:…:07}:clock          by how much the server's clock was set in all, and when that was noticed; nothing if it never was
    {monite:…:value:<name>}      which places hand a token out, and whether it is to be revoked; several places where Monite
                                 gives the same token again
    {monite:…:envelope}          the data key, wrapped: see `sealing`
    {monite:…:budget}            the request budget: its numbers, and when requests left
    {monite:envelope}:account    which account has what is from before
    {monite:envelope}:accounts   the accounts that are here

Names are keyed digests. `records` says what the values are.
"""

import zlib

__all__ = ["ALL", "NAME", "SHARDS", "Keyspace", "shard_of"]

SHARDS = 32
"""Shards of users. In a cluster each lies on some node, so there should be several for each node; each search for due
revocations visits them all, so there should not be many more. It is part of the names: never change it."""

NAME = 22
"""Characters of a digest."""


ALL = 11
"""The number of a user's keys."""


def shard_of(user_name: str) -> int:
    """Return the shard of a user, by the name of the user."""
    return zlib.crc32(user_name.encode()) % SHARDS


class Keyspace:
    """The keys of one account, by its `prefix`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._shards = [f"{{{prefix}:{number:02}}}" for number in range(SHARDS)]
        self.envelope = f"{{{prefix}:envelope}}"
        self.owner = f"{self.envelope}:account"
        self.accounts = f"{self.envelope}:accounts"
        self.budget = f"{{{prefix}:budget}}"

    def user(self, shard: int, name: str) -> list[str]:
        """Return the keys of a user, in the order in which scripts take them."""
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
            f"{tag}:clock",
        ]

    def stamped(self, shard: int) -> list[str]:
        """Return the keys of a shard's stamp, and of its copy of the envelope."""
        return [f"{self._shards[shard]}:{each}" for each in ("key", "envelope")]

    def pending(self, shard: int) -> list[str]:
        """Return the keys of a shard's pending revocations, and of those that were carried out."""
        return [f"{self._shards[shard]}:{each}" for each in ("queue", "pending", "spent")]

    def everything(self, shard: int) -> list[str]:
        """Return the keys of a shard for when everything ends: its stamp, the moment, the users, and the clock."""
        return [f"{self._shards[shard]}:{each}" for each in ("key", "everything", "users", "clock")]

    def users(self, shard: int) -> str:
        """Return the key of the users of a shard."""
        return f"{self._shards[shard]}:users"

    def clock(self, shard: int) -> str:
        """Return the key of what is known of the clock of a shard's server."""
        return f"{self._shards[shard]}:clock"

    def value(self, name: str) -> str:
        """Return the key of a token's value, by the name of its fingerprint."""
        return f"{{{self._prefix}:value:{name}}}"

    def cooldown(self, shard: int) -> str:
        """Return the key of everyone's cooldown in a shard."""
        return f"{self._shards[shard]}:rest"
