"""A Django project over the emulator."""

import contextlib
import os
from functools import partial

import django
import pytest
from anyio.from_thread import start_blocking_portal
from asgiref.sync import sync_to_async

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.django.project.settings"
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - Django wants to be set up first
from django.core.management.color import no_style  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402
from django.test import AsyncClient, Client, override_settings  # noqa: E402
from django.test.utils import (  # noqa: E402
    setup_databases,
    setup_test_environment,
    teardown_databases,
    teardown_test_environment,
)

import monite_auth_django  # noqa: E402
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, VIKTOR_ID  # noqa: E402
from monite_auth_django.models import MoniteLink  # noqa: E402
from tests.waiting import until  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def django_is_set_up():
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(databases, verbosity=0)
    teardown_test_environment()


@pytest.fixture
def monite_settings(emulator):
    return {
        "CLIENT_ID": DEMO_CLIENT_ID,
        "CLIENT_SECRET": DEMO_CLIENT_SECRET,
        "BASE_URL": emulator.api_url,
        "REQUESTS_PER_SECOND": 100_000,
    }


@pytest.fixture(autouse=True)
def project(monite_settings):
    """The project. Its database is emptied afterwards."""
    with override_settings(MONITE_AUTH=monite_settings):
        yield
        monite_auth_django.broker().drain()
        empty_database()


def close_connections():
    """Close this thread's connections, except to databases in memory: Django keeps those open, since closing deletes the data."""
    for each in connections.all(initialized_only=True):
        BaseDatabaseWrapper.close(each)


def empty_database():
    """Delete all rows except those of migrations. (The `flush` command would delete those as well.)"""
    tables = set(connection.introspection.django_table_names(only_existing=True))
    statements = connection.ops.sql_flush(no_style(), tables - {"django_content_type", "auth_permission"})
    connection.ops.execute_sql_flush(statements)


def make_user(name, entity_user_id=None, **more):
    user = get_user_model().objects.create_user(name, password="secret", **more)
    if entity_user_id is not None:
        MoniteLink.objects.create(user=user, entity_user_id=entity_user_id, entity_id=BAKERY_ID)
    return user


@pytest.fixture
def anna():
    return make_user("anna", ANNA_ID)


@pytest.fixture
def viktor():
    return make_user("viktor", VIKTOR_ID)


@pytest.fixture
def at_work(client, anna, emulator):
    """Anna, with a session and a token."""
    client.force_login(anna)
    assert client.get("/me").json()["id"] == ANNA_ID
    return anna


class Visitor:
    """A browser with one interface for sync and async stacks."""

    def __init__(self, portal=None, **options):
        self.portal = portal
        self.client = Client(**options) if portal is None else AsyncClient(**options)

    @property
    def is_async(self):
        return self.portal is not None

    def __call__(self, path, *, method="get", **options):
        path = f"/a/{path}" if self.is_async else f"/{path}"
        return self.run(partial(getattr(self.client, method), path, **options))

    def run(self, call):
        """Make a call of the client, where the stack runs."""
        return call() if self.portal is None else self.portal.call(call)

    def close(self):
        """Close the current broker's connections on the event loop."""
        if self.portal is not None:
            self.portal.call(monite_auth_django.broker().aclose)

    def another(self, **options):
        """Return another browser of the same stack."""
        return Visitor(self.portal, **options)


@pytest.fixture
def settings():
    """Override settings for the rest of a test."""
    with contextlib.ExitStack() as stack:
        yield lambda **changed: stack.enter_context(override_settings(**changed))


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def asgi():
    with start_blocking_portal() as portal:  # one event loop, as in a server
        visitor = Visitor(portal)
        yield visitor
        visitor.close()
        portal.call(sync_to_async(close_connections))


@pytest.fixture(params=["wsgi", "asgi"])
def visitor(request):
    """A browser of a sync stack, then one of an async stack."""
    return Visitor() if request.param == "wsgi" else request.getfixturevalue("asgi")


def log_in(visitor, user="anna"):
    assert visitor("log_in", query_params={"user": user}).status_code == 200


def live(emulator, entity_user_id=ANNA_ID):
    """Return the number of live tokens after all pending revocations are done."""
    until(lambda: monite_auth_django.broker().drain().next_in is None)
    return len(emulator.monite.ledger.live(entity_user_id))


def code(answer):
    return answer.json()["error"]["code"]
