"""The bounds of the memory store: what it forgets, and what it must not."""

import pytest

from monite_auth import Principal
from monite_auth.stores import MOST_ENDINGS, MOST_SESSIONS, Slot
from monite_auth.stores.memory.operations import MemoryOperations
from tests.stores.harness import ALICE, FORMS, MemoryGround, SQLiteGround


@pytest.mark.parametrize("form", FORMS)
def test_memory_keeps_so_many_notes_and_no_more(drive, tmp_path, form):
    driver = drive(MemoryGround(tmp_path), form, max_users=3)
    for number in range(5):
        driver.put_note("x", user=f"user-{number}")
    assert [driver.get_note(user=f"user-{number}") for number in range(5)] == [None, None, "x", "x", "x"]
    driver.advance(1000)
    driver.put_note("x", user="one more")
    assert len(driver.ops._notes) == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_user_that_falls_out_of_memory_is_revoked_not_forgotten(drive, tmp_path, form):
    driver = drive(MemoryGround(tmp_path), form, max_users=3)
    for number in range(5):
        driver.put(f"token-{number}", Slot(f"user-{number}", None, None), Principal(f"user-{number}"))
    assert driver.pending() == ["token-0", "token-1"]
    assert driver.peek(Slot("user-0", None, None), Principal("user-0")) is None
    assert driver.peek(Slot("user-4", None, None), Principal("user-4")) == "token-4"


def test_memory_does_not_grow_with_users_who_are_gone(drive, tmp_path):
    driver = drive(MemoryGround(tmp_path), "blocking", session_memory=100)
    for number in range(500):
        principal = Principal(f"user-{number}", session_id="s")
        driver.put(f"t{number}", Slot(principal.user_id, None, None), principal, life=50)
        driver.run(driver.ops.end_session(principal))
        driver.advance(10)
    driver.run(driver.ops.due(1000, seconds=0))
    assert len(driver.ops._users.by_name) == len(driver.ops._users) < 20
    assert len(driver.ops._endings) <= 41  # with the leeway of 300 s
    assert len(driver.ops._revocations) <= 6


@pytest.mark.parametrize("end", ["user", "everything"])
def test_promise_5_a_session_that_was_let_go_ends_with_its_user_when_nothing_else_is_known_of_them(
    drive, tmp_path, end
):
    driver = drive(MemoryGround(tmp_path), "blocking")
    let_go, *others = [Principal("alice", session_id=f"s-{number}") for number in range(MOST_SESSIONS + 1)]
    for principal in (let_go, *others):
        driver.run(driver.ops.begin_session(principal))
    for principal in others:
        driver.run(driver.ops.end_session(principal))
    driver.run(driver.ops.end_user("alice") if end == "user" else driver.ops.end_everything())
    assert driver.has_ended(let_go)


def test_the_logouts_of_one_user_do_not_make_others_forget_theirs(drive, tmp_path):
    driver = drive(MemoryGround(tmp_path), "blocking", max_ended=MOST_ENDINGS + 10)
    driver.run(driver.ops.end_session(Principal("bob", session_id="s")))
    for number in range(2 * MOST_ENDINGS):
        driver.run(driver.ops.end_session(Principal("eve", session_id=f"s-{number}")))
    assert driver.has_ended(Principal("bob", session_id="s"), Slot("bob", None, None))
    assert driver.has_ended(Principal("eve", session_id="s-0"), Slot("eve", None, None))
    assert len(driver.ops._endings) <= MOST_ENDINGS + 3


class EndsMeanwhile(MemoryOperations):
    """A session ends just before the turn of its call."""

    async def admit(self, priority, ticket, *, patience):
        await self.end_session(ALICE)
        return await super().admit(priority, ticket, patience=patience)


def test_promise_5_a_call_does_not_find_the_token_of_a_session_that_ends_while_its_turn_is_taken(
    drive, tmp_path
):
    driver = drive(MemoryGround(tmp_path), "blocking")
    driver.put("t")
    driver.ops.__class__ = EndsMeanwhile
    assert driver.peek_in_turn().token is None


@pytest.mark.parametrize("form", FORMS)
def test_stores_take_the_turn_of_a_call_with_its_token(drive, tmp_path, form):
    for ground in (MemoryGround, SQLiteGround):
        driver = drive(ground(tmp_path), form)
        driver.put("t")
        assert driver.peek_in_turn().admission is not None


def test_nothing_is_kept_of_tokens_that_have_expired(drive, tmp_path):
    driver = drive(MemoryGround(tmp_path), "blocking")
    driver.put("once", life=50)
    driver.advance(100)
    driver.run(driver.ops.abandon(driver.lease()))
    user = driver.ops._users.by_name["alice"]
    assert (len(user.places), len(user.sessions)) == (0, 1)
    assert driver.ops._holders.of(driver.token("once")) == []


def test_readers_who_have_found_a_session_see_that_it_ends(drive, tmp_path):
    driver = drive(MemoryGround(tmp_path), "blocking")
    driver.put("token")
    found = driver.ops._users.by_name["alice"].sessions.get("alice-1")
    driver.run(driver.ops.end_session(ALICE))
    assert found.until == 0
