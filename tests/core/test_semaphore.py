"""The semaphore for crowds of threads, by itself."""

import signal
import threading

import pytest

from monite_auth.engine.semaphore import Semaphore
from tests.waiting import until


def queue(semaphore, number, let_in):
    """Start threads that come one after the other."""
    threads = []
    for index in range(number):
        waiting = semaphore.waiting

        def come(index=index):
            if semaphore.acquire(timeout=60.0):
                let_in.append(index)

        threads.append(threading.Thread(target=come))
        threads[-1].start()
        until(lambda waiting=waiting: semaphore.waiting == waiting + 1)
    return threads


def test_it_lets_in_as_many_as_it_has_room_for():
    semaphore = Semaphore(2)
    assert [semaphore.acquire(timeout=0.0) for _ in range(3)] == [True, True, False]
    semaphore.release(2)
    assert [semaphore.acquire(timeout=0.0) for _ in range(3)] == [True, True, False]
    assert semaphore.waiting == 0


def test_threads_get_in_in_the_order_in_which_they_came():
    semaphore, let_in = Semaphore(0), []
    threads = queue(semaphore, 5, let_in)
    for index in range(5):
        semaphore.release()
        until(lambda index=index: let_in == [*range(index + 1)])
    for thread in threads:
        thread.join()


def test_who_gives_up_leaves_its_turn_to_the_next():
    semaphore, let_in = Semaphore(0), []
    assert not semaphore.acquire(timeout=0.0)
    (thread,) = queue(semaphore, 1, let_in)
    semaphore.release()
    thread.join()
    assert let_in == [0]
    assert not semaphore.acquire(timeout=0.0)


@pytest.mark.parametrize("is_let_in", [False, True])
def test_a_signal_while_waiting_takes_no_room_away(is_let_in):
    """Whether it comes before this thread was let in, or a moment after."""
    semaphore = Semaphore(0)

    def interrupt(*_):
        if is_let_in:
            semaphore.release()
        raise InterruptedError

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        main = threading.main_thread().ident

        def send():
            until(lambda: semaphore.waiting == 1)
            signal.pthread_kill(main, signal.SIGUSR1)

        sender = threading.Thread(target=send)
        sender.start()
        with pytest.raises(InterruptedError):
            semaphore.acquire(timeout=60.0)
        sender.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert semaphore.waiting == 0
    assert semaphore.acquire(timeout=0.0) is is_let_in


def test_many_threads_pass_through_a_narrow_room_and_none_is_lost():
    semaphore, inside, most, lock = Semaphore(3), [0], [0], threading.Lock()

    def pass_through():
        for _ in range(50):
            while not semaphore.acquire(timeout=0.0001):
                pass
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            with lock:
                inside[0] -= 1
            semaphore.release()

    threads = [threading.Thread(target=pass_through) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert most[0] <= 3
    assert [semaphore.acquire(timeout=0.0) for _ in range(4)] == [True, True, True, False]
