"""Encryption at rest, for the stores that leave the process: what lies there opens only with the partner's keys.

Two layers, as in an envelope. Each account of a store has one random *data key*, which seals its tokens (`seal`). It lies in
the store itself, *wrapped* by every key that may open it (`envelope`). So a key can be changed without touching a row: a
process that opens the envelope with an old key wraps it with the new one as well. `vault` says what is sealed, and under which
names it lies: SQLite and Redis use the same one.
"""

from monite_auth.stores.sealing.envelope import (
    NEW_PAIR,
    REOPEN_INTERVAL,
    ChangingKeys,
    Content,
    Envelope,
    Keys,
    Opened,
    no_key_opens,
)
from monite_auth.stores.sealing.seal import Seal, SealBroken
from monite_auth.stores.sealing.vault import Vault

__all__ = [
    "NEW_PAIR",
    "REOPEN_INTERVAL",
    "ChangingKeys",
    "Content",
    "Envelope",
    "Keys",
    "Opened",
    "Seal",
    "SealBroken",
    "Vault",
    "no_key_opens",
]
