"""Fixtures of the tests of provisioning: one Monite for many tests, applications, and both forms of each call."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from monite_auth import TokenBroker
from monite_auth.emulator import Monite, serve
from monite_auth.provisioning import EntityProfile
from tests.core.provisioning.app import CAFE, App
from tests.core.provisioning.form import Filled


@pytest.fixture(scope="module")
def serving():
    with serve(Monite(requests_per_second=100_000)) as running:
        yield running


@pytest.fixture
def emulator(serving):
    """A Monite for many tests, each with its beginning: to start one takes longer than most of them."""
    serving.monite.reset()
    return serving


@pytest.fixture(params=["blocking", "async"])
def call(request) -> Iterator[Callable[..., Any]]:
    """Return a function that calls a method in one of its two forms; those of a test run on one event loop."""

    def in_thread(owner, method, *arguments):
        return getattr(owner, method)(*arguments)

    if request.param == "blocking":
        yield in_thread
        return
    with asyncio.Runner() as runner:
        yield lambda owner, method, *arguments: runner.run(getattr(owner, f"a{method}")(*arguments))


@pytest.fixture
def open_app():
    """Return a function that makes an App; its broker is closed at the end of the test."""
    apps = []

    def make(*arguments, **more):
        apps.append(App(*arguments, **more))
        return apps[-1]

    yield make
    for app in apps:
        app.broker.close()


@pytest.fixture
def app(emulated, open_app):
    return open_app(emulated)


@pytest.fixture
def monite(emulator):
    return emulator.monite


@pytest.fixture
def open_form(emulated) -> Iterator[Callable[..., Filled]]:
    """Return a function that makes a directory with a broker of its own: another process, where they share a store.

    It has the company of all its principals in `company`.
    """
    brokers = []

    def make(company: EntityProfile = CAFE, **changes: Any) -> Filled:
        directory = Filled(company)
        brokers.append(TokenBroker(replace(emulated, **changes), directory))
        return directory

    yield make
    for broker in brokers:
        broker.close()
