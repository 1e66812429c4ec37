"""The table of flights, by itself."""

import asyncio
import threading

import pytest

from monite_auth.engine.single_flight import CLEANUP_THRESHOLD, TRANSITIONS, Event, SingleFlight, State
from monite_auth.stores import Priority
from tests.at_once import in_threads
from tests.waiting import PATIENCE, threads_waiting, until


def join(flights, slot="slot", now=100.0, expires_at=105.0, priority=Priority.USER):
    return flights.join(slot, now, expires_at=expires_at, priority=priority)


def test_one_leads_and_the_others_join():
    flights = SingleFlight()
    flight, leads = join(flights)
    assert leads
    assert join(flights) == (flight, False)
    assert join(flights, "another")[1]


EVENTS = {
    Event.START: lambda flight: flight.start(),
    Event.FINISH: lambda flight: flight.finish(),
    Event.ABANDON: lambda flight: flight.abandon(1e9),
}


@pytest.mark.parametrize("event", Event, ids=lambda event: event.value)
@pytest.mark.parametrize("before", State, ids=lambda state: state.value)
def test_the_states_are_as_in_the_table(before, event):
    flight = led_elsewhere(SingleFlight())
    for step in {State.LED: [], State.STARTED: [Event.START], State.FINISHED: [Event.FINISH]}[before]:
        EVENTS[step](flight)
    assert flight._state is before
    EVENTS[event](flight)
    assert flight._state is TRANSITIONS[before].get(event, before)


def led_elsewhere(flights):
    """Have a flight led by a thread that is gone."""
    found = []
    thread = threading.Thread(target=lambda: found.append(join(flights)[0]))
    thread.start()
    thread.join()
    return found[0]


def test_a_flight_whose_leader_is_at_work_is_alive_however_long_it_takes():
    flights = SingleFlight()
    flight, _ = join(flights)
    assert flight.start()
    assert join(flights, now=1e9) == (flight, False)


def test_a_flight_whose_task_was_cancelled_before_it_started_expires():
    flights = SingleFlight()
    flight, _ = join(flights)
    assert join(flights, now=104.9) == (flight, False)
    assert join(flights, now=105.0)[1]


def test_a_flight_whose_loop_does_not_run_expires_and_one_of_a_closed_loop_is_over_at_once():
    flights = SingleFlight()
    loop = asyncio.new_event_loop()

    async def lead():
        return join(flights)[0]

    flight = loop.run_until_complete(lead())
    assert flight.is_alive(104.9)
    assert not flight.is_alive(105.0)
    loop.close()
    assert not flight.is_alive(100.0)


def test_a_leader_that_renews_its_claim_extends_the_flight():
    flights = SingleFlight()
    flight = led_elsewhere(flights)
    flight.extend(200.0)
    assert join(flights, now=199.9) == (flight, False)
    assert join(flights, now=200.0)[1]


def test_a_flight_that_is_not_alive_any_more_is_replaced():
    flights = SingleFlight()
    flight = led_elsewhere(flights)
    assert join(flights, now=104.9) == (flight, False)
    replaced, leads = join(flights, now=105.0)
    assert leads
    assert replaced is not flight


def test_a_leader_that_starts_when_somebody_has_taken_over_does_not_and_who_waited_is_told():
    flights = SingleFlight()
    flight, _ = join(flights)
    told = []
    flight.call_when_finished(lambda: told.append("over"))
    join(flights, now=105.0)
    assert told == ["over"]
    assert not flight.start()


def test_a_late_finish_does_not_end_the_flight_that_took_its_place():
    flights = SingleFlight()
    late = led_elsewhere(flights)
    new, _ = join(flights, now=106.0, expires_at=110.0)
    flights.finish("slot", late)
    assert late.is_finished
    assert join(flights, now=107.0) == (new, False)


def test_everybody_is_told_once_of_the_finish_and_late_comers_at_once():
    flights = SingleFlight()
    flight, _ = join(flights)
    told = []
    cancelled = lambda: told.append("never")  # noqa: E731
    flight.call_when_finished(lambda: told.append("first"))
    flight.call_when_finished(cancelled)
    flight.cancel_call(cancelled)
    flights.finish("slot", flight, ValueError("x"))
    flight.call_when_finished(lambda: told.append("late"))
    assert told == ["first", "late"]
    assert isinstance(flight.error, ValueError)


def test_every_thread_that_waits_is_woken_though_some_have_given_up():
    flights = SingleFlight()
    flight, _ = join(flights)
    gave_up = threading.Thread(target=flight.wait_in_thread, args=(0.0,))
    gave_up.start()
    gave_up.join()
    threads = [threading.Thread(target=flight.wait_in_thread, args=(2 * PATIENCE,)) for _ in range(20)]
    for thread in threads:
        thread.start()
    until(lambda: threads_waiting(flight) == 20)
    flights.finish("slot", flight)
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    flight.wait_in_thread(60.0)  # whoever comes late does not wait at all


def test_a_joiner_lends_the_flight_their_priority():
    flights = SingleFlight()
    flight, _ = join(flights, priority=Priority.RENEWAL)
    join(flights, priority=Priority.REVOCATION)
    assert flight.priority is Priority.RENEWAL
    join(flights, priority=Priority.USER)
    assert flight.priority is Priority.USER


def test_flights_that_nobody_finishes_do_not_pile_up():
    flights = SingleFlight()
    for number in range(10 * CLEANUP_THRESHOLD):
        join(flights, number, now=float(number), expires_at=number + 5.0)
    assert len(flights._flights) <= CLEANUP_THRESHOLD + 1


def test_one_of_many_threads_leads():
    flights = SingleFlight()
    leading = in_threads(50, lambda _: join(flights)[1])
    assert leading.count(True) == 1


def test_a_slot_is_known_to_be_empty_while_only_the_flight_can_fill_it():
    flights = SingleFlight()
    assert not flights.is_known_empty("slot", lambda: 100.0)
    flight, _ = join(flights)
    assert not flights.is_known_empty("slot", lambda: 100.0)
    flight.mark_empty(105.0)
    assert flights.is_known_empty("slot", lambda: 104.9)
    assert not flights.is_known_empty("slot", lambda: 105.0)
    flight.mark_filled()
    assert not flights.is_known_empty("slot", lambda: 100.0)
    flight.mark_empty(105.0)
    flights.finish("slot", flight)
    assert not flights.is_known_empty("slot", lambda: 100.0)
