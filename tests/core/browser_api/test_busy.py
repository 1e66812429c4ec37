"""Calls under way, counted: whatever ends them, they are over."""

from contextlib import ExitStack

import pytest

from monite_auth import Principal
from monite_auth.adapter.browser_api.busy import BusySessions

ANNA = Principal("anna", session_id="anna-1")


def test_a_session_has_so_many_calls_under_way_and_no_more():
    busy, over = BusySessions(), ExitStack()
    assert [busy.begin(ANNA, 2, over) for _ in range(3)] == [True, True, False]
    over.close()
    assert busy.begin(ANNA, 2, over)


@pytest.mark.timeout(20)  # a lock that its own thread waits for ends never
def test_a_call_that_python_ends_amid_the_counting_is_over():
    busy, over = BusySessions(), ExitStack()
    busy.begin(ANNA, 1, over)
    with busy._here().lock:
        over.close()
    assert busy.begin(ANNA, 1, over)
