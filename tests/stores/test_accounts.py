"""Promise 1, isolation, between accounts: a store that two share keeps apart what belongs to each, and loses nothing."""

import pytest

from monite_auth.identity import PARTNER
from monite_auth.stores import PARTNER_SLOT, Claimed, Cooldown, CoolingDown, Everything, Priority
from tests.stores.harness import ALICE, BOB, BOBS, HOME

SANDBOX, LIVE = "https://sandbox.example 1", "https://live.example 1"


@pytest.fixture
def accounts(ground, form, drive):
    """Two accounts in one store object, which share its connections."""
    one = drive(ground, form, account=SANDBOX)
    return one, drive(ground, form, account=LIVE, store=one.store)


@pytest.fixture
def brokers(shared_ground, form, drive):
    """Two accounts in one place, each with a store object of its own, as in two processes."""
    return drive(shared_ground, form, account=SANDBOX), drive(shared_ground, form, account=LIVE)


def test_promise_1_no_account_is_handed_another_ones_token(accounts):
    one, other = accounts
    one.put("sandbox")
    one.put("root", slot=PARTNER_SLOT, principal=PARTNER)
    assert other.peek() is None
    assert other.peek(PARTNER_SLOT, PARTNER) is None
    assert isinstance(other.claim(), Claimed)
    other.put("live")
    assert (one.peek(), other.peek()) == ("sandbox", "live")


def test_promise_1_nor_in_another_process(brokers):
    one, other = brokers
    one.put("sandbox")
    assert other.peek() is None
    other.put("live")
    assert (one.peek(), other.peek()) == ("sandbox", "live")


def test_an_account_drains_only_its_own_revocations(accounts):
    one, other = accounts
    one.end("mine")
    assert other.pending() == []
    assert other.run(other.ops.backlog()) == 0
    assert one.run(one.ops.backlog()) == 1
    assert one.pending() == ["mine"]


def test_endings_of_one_account_end_nothing_of_another(accounts):
    one, other = accounts
    one.put("sandbox")
    other.put("live")
    one.run(one.ops.end_session(ALICE))
    assert one.has_ended(ALICE)
    one.run(one.ops.end_user("alice"))
    one.run(one.ops.relink("alice"))
    one.run(one.ops.end_everything())
    assert other.peek() == "live"
    assert other.pending() == []


def test_leases_and_rests_of_one_account_keep_nobody_of_another(accounts):
    one, other = accounts
    one.lease(owner="me")
    assert isinstance(other.claim(owner="you"), Claimed)
    one.run(one.ops.abandon(one.lease(owner="me"), Cooldown(30, "credentials_rejected", "x", everyone=True)))
    assert isinstance(one.claim(slot=BOBS, principal=BOB), CoolingDown)
    assert isinstance(other.claim(slot=BOBS, principal=BOB), Claimed)


def test_each_account_has_its_own_notes_and_budget(accounts):
    one, other = accounts
    one.run(one.ops.put_note("alice", "link", "sandbox", seconds=60))
    assert other.run(other.ops.get_note("alice", "link")) is None
    one.run(one.ops.hold(30))
    assert other.run(other.ops.admit(Priority.USER, None, patience=1)).wait == 0
    assert one.run(one.ops.admit(Priority.USER, None, patience=60)).wait > 1


def test_the_same_value_in_two_accounts_is_two_tokens(accounts):
    one, other = accounts
    one.put("same")
    other.put("same")
    one.run(one.ops.relink("alice"))
    (pending,) = one.run(one.ops.due(1, seconds=60)).batch
    assert one.run(one.ops.condemn(pending)) is True
    assert other.peek() == "same"


def test_a_store_of_the_same_account_goes_on_where_another_stopped(shared_ground, form, drive):
    drive(shared_ground, form, account=SANDBOX).put("kept")
    again = drive(shared_ground, form, account=SANDBOX)
    assert again.peek() == "kept"


def test_what_everything_is_reports_what_was_there(driver):
    driver.put("a")
    driver.put("b", slot=BOBS, principal=BOB)
    driver.put("root", slot=PARTNER_SLOT, principal=PARTNER)
    assert driver.run(driver.ops.end_everything()) == Everything(sessions=2, tokens=3)
    assert driver.pending() == ["a", "b", "root"]
    assert driver.peek(PARTNER_SLOT, PARTNER) is None
    assert driver.has_ended(ALICE)
    assert driver.has_ended(BOB, BOBS)


def test_everything_includes_what_is_being_minted(driver):
    lease = driver.lease()
    root = driver.lease(slot=PARTNER_SLOT, principal=PARTNER)
    driver.run(driver.ops.end_everything())
    assert driver.commit(lease, "late") is False
    assert driver.commit(root, "late root") is False
    assert driver.pending() == ["late", "late root"]
    driver.put("new root", slot=PARTNER_SLOT, principal=PARTNER)
    assert driver.peek(PARTNER_SLOT, PARTNER) == "new root"


def test_the_partners_token_can_be_taken_away(driver):
    driver.put("root", slot=PARTNER_SLOT, principal=PARTNER)
    driver.put("home")
    assert driver.run(driver.ops.relink(PARTNER)) == 1
    assert driver.peek(PARTNER_SLOT, PARTNER) is None
    assert driver.peek(HOME) == "home"
    assert driver.pending() == ["root"]
