"""The notes of whose entity it is, by themselves: what they prove, and for how long."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from monite_auth.emulator import BAKERY_ID
from monite_auth.engine.runtime import run
from monite_auth.provisioning.ownership import CLOCKS_DIFFER, Owner, Ownership
from monite_auth.stores.memory import MemoryStore
from tests.core.provisioning.app import CAFE


class Noted:
    """What Ownership asks of a caller: a store, and the time."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.store = MemoryStore(clock=self.clock, requests_per_second=1000).operations(blocking=True)

    def clock(self) -> float:
        return self.now

    def of(self, tenant: str) -> Ownership:
        return Ownership(self, Owner("tenant", tenant), longest=20)  # type: ignore[arg-type]  # all that it asks

    def entity(self, created: float) -> dict[str, Any]:
        return {"id": BAKERY_ID, "created_at": datetime.fromtimestamp(self.now + created, UTC).isoformat()}


def test_an_entity_made_long_after_the_note_belongs_to_somebody_else():
    noted = Noted()
    cafe = noted.of("cafe")
    run(cafe.begin(CAFE))
    entity, late = noted.entity(created=15), noted.entity(created=21 + CLOCKS_DIFFER)
    noted.now += 7 * 24 * 3600  # they come back a week later
    assert run(cafe.has(entity, CAFE))
    assert not run(cafe.has(late, CAFE))
    assert not run(cafe.has(entity, replace(CAFE, legal_name="Another GmbH")))
    assert not run(noted.of("rival").has(entity, CAFE))


@pytest.mark.parametrize("moment", [None, "yesterday", 7, ...])
def test_an_entity_of_which_monite_does_not_say_since_when_is_anothers(moment):
    noted = Noted()
    cafe = noted.of("cafe")
    run(cafe.begin(CAFE))
    assert not run(cafe.has({"id": BAKERY_ID} | ({} if moment is ... else {"created_at": moment}), CAFE))


def test_a_note_given_up_or_overwritten_proves_nothing():
    noted = Noted()
    cafe, rival = noted.of("cafe"), noted.of("rival")
    entity = noted.entity(created=1)
    run(cafe.begin(CAFE))
    run(rival.begin(CAFE))
    assert (run(cafe.has(entity, CAFE)), run(rival.has(entity, CAFE))) == (False, True)
    run(rival.give_up(CAFE))
    assert (run(cafe.has(entity, CAFE)), run(rival.has(entity, CAFE))) == (False, False)


def test_an_owner_is_remembered_for_years():
    noted = Noted()
    run(noted.of("cafe").take(BAKERY_ID))
    noted.now += 9 * 365 * 24 * 3600
    assert run(noted.of("cafe").has(noted.entity(created=0), CAFE))
