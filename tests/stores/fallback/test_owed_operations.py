"""An owed operation as text."""

import json
from dataclasses import replace

import pytest

from monite_auth import PARTNER, Principal, Secret
from monite_auth.processes.boot_clock import BOOT
from monite_auth.stores import PARTNER_SLOT, Lease, Slot
from monite_auth.stores.fallback.owed_operation import OwedOperation, parse, text_of
from monite_auth.tokens import AccessToken, steady_clock
from tests.scripted import ALICE, BOB_IN_MONITE

OPERATIONS = [
    OwedOperation("end_session", (Principal("alice", "books", "alice-1", 1_700_000_000.25),), 5.0),
    OwedOperation("begin_session", (ALICE,), 6.5),
    OwedOperation("end_user", ("alice",)),
    OwedOperation("end_everything"),
    OwedOperation("end_everything", (("7", "9.name of a user"),)),
    OwedOperation("relink", (PARTNER,)),
    OwedOperation("relink", ("alice",)),
    OwedOperation("discard", (Slot("alice", None, "alice-1"), "0123456789abcdef")),
    OwedOperation("discard", (Slot(PARTNER, None, None, "partner"), "0123456789abcdef")),
    OwedOperation("revoke", (AccessToken(Secret("a"), 3.0, 1.0, 2.0),)),
    OwedOperation("commit", (Lease.void(PARTNER_SLOT), AccessToken(Secret("a"), 3.0, 1.0, 2.0))),
    OwedOperation("revoke", (AccessToken(Secret("a"), 3.0, 1.0, 2.0, BOB_IN_MONITE),)),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_an_owed_operation_is_read_as_it_was_written(operation):
    found = parse(text_of(operation), clock=steady_clock)
    assert (found.name, found.at) == (operation.name, operation.at)
    assert [
        replace(each, value="") if isinstance(each, AccessToken) else each for each in found.arguments
    ] == [replace(each, value="") if isinstance(each, AccessToken) else each for each in operation.arguments]


@pytest.mark.parametrize(("boot", "left"), [(BOOT, 100), ("another", 0)])
def test_a_token_lives_as_long_for_a_process_that_found_another_wall_clock(boot, left):
    now = steady_clock()
    token = AccessToken(Secret("a"), now + 100, now, now + 80)
    name, at, _, written = json.loads(text_of(OwedOperation("revoke", (token,))))
    # As a process writes it that began while the wall clock was an hour behind.
    written["at_boot"] -= 3600
    written["token"][1:4] = [each - 3600 for each in written["token"][1:4]]
    found = parse(json.dumps([name, at, boot, written]), clock=steady_clock).arguments[0]
    assert found.expires_in == pytest.approx(left, abs=20)


@pytest.mark.parametrize(
    "text",
    ['["close",0]', "[]", "7", '["relink",0,"",{"x":1}]', '["relink",0,"",7]', '["relink",null,""]', "{"],
)
def test_a_text_that_is_no_owed_operation_is_refused(text):
    with pytest.raises(ValueError, match="no operation|no owed|no argument|unpack|float|Expecting"):
        parse(text, clock=lambda: 0.0)
