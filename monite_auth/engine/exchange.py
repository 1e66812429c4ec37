"""Exchange a token that a call was refused with: when that is worth a mint, and how often.

Not every refusal is about the token: a gateway may answer 401 on one path, whatever it is sent. So:

1. If the token has been replaced meanwhile, nothing is minted: the call is sent again with the new one.
2. A token that is younger than `TRUST_PERIOD` is exchanged only if Monite said in its own words that it is dead.
3. A slot's token is exchanged once in a `TRUST_PERIOD`. If the new token was refused as well, the slot cools down for
   `COOLDOWN_AFTER_FUTILE`.

A note in the store remembers the last exchange, so that the rules hold for all processes that share the store.
"""

import logging
from contextlib import suppress

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import PARTNER
from monite_auth.stores import Operations, Slot
from monite_auth.tokens import AccessToken, Secret, fingerprint

__all__ = ["begin_exchange", "end_exchange"]

log = logging.getLogger("monite_auth")

TRUST_PERIOD = 30.0
"""Seconds for which a new token is trusted: as long as a call to Monite may take, so that the first refusal of the new
token is known before the second one counts. A token that was really revoked so early is replaced afterwards."""

COOLDOWN_AFTER_FUTILE = 600.0
"""Seconds for which refusals go to the caller, after an exchange that did not help. A gateway that is out of order for a
day then costs each user 144 mints, and not one for each call."""


async def begin_exchange(
    store: Operations, slot: Slot, token: AccessToken, current: AccessToken | None, *, certain: bool
) -> bool:
    """Say whether a refused call is worth sending again; if so, `token` is not handed out any more.

    `current`: the token of the slot. `certain`: whether the refusal was in Monite's own words about the token.
    Raises StoreUnavailable.
    """
    if current is None or current.fingerprint != token.fingerprint:
        return True
    age = token.clock() - token.issued_at
    if age < TRUST_PERIOD and not certain:
        return False
    user, note = _note(slot)
    if await store.get_note(user, note) is not None:
        return False
    await store.put_note(user, note, "begun", seconds=TRUST_PERIOD)
    await store.discard(slot, token.fingerprint)
    log.info("Monite no longer accepts token %s; it is replaced.", token.fingerprint)
    return True


async def end_exchange(store: Operations, slot: Slot, *, helped: bool) -> None:
    """Note whether it helped to send the call again."""
    user, note = _note(slot)
    with suppress(StoreUnavailable):  # then it is as if nobody had noted it
        if helped:
            await store.delete_note(user, note)
        else:
            await store.put_note(user, note, "futile", seconds=COOLDOWN_AFTER_FUTILE)


def _note(slot: Slot) -> tuple[str, str]:
    """Return the user and the name of the slot's note."""
    user = "" if slot.user is PARTNER else slot.user
    return user, f"exchange:{fingerprint(Secret(repr(tuple(slot))))}"
