"""The users of the benchmarks, and their broker."""

from collections.abc import Sequence
from typing import Any, cast

from benchmarks.admissions import Admitted, RecordingStore
from monite_auth import EntityUser, Principal, Settings, TokenBroker
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.events import Sink
from monite_auth.stores import Store
from monite_auth.stores.registry import find
from monite_auth.tokens import steady_clock

__all__ = ["ANNA", "PEOPLE", "broker_for"]

ANNA = Principal("anna", session_id="session-1")
PEOPLE = {"anna": EntityUser(ANNA_ID, BAKERY_ID)}


def broker_for(
    api_url: str,
    store_url: str,
    *,
    admitted: list[Admitted] | None = None,
    store: Store | None = None,
    events: Sequence[Sink] = (),
    **changes: Any,
) -> TokenBroker:
    """Return a broker for which every user is Anna in Monite. Its default budget is too large to limit anything.

    `admitted`: takes notes of what the store admits. `store`: one that is made already. `events`: who takes events.
    """
    options = {"requests_per_second": 1_000_000, "base_url": api_url, "store_url": store_url, **changes}
    settings = Settings(client_id=DEMO_CLIENT_ID, client_secret=DEMO_CLIENT_SECRET, **options)
    if admitted is not None:
        make_store = find(store_url.partition("://")[0])
        store = cast("Store", RecordingStore(make_store(settings, steady_clock), admitted))
    return TokenBroker(
        settings, directory=lambda _: EntityUser(ANNA_ID, BAKERY_ID), store=store, events=events
    )
