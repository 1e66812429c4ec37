"""Time in SQLite: lives count by the reader's clock, dates by the wall clock, and what has expired is swept."""

from contextlib import closing

from monite_auth import AccessToken, Principal, Secret
from monite_auth.engine.runtime import run
from monite_auth.stores import Claimed, Cooldown, Ended, Priority, Slot
from tests.stores.harness import ALICE, HOME, PERSON
from tests.stores.sqlite.steps import principal, slot


def test_what_is_left_of_a_life_is_counted_by_each_readers_own_clock(ground):
    fast = ground.open(token_clock=lambda: ground.now + 100)
    slow = ground.open(token_clock=lambda: ground.now - 100)
    operations = fast.operations(blocking=True)
    claimed = run(operations.claim(HOME, ALICE, owner="me", seconds=5, min_life=0))
    now = ground.now + 100
    sent = AccessToken(Secret("t"), now + 60, now - 3, now + 50, PERSON, lambda: ground.now + 100)
    assert run(operations.commit(claimed.lease, sent))
    assert run(operations.peek(HOME, ALICE)) == sent
    seen = run(slow.operations(blocking=True).peek(HOME, ALICE))
    assert (seen.expires_in, seen.life) == (60, 63)
    assert seen.renew_at == ground.now - 100 + 50
    run(operations.relink("alice"))
    assert run(slow.operations(blocking=True).due(1, seconds=1)).batch[0].expires_at == ground.now - 100 + 65
    fast.close()
    slow.close()


def test_dates_are_compared_with_the_wall_clock_and_with_no_callers(ground):
    for ahead in (-1e6, 1e6):
        with closing(ground.open(token_clock=lambda ahead=ahead: ground.now + ahead)) as store:
            operations = store.operations(blocking=True)
            run(operations.end_user("alice"))
            for seconds, kind in ((-1, Ended), (1, Claimed)):
                dated = Principal(
                    "alice", session_id=f"{ahead}{seconds}", authenticated_at=ground.now + seconds
                )
                asked = operations.claim(HOME, dated, owner="me", seconds=5, min_life=0)
                assert isinstance(run(asked), kind)


def test_promise_8_a_clock_that_is_set_back_does_not_stop_the_budget(driver):
    admit = driver.ops.admit
    driver.run(admit(Priority.USER, None, patience=60))
    waiting = driver.run(admit(Priority.USER, None, patience=60))
    driver.advance(-3600)
    again = driver.run(admit(Priority.USER, waiting.ticket, patience=60))
    assert again.wait == driver.about(waiting.wait)
    driver.run(driver.ops.hold(20))
    driver.advance(-3600)
    assert driver.run(admit(Priority.USER, None, patience=60)).wait < 21


def test_what_has_expired_is_swept_and_the_file_stays_small(ground, drive, raw):
    driver = drive(ground, "blocking", session_memory=100)
    pages = []
    for number in range(600):
        name = f"user-{number}"
        driver.put(f"t{number}" * 100, slot(name), principal(name), life=50)
        driver.put(f"u{number}" * 100, slot(name), principal(name), life=50)
        if number % 3 == 0:
            run(driver.ops.end_session(principal(name)))
        if number % 3 == 1:
            run(driver.ops.end_user(name))
        lease = driver.lease(slot=Slot(name, "abroad", None), principal=principal(f"{name}-other"))
        if number % 2:
            run(driver.ops.abandon(lease, Cooldown(20, "monite_unavailable", "x")))
        run(driver.ops.put_note(name, "link", "x" * 100, seconds=50))
        for pending in run(driver.ops.due(1, seconds=10)).batch:
            run(driver.ops.condemn(pending))
        driver.advance(10)
        if number % 200 == 199:
            pages.append(raw().execute("PRAGMA page_count").fetchone()[0])
    for table, most in {
        "tokens": 600,
        "mints": 40,
        "sessions": 60,
        "endings": 20,
        "notes": 40,
        "condemned": 60,
    }.items():
        assert raw().execute(f"SELECT count(*) FROM {table}").fetchone()[0] < most, table
    assert pages[2] < pages[1] * 1.2
    run(driver.ops.due(1, seconds=0))
    assert raw().execute("SELECT count(*) FROM tokens").fetchone()[0] < 60
