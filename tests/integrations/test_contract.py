"""Runs the contract of adapters for our own: in each framework, with `def` and with `async def` views.

Behaviour beyond the contract is tested in test_starlette.py, test_flask.py and tests/django.
"""

import socket

import pytest

from monite_auth.emulator import ANNA_ID
from monite_auth.testing import AdapterContract
from monite_auth_flask import monite_allowed as allowed_in_flask
from monite_auth_starlette.fastapi import allowed as allowed_in_starlette
from tests.integrations.contract_django import django_database, django_site
from tests.integrations.contract_flask import flask_site
from tests.integrations.contract_site import Form
from tests.integrations.contract_starlette import starlette_site


def dead_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OurContract(AdapterContract):
    """The contract, plus a shared store that is down from the start."""

    form: Form

    @pytest.mark.parametrize("store_url", [f"redis://127.0.0.1:{dead_port()}/0"], ids=["dead"])
    def test_promise_7_a_logout_while_the_shared_store_is_down_is_answered_by_the_app(self, browser):
        browser.login("anna")
        assert browser.is_user(ANNA_ID)
        answer = browser.logout()
        assert (answer.status, answer.text) == (200, "out")
        assert browser.me().refusal == (401, "not_logged_in")


class StarletteContract(OurContract):
    def open_site(self, settings, **options):
        return starlette_site(settings, self.form, **options)

    def guard(self, object_type, action):
        return allowed_in_starlette(object_type, action)


class FlaskContract(OurContract):
    def open_site(self, settings, **options):
        return flask_site(settings, self.form, **options)

    def guard(self, object_type, action):
        return allowed_in_flask(object_type, action)


@pytest.fixture(scope="module")
def database():
    """Django's database. It is deleted after this file, so that the tests in `tests/django` can create their own."""
    with django_database():
        yield


@pytest.mark.usefixtures("database")
class DjangoContract(OurContract):
    def open_site(self, settings, **options):
        return django_site(settings, self.form, **options)

    def guard(self, object_type, action):
        from monite_auth_django.decorators import monite_allowed  # after Django has been set up

        return monite_allowed(object_type, action)


class TestStarletteInDef(StarletteContract):
    form = "sync"


class TestStarletteInAsyncDef(StarletteContract):
    form = "async"


class TestFlaskInDef(FlaskContract):
    form = "sync"


class TestFlaskInAsyncDef(FlaskContract):
    form = "async"


class TestDjangoInDef(DjangoContract):
    form = "sync"


class TestDjangoInAsyncDef(DjangoContract):
    form = "async"
