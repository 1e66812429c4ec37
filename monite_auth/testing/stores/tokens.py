"""Slots, leases and cooldowns: one token for each slot, and one mint at a time."""

from dataclasses import replace

from monite_auth.identity import PARTNER, Principal
from monite_auth.stores.bounds import MOST_SUPERSEDED
from monite_auth.stores.values import (
    PARTNER_SLOT,
    Busy,
    Claimed,
    Committed,
    Cooldown,
    CoolingDown,
    Hit,
)
from monite_auth.testing.stores.driver import (
    ABROAD,
    AGAIN,
    ALICE,
    BOB,
    BOBS,
    HOME,
    PERSON,
    StoreDriver,
)
from monite_auth.tokens import Secret


class TokenContract:
    """`peek`, `claim`, `commit`, `abandon` and `discard`."""

    def test_a_cold_slot_has_nothing_and_is_there_to_claim(self, driver: StoreDriver) -> None:
        assert driver.peek() is None
        assert isinstance(driver.claim(), Claimed)

    def test_a_committed_token_is_returned_with_all_its_facts(self, driver: StoreDriver) -> None:
        token = driver.token("t")
        assert driver.run(driver.ops.commit(driver.lease(), token)) is Committed.STORED
        found = driver.run(driver.ops.peek(HOME, ALICE))
        assert found is not None
        assert found.value == token.value
        assert found.entity_user == PERSON
        assert found.expires_at == driver.about(token.expires_at)
        assert found.issued_at == driver.about(token.issued_at)
        assert found.renew_at == driver.about(token.renew_at)
        assert found.expires_in == driver.about(1800)

    def test_a_partner_token_is_nobodys_in_particular(self, driver: StoreDriver) -> None:
        lease = driver.lease(slot=PARTNER_SLOT, principal=PARTNER)
        token = replace(driver.token("t"), entity_user=None)
        assert driver.run(driver.ops.commit(lease, token)) is Committed.STORED
        found = driver.run(driver.ops.peek(PARTNER_SLOT, PARTNER))
        assert found is not None
        assert found.entity_user is None

    def test_a_hit_is_a_token_with_enough_life_left(self, driver: StoreDriver) -> None:
        driver.put("t", life=100)
        claim = driver.claim(min_life=99)
        assert isinstance(claim, Hit)
        assert claim.token.value == Secret("t")
        assert isinstance(driver.claim(min_life=101), Claimed)

    def test_an_expired_token_is_neither_returned_nor_a_hit(self, driver: StoreDriver) -> None:
        driver.put("t", life=100)
        driver.advance(100)
        assert driver.peek() is None
        assert isinstance(driver.claim(), Claimed)

    def test_a_session_gets_tokens_after_its_first_claim(self, driver: StoreDriver) -> None:
        driver.put("t")
        assert driver.peek(principal=AGAIN) is None
        assert isinstance(driver.claim(principal=AGAIN), Hit)
        assert driver.peek(principal=AGAIN) == "t"

    def test_another_owner_is_busy_until_the_lease_has_run_out(self, driver: StoreDriver) -> None:
        driver.lease(owner="me", seconds=5)
        driver.advance(3)
        claim = driver.claim(owner="you")
        assert isinstance(claim, Busy)
        assert claim.retry_in == driver.about(2)
        driver.advance(2)
        assert isinstance(driver.claim(owner="you"), Claimed)

    def test_a_claim_of_the_same_owner_renews_the_lease_and_voids_the_one_before(
        self, driver: StoreDriver
    ) -> None:
        first = driver.lease(seconds=5)
        driver.advance(4)
        second = driver.lease(seconds=5)
        driver.advance(4)
        assert isinstance(driver.claim(owner="you"), Busy)
        assert driver.commit(first, "void") is False
        assert driver.commit(second, "good") is True
        assert driver.peek() == "good"
        assert driver.pending() == ["void"]

    def test_a_lease_that_ran_out_but_was_not_taken_still_counts(self, driver: StoreDriver) -> None:
        lease = driver.lease(seconds=5)
        driver.advance(50)
        assert driver.commit(lease, "late") is True
        assert driver.peek() == "late"

    def test_a_lease_serves_once(self, driver: StoreDriver) -> None:
        lease = driver.lease()
        assert driver.commit(lease, "one") is True
        assert driver.commit(lease, "two") is False
        assert driver.peek() == "one"
        assert driver.pending() == ["two"]

    def test_slots_do_not_mix(self, driver: StoreDriver) -> None:
        driver.put("home")
        driver.put("abroad", slot=ABROAD)
        driver.put("bobs", slot=BOBS, principal=BOB)
        driver.put("partner", slot=PARTNER_SLOT, principal=PARTNER)
        assert driver.peek() == "home"
        assert driver.peek(ABROAD) == "abroad"
        assert driver.peek(BOBS, BOB) == "bobs"
        assert driver.peek(PARTNER_SLOT, PARTNER) == "partner"

    def test_an_abandoned_claim_is_free_at_once(self, driver: StoreDriver) -> None:
        driver.run(driver.ops.abandon(driver.lease(owner="me")))
        assert isinstance(driver.claim(owner="you"), Claimed)

    def test_a_void_lease_abandons_nothing(self, driver: StoreDriver) -> None:
        first = driver.lease()
        driver.lease()
        driver.run(driver.ops.abandon(first, Cooldown(30, "monite_unavailable", "x")))
        assert isinstance(driver.claim(owner="you"), Busy)

    def test_a_cooldown_keeps_everybody_from_minting_for_the_slot_and_says_why(
        self, driver: StoreDriver
    ) -> None:
        why = Cooldown(30, "entity_user_rejected", "no such user", "req-1", 404, "Not found")
        driver.run(driver.ops.abandon(driver.lease(), why))
        driver.advance(10)
        claim = driver.claim()
        assert isinstance(claim, CoolingDown)
        assert claim.retry_in == driver.about(20)
        assert claim.why == why
        assert isinstance(driver.claim(slot=ABROAD), Claimed)
        driver.advance(20)
        assert isinstance(driver.claim(), Claimed)

    def test_a_cooldown_of_everyone_covers_all_slots(self, driver: StoreDriver) -> None:
        driver.run(
            driver.ops.abandon(driver.lease(), Cooldown(30, "credentials_rejected", "x", everyone=True))
        )
        assert isinstance(driver.claim(slot=BOBS, principal=BOB), CoolingDown)
        assert isinstance(driver.claim(slot=PARTNER_SLOT, principal=PARTNER), CoolingDown)
        driver.advance(30)
        assert isinstance(driver.claim(slot=BOBS, principal=BOB), Claimed)

    def test_a_cooldown_does_not_hide_a_valid_token(self, driver: StoreDriver) -> None:
        driver.put("t")
        driver.run(driver.ops.abandon(driver.lease(min_life=1e9), Cooldown(30, "monite_unavailable", "x")))
        assert driver.peek() == "t"
        assert isinstance(driver.claim(), Hit)

    def test_a_cooldown_of_everyone_counts_even_from_a_void_lease(self, driver: StoreDriver) -> None:
        first = driver.lease()
        driver.lease()
        driver.run(driver.ops.abandon(first, Cooldown(30, "credentials_rejected", "x", everyone=True)))
        assert isinstance(driver.claim(slot=BOBS, principal=BOB), CoolingDown)

    def test_a_new_token_ends_the_cooldown(self, driver: StoreDriver) -> None:
        lease = driver.lease()
        driver.run(driver.ops.abandon(lease, Cooldown(30, "monite_unavailable", "x")))
        assert isinstance(driver.claim(), CoolingDown)
        driver.advance(31)
        driver.put("t", life=100)
        assert isinstance(driver.claim(min_life=200), Claimed)

    def test_a_discarded_token_is_gone_and_a_newer_one_is_not(self, driver: StoreDriver) -> None:
        old = driver.token("old").fingerprint
        driver.put("old")
        driver.run(driver.ops.discard(HOME, old))
        assert driver.peek() is None
        driver.put("new")
        driver.run(driver.ops.discard(HOME, old))
        assert driver.peek() == "new"
        driver.run(driver.ops.discard(BOBS, old))

    def test_a_slot_whose_token_has_expired_takes_a_new_one(self, driver: StoreDriver) -> None:
        for slot, principal in ((PARTNER_SLOT, PARTNER), (HOME, Principal("alice"))):
            driver.put("first", slot=slot, principal=principal, life=100)
            driver.advance(5000)
            driver.put("second", slot=slot, principal=principal, life=100)
            assert driver.peek(slot, principal) == "second"
        assert driver.pending() == []

    def test_of_many_superseded_tokens_the_oldest_become_pending(self, driver: StoreDriver) -> None:
        values = [f"t-{number:02}" for number in range(MOST_SUPERSEDED + 3)]
        for value in values:
            driver.put(value)
            driver.advance(1)
        assert driver.peek() == values[-1]
        assert driver.pending() == values[:2]
        assert driver.run(driver.ops.end_session(ALICE)) == MOST_SUPERSEDED + 1
        assert driver.pending() == values[2:]

    def test_a_relink_ends_the_cooldown_of_the_slot(self, driver: StoreDriver) -> None:
        driver.run(driver.ops.abandon(driver.lease(), Cooldown(30, "entity_user_rejected", "no such user")))
        assert isinstance(driver.claim(), CoolingDown)
        driver.run(driver.ops.relink("alice"))
        assert isinstance(driver.claim(), Claimed)
