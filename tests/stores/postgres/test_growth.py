"""Many rows: everything ends in small steps, in which nobody waits; what is over goes; and hot rows are written beside their former ones."""

import threading

from monite_auth import Principal
from monite_auth.stores import Claimed, Committed, Ended, Slot
from monite_auth.stores.postgres.sessions import END_EVERYTHING
from tests.stores.harness import ALICE, BOB, BOBS
from tests.stores.live import LiveGround
from tests.waiting import until

NEW = Principal("alice", session_id="new")


def begin_to_end_everything(driver):
    """Do what a process does that dies right after it has begun."""
    driver.run(driver.ops._ask(END_EVERYTHING, lambda _: [3600.0, 0.0]))


def test_promise_5_an_ending_of_everything_that_has_begun_is_in_force_and_others_carry_it_on(
    server, form, drive
):
    dying, other = (drive(LiveGround(server.url), form) for _ in range(2))
    dying.put("old")
    dying.put("bobs", slot=BOBS, principal=BOB)
    in_flight = dying.lease(slot=Slot("alice", "abroad", None), owner="dying")
    begin_to_end_everything(dying)
    assert isinstance(other.claim(principal=ALICE), Ended)
    assert other.run(other.ops.commit(in_flight, other.token("late"))) is Committed.FENCED
    assert isinstance(other.claim(principal=NEW), Claimed)  # and not the old token
    other.put("new", principal=NEW)
    found = set()
    until(lambda: found.update(other.pending()) or len(found) == 3)
    assert found == {"old", "bobs", "late"}
    assert other.peek(principal=NEW) == "new"
    assert other.peek(BOBS, BOB) is None
    assert other.has_ended(BOB, BOBS)


def test_promise_5_a_value_that_is_about_to_be_taken_away_is_not_stored_again(server, form, drive):
    driver = drive(LiveGround(server.url), form)
    driver.put("the same")
    begin_to_end_everything(driver)
    lease = driver.lease(slot=Slot("carol", None, None), principal=Principal("carol", session_id="c"))
    assert driver.run(driver.ops.commit(lease, driver.token("the same"))) is Committed.DOOMED


def test_nobody_waits_while_everything_ends(server, drive):
    driver, other = drive(LiveGround(server.url), "blocking"), drive(LiveGround(server.url), "blocking")
    driver.put("t")
    for table, key, columns in (
        (
            "tokens",
            "slot",
            "account, state, user_name, print, sealed, expires_at, issued_at, renew_at, due_at",
        ),
        ("sessions", "user_name", "session_name, account, ended, until, began"),
    ):
        server.query(
            f"INSERT INTO monite_auth.{table} ({key}, {columns}) SELECT {key} || number, {columns} "
            f"FROM monite_auth.{table}, generate_series(1, 20000) AS number"
        )
    ended = []
    ending = threading.Thread(target=lambda: ended.append(driver.run(driver.ops.end_everything())))
    ending.start()
    logouts = 0
    while ending.is_alive():  # PostgreSQL would say within 0.4 seconds that a lock is not free
        other.run(other.ops.end_session(Principal(f"user-{logouts}", session_id="s")))
        logouts += 1
    assert logouts > 20
    assert ended[0].tokens == ended[0].sessions == 20001
    assert server.query("SELECT count(*) FROM monite_auth.tokens WHERE state <> 'pending'") == [(0,)]


def test_what_changes_often_is_written_beside_its_former_row(server, drive):
    driver = drive(LiveGround(server.url), "blocking", session_memory=2.0)
    updated = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = 'monite_auth' AND relname = "

    def all_are_hot(table):
        driver.admit()
        driver.claim()
        ((updates, hot),) = server.query(f"{updated}'{table}'")
        return updates >= 20 and hot == updates

    server.query("SELECT pg_stat_reset()")
    for table in ("budgets", "sessions"):
        until(lambda table=table: all_are_hot(table))


def test_rows_that_are_over_go_with_the_claims_of_others(server, drive):
    driver = drive(LiveGround(server.url), "blocking")
    driver.put("t")
    driver.run(driver.ops.end_session(BOB))
    server.query("UPDATE monite_auth.tokens SET expires_at = now() - interval '1 day'")
    server.query("UPDATE monite_auth.sessions SET until = now() - interval '2 days'")
    slots = iter(range(10_000))

    def are_gone():
        number = next(slots)
        driver.claim(slot=Slot(f"user-{number}", None, None), principal=Principal(f"user-{number}"))
        return (
            server.query(
                "SELECT FROM monite_auth.tokens UNION ALL SELECT FROM monite_auth.sessions WHERE until < now()"
            )
            == []
        )

    until(are_gone)
