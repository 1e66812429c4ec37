"""Places on live Redis servers, and what tests do to every one of them."""

from monite_auth import Principal
from monite_auth.identity import PARTNER
from monite_auth.stores import Cooldown, CoolingDown, Hit, Lease, Priority, Slot
from monite_auth.stores.redis.lanes import GROWING_SHARE
from tests.stores.harness import Driver
from tests.waiting import PATIENCE, until

LONGER = PATIENCE / GROWING_SHARE
"""A timeout by which no wait for a connection counts as long: on a busy machine a server nearby may seem to be far away."""

PASSWORD = "hunter2-but-longer"  # what no message may hold


def do_everything(driver: Driver) -> None:
    """Have each operation do what it does, for users of its own."""
    carol, home, abroad = (
        Principal("carol", session_id="carol-1"),
        *(Slot("carol", x, None) for x in ("", "abroad")),
    )
    driver.put("one", home, carol)
    driver.put("two", home, carol)
    assert driver.peek(home, carol) == "two"
    assert driver.run(driver.ops.peek_in_turn(home, carol, patience=1)).token is not None
    assert isinstance(driver.claim(home, carol), Hit)
    driver.run(driver.ops.discard(home, driver.token("two").fingerprint))
    driver.run(driver.ops.abandon(driver.lease(slot=abroad, principal=carol), Cooldown(30, "x", "y")))
    assert isinstance(driver.claim(abroad, carol), CoolingDown)
    void = Lease(abroad, "0" * 16)
    assert driver.commit(void, "three") is False
    assert driver.run(driver.ops.status("carol")).live == 0
    assert driver.run(driver.ops.end_session(carol)) == 2
    assert driver.run(driver.ops.backlog()) >= 3
    assert driver.has_ended(carol, home)
    assert driver.run(driver.ops.end_user("dave")) == 0
    assert driver.run(driver.ops.relink("dave")) == 0
    first, *others = driver.run(driver.ops.due(3, seconds=30)).batch
    second, _third = others
    driver.run(driver.ops.settle(first))
    driver.run(driver.ops.postpone(second, 0))
    (again,) = driver.run(driver.ops.due(2, seconds=30)).batch
    assert again.attempts == 1
    for each in others:
        driver.run(driver.ops.settle(each))
    assert driver.run(driver.ops.admit(Priority.USER, None, patience=9)).admitted
    driver.run(driver.ops.hold(0.1))
    driver.run(driver.ops.end_user("carol"))
    driver.run(driver.ops.put_note("carol", "link", "x", seconds=30))
    assert driver.run(driver.ops.get_note("carol", "link")) == "x"
    driver.run(driver.ops.delete_note("carol", "link"))
    assert driver.run(driver.ops.get_note("carol", "link")) is None
    daves = driver.lease(slot=Slot("dave", None, None), principal=PARTNER)
    driver.run(driver.ops.abandon(daves, Cooldown(0.001, "x", "y", everyone=True)))
    until(lambda: not isinstance(driver.claim(slot=Slot("dave", None, None), principal=PARTNER), CoolingDown))
