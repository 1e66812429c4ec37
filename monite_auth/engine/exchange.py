"""Exchanging a token that a call was refused with: when it is worth a mint, and how often.

Not every refusal is about the token: a gateway may answer 401 on one path, whatever it is sent. So:

1. A token that somebody has replaced already costs nothing: the call is sent again with the new one.
2. A 401 without Monite's own words is no reason to suspect a token that was minted a moment ago (`MOMENT`).
3. A slot's token is exchanged once in a `MOMENT`; and where the new token was refused as well, not again for `FUTILE`.

What is to be remembered for that is a note in the store, so that all processes that share it keep to it.
"""

import logging
from contextlib import suppress

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import PARTNER
from monite_auth.stores import Operations, Slot
from monite_auth.tokens import AccessToken, Secret, fingerprint

__all__ = ["begin_exchange", "end_exchange"]

log = logging.getLogger("monite_auth")

MOMENT = 30.0
"""Seconds for which a new token is trusted: as long as a call to Monite may take, so that the first refusal of the new
token is known before the second one counts. A token that was really revoked so early is replaced afterwards."""

FUTILE = 600.0
"""Seconds for which the refusals of a slot's tokens are the caller's, after an exchange that did not help. A gateway
that is out of order for a day costs each of its users 144 mints, and not one for each call."""


async def begin_exchange(
    store: Operations, slot: Slot, token: AccessToken, current: AccessToken | None, *, certain: bool
) -> bool:
    """Say whether a refused call is worth sending again; if so, `token` is not handed out any more.

    `current`: what the slot has. `certain`: whether the refusal was in Monite's own words about the token.
    """
    if current is None or current.fingerprint != token.fingerprint:
        return True
    age = token.clock() - token.issued_at
    if age < MOMENT and not certain:
        return False
    user, note = _note(slot)
    if await store.get_note(user, note) is not None:
        return False
    await store.put_note(user, note, "begun", seconds=MOMENT)
    await store.discard(slot, token.fingerprint)
    log.info("Monite no longer accepts token %s; it is replaced.", token.fingerprint)
    return True


async def end_exchange(store: Operations, slot: Slot, *, helped: bool) -> None:
    """Take note of what came of sending the call again."""
    user, note = _note(slot)
    with suppress(StoreUnavailable):  # then it is as if nobody had noted it
        if helped:
            await store.delete_note(user, note)
        else:
            await store.put_note(user, note, "futile", seconds=FUTILE)


def _note(slot: Slot) -> tuple[str, str]:
    """Return the user and the name of the slot's note."""
    user = "" if slot.user is PARTNER else slot.user
    return user, f"exchange:{fingerprint(Secret(repr(tuple(slot))))}"
