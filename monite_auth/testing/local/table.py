"""What a failed assertion shows of the ledger: its tokens as a table, masked."""

from collections.abc import Sequence

from monite_auth.emulator import Token

__all__ = ["holder_of", "table_of"]

SHOWN = 20
"""Rows. A test that fails after hundreds of mints is about the last ones."""

HEADINGS = ("#", "token", "of", "state", "minted", "ends", "used", "refused")


def holder_of(token: Token) -> str:
    """Return whose token it is, in words."""
    return token.holder.name or token.entity_user_id or "the partner"


def table_of(tokens: Sequence[Token], now: float) -> str:
    """Return a table of the newest tokens, oldest first, with a line above that counts them.

    `now`: epoch seconds of the clock that the tokens' times are of.
    """
    if not tokens:
        return "No token was minted."
    shown = tokens[-SHOWN:]
    rows = [HEADINGS, *(_row(token, now) for token in shown)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    many = "1 token was minted" if len(tokens) == 1 else f"{len(tokens)} tokens were minted"
    which = "" if len(shown) == len(tokens) else f"; these are the last {SHOWN}"
    return "\n".join([f"{many}{which}:", *(f"  {line.rstrip()}" for line in lines)])


def _row(token: Token, now: float) -> tuple[str, ...]:
    ended_at = token.expires_at if token.revoked_at is None else token.revoked_at
    return (
        str(token.id),
        token.masked,
        holder_of(token),
        token.state(now),
        _when(token.minted_at - now),
        _when(ended_at - now),
        str(token.uses),
        f"{token.refusals} ({token.last_refusal})" if token.refusals else "0",
    )


def _when(seconds: float) -> str:
    """Return a moment that lies `seconds` ahead of now, or behind it if they are negative."""
    return f"in {seconds:.0f} s" if seconds > 0 else f"{abs(seconds):.0f} s ago"
