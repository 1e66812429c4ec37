"""The project's functions and the thread of a request: they run in it, and need not wait for it."""

import asyncio
import threading

from asgiref.sync import ThreadSensitiveContext, sync_to_async

from monite_auth import TokenBroker
from monite_auth_django.directory import ProjectDirectory
from monite_auth_django.functions import ProjectFunction
from tests.people import ANNA, PEOPLE
from tests.waiting import until


def test_a_function_runs_in_the_requests_thread():
    async def view():
        async with ThreadSensitiveContext():
            function = ProjectFunction("authorize", threading.current_thread, instead="acan")
            return await function.acall(), await sync_to_async(threading.current_thread)()

    ran_in, the_requests = asyncio.run(view())
    assert ran_in is the_requests


def test_a_directory_answers_although_the_requests_thread_waits_for_its_answer(emulated):
    broker = TokenBroker(emulated, ProjectDirectory(lambda principal: PEOPLE[principal.user_id]))
    flights = broker.running.engine.flights._flights

    def legacy():
        until(lambda: flights)  # which the view leads
        return broker.token(ANNA)

    async def view():
        async with ThreadSensitiveContext(), broker:
            waiting = asyncio.create_task(sync_to_async(legacy)())
            await asyncio.sleep(0)
            return [await broker.atoken(ANNA), await waiting]

    first, second = asyncio.run(view())
    assert first == second


def test_a_function_runs_once_where_the_requests_thread_comes_late():
    calls = []
    let_go = threading.Event()
    function = ProjectFunction("authorize", lambda: calls.append(threading.current_thread()), instead="acan")

    async def view():
        async with ThreadSensitiveContext():
            blocked = asyncio.create_task(sync_to_async(let_go.wait)(20))
            await asyncio.sleep(0)
            await function.acall()
            let_go.set()
            await blocked
            return await sync_to_async(threading.current_thread)()

    the_requests = asyncio.run(view())
    assert len(calls) == 1
    assert calls[0] is not the_requests
