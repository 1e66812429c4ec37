"""When one read of the store counts for others who waited for the same flight."""

import pytest

from monite_auth import AccessToken, Principal
from monite_auth.engine.revocation_epoch import PROCESS_EPOCH
from monite_auth.engine.runtime import run
from monite_auth.engine.shared_peek import SharedPeek
from monite_auth.engine.single_flight import SingleFlight
from monite_auth.engine.surroundings import Surroundings
from monite_auth.identity import PARTNER
from monite_auth.stores import Priority
from monite_auth.tokens import Secret

ANNA = Principal("anna", session_id="anna-1")
TOKEN = AccessToken(Secret("t"), 2000.0, 0.0, 1000.0, None)


class Waiters:
    """Those who read after a flight. `then` is what happens while the store is asked."""

    def __init__(self, *, is_open=True, answer=TOKEN):
        self.shared = SharedPeek(Surroundings())
        self.now, self.peeks, self.answer = 100.0, 0, answer
        if is_open:
            self.shared.open()

    def read(self, subject=ANNA, then=lambda: None):
        async def peek():
            self.peeks += 1
            then()
            return self.answer

        return run(self.shared.read(subject, peek, lambda: self.now))


def test_a_read_counts_for_others_for_5_milliseconds():
    waiters = Waiters()
    for later, peeks in ((0.0, 1), (0.0049, 1), (0.0002, 2), (0.0049, 2), (0.0002, 3)):
        waiters.now += later
        assert waiters.read() is TOKEN
        assert waiters.peeks == peeks
    waiters.now -= 10.0  # somebody has put the clock back
    waiters.read()
    assert waiters.peeks == 4


@pytest.mark.parametrize(
    "other",
    [
        Principal("anna", session_id="anna-2"),
        Principal("anna", "north", "anna-1"),
        Principal("anna", session_id="anna-1", authenticated_at=1.0),
        PARTNER,
    ],
    ids=str,
)
def test_promise_1_a_read_counts_for_the_same_subject_only(other):
    waiters = Waiters()
    waiters.read()
    waiters.read(other)
    assert waiters.peeks == 2


def test_where_one_reads_nothing_another_may_find_something():
    waiters = Waiters(answer=None)
    assert waiters.read() is waiters.read() is None
    assert waiters.peeks == 2


def test_a_read_that_begins_before_the_finish_counts_for_nobody_else_since_more_may_join():
    waiters = Waiters(is_open=False)
    waiters.read(then=waiters.shared.open)
    waiters.read()
    assert waiters.peeks == 2


def test_a_flight_shares_reads_once_it_is_finished():
    flights, peeks = SingleFlight(), []
    flight, _ = flights.join("slot", 100.0, expires_at=105.0, priority=Priority.USER)

    async def peek():
        peeks.append(flight.is_finished)
        return TOKEN

    for _ in range(2):
        run(flight.shared_peek.read(ANNA, peek, lambda: 100.0))
    flights.finish("slot", flight)
    for _ in range(2):
        run(flight.shared_peek.read(ANNA, peek, lambda: 100.0))
    assert peeks == [False, False, True]


def test_promise_5_a_read_from_before_an_ending_does_not_count_after_it():
    waiters = Waiters()

    def end():
        with PROCESS_EPOCH.ending():
            assert waiters.read() is TOKEN  # in the middle of it nothing has ended yet

    waiters.read()
    end()
    assert waiters.peeks == 1
    waiters.read(then=end)  # it reads, something ends, and then it learns what it read
    waiters.read()
    assert waiters.peeks == 4


def test_promise_5_an_ending_counts_whichever_broker_of_the_process_it_goes_through():
    waiters = Waiters()
    waiters.read()
    with Surroundings().epoch.ending():
        pass
    waiters.read()
    assert waiters.peeks == 2


def test_promise_3_a_read_does_not_count_beyond_the_expiry_of_its_token():
    waiters = Waiters(answer=AccessToken(Secret("t"), 100.0005, 0.0, 50.0, None))
    waiters.read()
    waiters.now = 100.0004
    waiters.read()
    assert waiters.peeks == 1
    waiters.now = 100.0005
    waiters.read()
    assert waiters.peeks == 2


def test_promise_5_an_ending_that_fails_may_have_ended_something_all_the_same():
    waiters = Waiters()
    waiters.read()
    with pytest.raises(OSError, match="cut"), PROCESS_EPOCH.ending():
        raise OSError("cut")
    waiters.read()
    assert waiters.peeks == 2
