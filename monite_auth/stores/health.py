"""How this process is, and its token store, without asking anybody."""

import math
from dataclasses import dataclass
from typing import Literal

from monite_auth.stores.memory import MemoryStore
from monite_auth.stores.protocol import Store

__all__ = ["REASONS", "Health", "Verdict", "health_of"]

REASONS = {
    "store_down": "the token store has been down for longer than MONITE_OUTAGE_TRUST: nobody can be served any more",
    "store_degraded": "the token store, or a part of it, is down or takes no writes: who was seen alive is served",
    "credentials_refused": "Monite refuses the client ID and secret: no token can be minted",
    "address_wrong": "something refuses that is not Monite's token endpoint: MONITE_BASE_URL, or a firewall",
    "monite_unavailable": "the last attempt to mint found Monite down, or was one too many: live tokens are served",
    "endings_waiting": "logouts and other changes wait until the token store is back",
    "events_lost": "events for auditors were lost: a sink fails, or is too slow",
    "background_stopped": "background work has stood still for a minute: tokens of ended sessions are not revoked",
}
"""The words of the reasons, and what each means."""

MONITE = {
    "badcredentials": "credentials_refused",
    "astray": "address_wrong",
    "fault": "monite_unavailable",
    "throttled": "monite_unavailable",
}
"""The reasons in how the last attempt to mint ended."""

NOT_READY = ("store_down", "credentials_refused", "address_wrong")
NOT_LIVE = ("background_stopped",)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something is so, and the reasons: those why not, and those that do not matter for it. It is as true as `ok`.

    `reasons`: words of REASONS.
    """

    ok: bool = True
    reasons: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.ok


@dataclass(frozen=True, slots=True)
class Health:
    """What this process knows of itself and of its token store, for a health endpoint. Nobody was asked for it.

    `store`: "degraded" from the first failure, of a part of the store too, until it answers again and has not failed for some
    seconds; otherwise "up".
    `since`: since when, epoch seconds; None while all of the store has been up from the start.
    `waiting`: how many logouts and other changes the store has still to hear of from this process.
    `is_durable`: whether those survive the death of this process: MONITE_JOURNAL_DIRECTORY is set, and can be written.
    `pending`: how many revocations are pending; None where only a shared store knows: `broker.overview()` asks it.
    `ready`: whether this process can serve people. `live`: whether it works; if not, a restart helps.
    `events_dropped`: how many events for auditors this process has lost.
    """

    store: Literal["up", "degraded"]
    since: float | None
    waiting: int
    is_durable: bool
    pending: int | None
    ready: Verdict = Verdict()
    live: Verdict = Verdict()
    events_dropped: int = 0


def health_of(
    store: Store,
    *,
    monite: str | None = None,
    outage_trust: float = math.inf,
    now: float = 0.0,
    is_working: bool = True,
    events_dropped: int = 0,
) -> Health:
    """Return how a broker with this store is.

    `monite`: how the last attempt to mint ended (see MintTried). `outage_trust`: seconds for which an outage serves anybody, at the
    most. `now`: epoch seconds. `is_working`: whether background work goes on.
    """
    seen = [MONITE[monite]] if monite in MONITE else []
    waiting, since, is_degraded, is_durable, pending = 0, None, False, False, None
    if isinstance(store, MemoryStore):
        pending = store.pending
    elif store.is_shared:
        from monite_auth.stores.fallback import FallbackStore  # noqa: PLC0415 - open_store has imported it

        assert isinstance(store, FallbackStore), "open_store gives every shared store a fallback"
        outage = store.outage if store.outage.lasts or not store.read_only.lasts else store.read_only
        is_degraded = outage.lasts or len(store.parts) > 0
        if outage.lasts:
            since = outage.since
        elif is_degraded:
            since = store.parts.since
        else:
            ends = [each.since for each in (store.outage, store.read_only) if each.since is not None]
            since = max(ends, default=None)
        waiting, is_durable = store.waiting, store.journal_is_durable
        if is_degraded:
            is_over = store.outage.is_on and now - (store.outage.since or now) > outage_trust
            seen.append("store_down" if is_over else "store_degraded")
        if waiting:
            seen.append("endings_waiting")
    if events_dropped:
        seen.append("events_lost")
    return Health(
        "degraded" if is_degraded else "up",
        since,
        waiting,
        is_durable,
        pending,
        ready=Verdict(not any(each in NOT_READY for each in seen), tuple(seen)),
        live=Verdict(is_working, () if is_working else NOT_LIVE),
        events_dropped=events_dropped,
    )
