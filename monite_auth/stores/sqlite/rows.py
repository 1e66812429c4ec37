"""Tokens as rows: how one is written, and which values must not be stored any more.

The same value can be in several rows, since Monite may give a token again.
"""

import secrets

from monite_auth.stores.sqlite.execution import Transaction
from monite_auth.stores.values import Slot
from monite_auth.tokens import SAFETY, AccessToken

__all__ = ["EXPIRES_AT", "insert_token", "is_doomed"]

EXPIRES_AT = "min(expires_at, wall_expires_at + :ahead)"
"""When a token is no longer handed out, by the file's time. Two clocks count its life, and the first to reach the end decides: the
wall clock goes on while a virtual machine is paused, and the boot's cannot be set back."""


def insert_token(on: Transaction, state: str, slot: Slot, token: AccessToken) -> None:
    """Put a token into the file, unless it would be a pending one that has expired."""
    expires_at = on.now + (token.expires_at - token.clock())
    if state == "pending" and expires_at + SAFETY <= on.now:
        return
    name = on.vault.slot(slot)
    on.db.execute(
        "INSERT INTO tokens (id, account, state, slot, user, session, print, sealed, expires_at, issued_at, renew_at, "
        "wall_expires_at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            secrets.randbits(63),
            on.account,
            state,
            name,
            on.vault.user(slot.user),
            on.vault.session(slot.user, slot.session),
            on.vault.fingerprint_name(token.fingerprint),
            on.vault.seal_token(name, token),
            expires_at,
            expires_at - token.life,
            expires_at - (token.expires_at - token.renew_at),
            expires_at - on.ahead,
            on.now,
        ),
    )


def is_doomed(on: Transaction, fingerprint_name: str) -> bool:
    """Say whether a value that would be alive has been revoked, or is about to be."""
    found = on.db.execute(
        "SELECT EXISTS (SELECT * FROM condemned WHERE print = :print AND until > :now) "
        "OR EXISTS (SELECT * FROM tokens WHERE print = :print AND state = 'pending' AND expires_at > :now - :safety)",
        {"print": fingerprint_name, "now": on.now, "safety": SAFETY},
    ).fetchone()
    return bool(found[0])
