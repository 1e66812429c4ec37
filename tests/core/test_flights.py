"""The table of work under way, by itself."""

import asyncio
import ctypes
import threading
from contextlib import suppress

import pytest

from monite_auth import AccessToken, Principal
from monite_auth.engine.flights import ROOM, Flights
from monite_auth.engine.revocation_epoch import PROCESS_EPOCH as EPOCH
from monite_auth.engine.runtime import run
from monite_auth.engine.surroundings import Surroundings
from monite_auth.stores import Priority
from monite_auth.tokens import Secret
from tests.waiting import until


def join(flights, key="slot", now=100.0, until=105.0, priority=Priority.USER):
    return flights.join(key, now, until=until, priority=priority)


def test_one_leads_and_the_others_join():
    flights = Flights()
    flight, leads = join(flights)
    assert leads
    assert join(flights) == (flight, False)
    assert join(flights, "another")[1]


def led_elsewhere(flights):
    """Have a flight led by a thread that is gone."""
    found = []
    thread = threading.Thread(target=lambda: found.append(join(flights)[0]))
    thread.start()
    thread.join()
    return found[0]


def test_a_flight_whose_leader_is_at_work_is_alive_however_long_it_takes():
    flights = Flights()
    flight, _ = join(flights)
    assert flight.begin()
    assert join(flights, now=1e9) == (flight, False)


def test_a_flight_whose_task_was_cancelled_before_it_began_is_over_with_its_time():
    flights = Flights()
    flight, _ = join(flights)
    assert join(flights, now=104.9) == (flight, False)
    assert join(flights, now=105.0)[1]


def test_a_flight_whose_loop_does_not_run_has_until_its_time_is_up_and_one_of_a_closed_loop_has_not():
    flights = Flights()
    loop = asyncio.new_event_loop()

    async def lead():
        return join(flights)[0]

    flight = loop.run_until_complete(lead())
    assert flight.is_alive(104.9)
    assert not flight.is_alive(105.0)
    loop.close()
    assert not flight.is_alive(100.0)


def test_a_flight_at_rest_keeps_others_from_beginning_until_its_time():
    flights = Flights()
    flight, _ = join(flights)
    flight.rest(200.0)
    assert join(flights, now=199.9) == (flight, False)
    assert join(flights, now=200.0)[1]


def test_a_flight_that_is_not_alive_any_more_is_replaced():
    flights = Flights()
    flight = led_elsewhere(flights)
    assert join(flights, now=104.9) == (flight, False)
    replaced, leads = join(flights, now=105.0)
    assert leads
    assert replaced is not flight


def test_who_comes_to_begin_when_somebody_else_has_taken_over_does_not_and_who_waited_is_told():
    flights = Flights()
    flight, _ = join(flights)
    told = []
    flight.call_when_done(lambda: told.append("over"))
    join(flights, now=105.0)
    assert told == ["over"]
    assert not flight.begin()


def test_a_late_landing_does_not_end_the_flight_that_took_its_place():
    flights = Flights()
    late = led_elsewhere(flights)
    new, _ = join(flights, now=106.0, until=110.0)
    flights.land("slot", late)
    assert late.done
    assert join(flights, now=107.0) == (new, False)


def test_everybody_is_told_once_of_the_end_and_late_comers_at_once():
    flights = Flights()
    flight, _ = join(flights)
    told = []
    called_off = lambda: told.append("never")  # noqa: E731
    flight.call_when_done(lambda: told.append("first"))
    flight.call_when_done(called_off)
    flight.call_off(called_off)
    flights.land("slot", flight, error=ValueError("x"))
    flight.call_when_done(lambda: told.append("late"))
    assert told == ["first", "late"]
    assert isinstance(flight.error, ValueError)


def waits(flight, within=60.0):
    """Do what a flow does: wait, look, and let the next look."""
    try:
        flight.block(within)
    finally:
        flight.wake_next()


def test_every_thread_that_waits_is_woken_though_some_have_given_up():
    flights = Flights()
    flight, _ = join(flights)
    gave_up = threading.Thread(target=waits, args=(flight, 0.0))
    gave_up.start()
    gave_up.join()
    threads = [threading.Thread(target=waits, args=(flight,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    flights.land("slot", flight)
    for thread in threads:
        thread.join(30.0)
    assert not any(thread.is_alive() for thread in threads)
    flight.block(60.0)  # whoever comes late does not wait at all


def test_a_thread_that_is_torn_from_its_wait_wakes_the_next_all_the_same():
    # As gevent does it: the exception comes out of the wait itself, here after it was this thread's turn.
    class Torn(BaseException):
        pass

    def be_torn():
        with suppress(Torn):
            waits(flight)

    flights = Flights()
    flight, _ = join(flights)
    torn, other = threading.Thread(target=be_torn), threading.Thread(target=waits, args=(flight,))
    for number, thread in enumerate((torn, other), 1):
        thread.start()
        until(lambda number=number: flight._turns.waiting == number)
    assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(torn.ident), ctypes.py_object(Torn)) == 1
    flights.land("slot", flight)
    for thread in (torn, other):
        thread.join(30.0)
    assert not torn.is_alive()
    assert not other.is_alive()


ANNA = Principal("anna", session_id="anna-1")
TOKEN = AccessToken(Secret("t"), 2000.0, 0.0, 1000.0, None)


class Looks:
    """Those who look after a flight. `then` is what happens while the store is asked."""

    def __init__(self, *, lands=True, answer=TOKEN):
        self.flights = Flights()
        self.flight, _ = join(self.flights)
        self.now, self.peeks, self.answer = 100.0, 0, answer
        if lands:
            self.flights.land("slot", self.flight)

    def look(self, principal=ANNA, then=lambda: None):
        async def peek():
            self.peeks += 1
            then()
            return self.answer

        return run(self.flight.look(principal, peek, lambda: self.now))


def test_what_somebody_found_counts_for_a_moment():
    looks = Looks()
    for later, peeks in ((0.0, 1), (0.0009, 1), (0.0002, 2), (0.0009, 2), (0.0002, 3)):
        looks.now += later
        assert looks.look() is TOKEN
        assert looks.peeks == peeks
    looks.now -= 10.0  # somebody has put the clock back
    looks.look()
    assert looks.peeks == 4


@pytest.mark.parametrize(
    "other",
    [
        Principal("anna", session_id="anna-2"),
        Principal("anna", "north", "anna-1"),
        Principal("anna", session_id="anna-1", authenticated_at=1.0),
        None,
    ],
    ids=str,
)
def test_promise_1_what_somebody_found_counts_for_the_same_principal_only(other):
    looks = Looks()
    looks.look()
    looks.look(other)
    assert looks.peeks == 2


def test_what_somebody_did_not_find_another_may():
    looks = Looks(answer=None)
    assert looks.look() is looks.look() is None
    assert looks.peeks == 2


def test_what_somebody_finds_before_the_end_counts_for_nobody_else_since_more_may_join():
    looks = Looks(lands=False)
    looks.look(then=lambda: looks.flights.land("slot", looks.flight))
    looks.look()
    assert looks.peeks == 2


def test_promise_5_what_somebody_found_before_an_ending_does_not_count_after_it():
    looks = Looks()

    def end():
        with EPOCH.ending():
            assert looks.look() is TOKEN  # in the middle of it nothing has ended yet

    looks.look()
    end()
    assert looks.peeks == 1
    looks.look(then=end)  # it looks, something ends, and then it learns what it saw
    looks.look()
    assert looks.peeks == 4


def test_promise_5_an_ending_counts_whichever_broker_of_the_process_it_goes_through():
    looks = Looks()
    looks.look()
    with Surroundings().epoch.ending():
        pass
    looks.look()
    assert looks.peeks == 2


def test_promise_3_what_somebody_found_does_not_count_beyond_its_expiry():
    looks = Looks(answer=AccessToken(Secret("t"), 100.0005, 0.0, 50.0, None))
    looks.look()
    looks.now = 100.0004
    looks.look()
    assert looks.peeks == 1
    looks.now = 100.0005
    looks.look()
    assert looks.peeks == 2


def test_promise_5_an_ending_that_fails_may_have_ended_something_all_the_same():
    looks = Looks()
    looks.look()
    with pytest.raises(OSError, match="cut"), EPOCH.ending():
        raise OSError("cut")
    looks.look()
    assert looks.peeks == 2


def test_a_landing_can_be_conditional_on_nobody_having_joined():
    flights = Flights()
    flight, _ = join(flights)
    calls = flight.calls
    join(flights)
    assert not flights.land("slot", flight, calls=calls)
    assert flights.land("slot", flight, calls=flight.calls)


def test_who_joins_lends_the_flight_their_priority():
    flights = Flights()
    flight, _ = join(flights, priority=Priority.RENEWAL)
    join(flights, priority=Priority.REVOCATION)
    assert flight.priority is Priority.RENEWAL
    join(flights, priority=Priority.USER)
    assert flight.priority is Priority.USER


def test_flights_that_nobody_lands_do_not_pile_up():
    flights = Flights()
    for number in range(10 * ROOM):
        join(flights, number, now=float(number))[0].rest(number + 5.0)
    assert len(flights._flights) <= ROOM + 1


def test_one_of_many_threads_leads():
    flights, leading = Flights(), []
    start = threading.Barrier(50)

    def work():
        start.wait()
        leading.append(join(flights)[1])

    threads = [threading.Thread(target=work) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert leading.count(True) == 1


def test_threads_go_on_one_after_the_other_and_two_by_two_where_a_look_takes_long():
    flights = Flights()
    flight, _ = join(flights)
    woken = []

    def wait(number):
        flight.block(60.0)
        woken.append(number)

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(5)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        until(lambda number=number: flight._turns.waiting == number)
    flight.wake_next()
    assert flight._turns.waiting == 5  # it is not over yet
    flights.land("slot", flight)
    until(lambda: woken == [0])
    assert flight._turns.waiting == 4
    flight.wake_next()
    until(lambda: woken == [0, 1])
    flight.wake_next(2)
    until(lambda: sorted(woken) == [0, 1, 2, 3])
    flight.wake_next(2)
    for thread in threads:
        thread.join(30.0)
    assert sorted(woken) == [0, 1, 2, 3, 4]


def test_a_flight_must_be_awaited_while_there_is_nothing_and_nobody_else_who_could_bring_it():
    flights = Flights()
    assert not flights.must_be_awaited("slot", lambda: 100.0)
    flight, _ = join(flights)
    assert not flights.must_be_awaited("slot", lambda: 100.0)
    flight.empty_until = 105.0
    assert flights.must_be_awaited("slot", lambda: 104.9)
    assert not flights.must_be_awaited("slot", lambda: 105.0)
    flights.land("slot", flight)
    assert not flights.must_be_awaited("slot", lambda: 100.0)
