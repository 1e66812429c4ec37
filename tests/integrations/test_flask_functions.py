"""Functions that a Flask app hands in, `def` and `async def`: directories, and what decides about permissions."""

import asyncio

import pytest
from flask import g, has_app_context

from monite_auth import (
    EntityUser,
    Principal,
    errors,
)
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from monite_auth_flask import current_monite, monite_allowed
from tests.integrations.flask_apps import app_of, both, config_of, logged_in

ANNA = EntityUser(ANNA_ID, BAKERY_ID)


@pytest.fixture
def config(emulator):
    return config_of(emulator)


# -- directories


@both
@pytest.mark.parametrize("is_async", [False, True], ids=["def directory", "async def directory"])
def test_a_directory_of_either_kind_serves_views_of_either_kind(config, emulator, views, is_async):
    asked = []

    def find(principal):
        assert has_app_context()
        asked.append(principal.user_id)
        return ANNA if principal.user_id == "anna" else None

    async def afind(principal):
        await asyncio.sleep(0)
        return find(principal)

    app = app_of(directory=afind if is_async else find)
    app.config.update(config)
    client = logged_in(app)
    assert client.get(views + "/me").json["id"] == ANNA_ID
    assert client.get(views + "/me").json["id"] == ANNA_ID
    assert client.get("/monite/token").status_code == 200
    assert asked == ["anna"]
    assert logged_in(app, "stranger").get(views + "/me").status_code == 403
    app.extensions["monite_auth"].broker.close()


class InTheDatabase:
    def find(self, principal):
        assert has_app_context()
        return ANNA

    async def afind(self, principal):
        return self.find(principal)


class Callable:
    def __call__(self, principal):
        assert has_app_context()
        return ANNA


class AsyncCallable:
    async def __call__(self, principal):
        assert has_app_context()
        return ANNA


@both
@pytest.mark.parametrize("directory", [{"anna": ANNA}, InTheDatabase(), Callable(), AsyncCallable()])
def test_a_directory_may_be_a_mapping_or_an_object(config, emulator, directory, views):
    app = app_of(directory=directory)
    app.config.update(config)
    assert logged_in(app).get(views + "/me").json["id"] == ANNA_ID
    with app.app_context():
        broker = app.extensions["monite_auth"].broker
    token = asyncio.run(broker.atoken(Principal("anna", session_id="s")))
    assert token.entity_user == ANNA
    broker.close()


def test_an_object_that_is_no_directory_is_explained(config):
    app = app_of(directory=7)
    app.config.update(config)
    app.testing = True
    with pytest.raises(errors.ConfigurationError, match="not int"):
        app.test_client().get("/me")


def test_a_mapping_with_unusable_keys_is_explained_at_the_first_request(config):
    app = app_of(directory={1: ANNA})
    app.config.update(config)
    app.testing = True
    with pytest.raises(errors.ConfigurationError, match="A key is an int"):
        app.test_client().get("/me")


@both
@pytest.mark.parametrize("is_async", [False, True], ids=["def directory", "async def directory"])
def test_a_directory_that_returns_no_entity_user_is_explained(config, emulator, views, is_async):
    def find(principal):
        return (ANNA_ID, BAKERY_ID)

    async def afind(principal):
        return find(principal)

    app = app_of(directory=afind if is_async else find)
    app.config.update(config)
    app.testing = True
    with pytest.raises(errors.ConfigurationError, match=r"directory returned a tuple \(str, str\)"):
        logged_in(app).get(views + "/me")
    app.extensions["monite_auth"].broker.close()


def test_a_directory_sees_the_requests_own_context_and_has_one_in_the_background(config, emulator):
    seen = []

    def find(principal):
        seen.append(g.get("database"))
        return ANNA

    app = app_of(directory=find)
    app.config.update(config)

    @app.before_request
    def open_database():
        g.database = "of this request"

    client = logged_in(app)
    client.get("/me")
    broker = app.extensions["monite_auth"].broker
    broker.token(Principal("somebody", session_id="s"))  # outside of a request, without a context
    client.get("/async/me")
    broker.relink("anna")
    # The directory runs in a thread, where it must not use the view's database session.
    client.get("/async/me")
    assert seen == ["of this request", None, None]
    broker.close()


@pytest.mark.parametrize("is_async", [False, True])
def test_the_brokers_own_async_methods_ask_the_directory_too(config, emulator, is_async):
    async def afind(principal):
        assert has_app_context()
        return ANNA

    app = app_of(directory=afind if is_async else lambda _: ANNA)
    app.config.update(config)
    broker = app.extensions["monite_auth"].broker
    token = asyncio.run(broker.atoken(Principal("anna", session_id="s")))
    assert token.entity_user == ANNA
    broker.close()


def test_a_blocking_call_in_an_async_view_with_an_async_directory_is_explained(config, emulator):
    async def find(principal):
        return ANNA

    app = app_of(directory=find)
    app.config.update(config)
    app.testing = True

    @app.get("/mistake")
    async def mistake():
        return current_monite.token().authorization

    client = logged_in(app)
    with pytest.raises(errors.BlockingCallError, match="await current_monite.atoken"):
        client.get("/mistake")
    app.extensions["monite_auth"].broker.close()


# -- an app that decides about permissions itself


def creators(principal, object_type, action):
    assert has_app_context()
    return principal.user_id == "anna"


async def acreators(principal, object_type, action):
    return creators(principal, object_type, action)


class Creators:
    async def __call__(self, principal, object_type, action):
        return creators(principal, object_type, action)


@pytest.fixture
def deciding(config):
    """Return a function that makes an app with its own `authorize`."""
    apps = []

    def make(authorize):
        app = app_of(directory={"anna": ANNA, "viktor": ANNA}, authorize=authorize)
        app.config.update(config, MONITE_SECURITY_MODEL="partner_managed")
        app.testing = True

        @app.get("/payables")
        @monite_allowed("payable", "read")
        def payables():
            assert current_monite.can("payable", "read")
            return current_monite.client.get("/payables").json()

        @app.get("/async/payables")
        @monite_allowed("payable", "read")
        async def apayables():
            assert await current_monite.acan("payable", "read")
            return (await current_monite.aclient.get("/payables")).json()

        @app.get("/mistake")
        async def mistake():
            return str(current_monite.can("payable", "read"))

        apps.append(app)
        return app

    yield make
    for app in apps:
        app.extensions["monite_auth"].broker.close()


@both
@pytest.mark.parametrize("authorize", [creators, acreators, Creators()], ids=["def", "async def", "object"])
def test_an_authorize_of_every_kind_is_asked_by_views_of_both_kinds(deciding, authorize, views):
    app = deciding(authorize)
    assert logged_in(app).get(f"{views}/payables").status_code == 200
    refusal = logged_in(app, "viktor").get(f"{views}/payables")
    assert (refusal.status_code, refusal.json["error"]["code"]) == (403, "not_permitted")


def test_a_blocking_call_in_an_async_view_with_an_async_authorize_is_explained(deciding):
    with pytest.raises(errors.BlockingCallError, match="authorize is an async function"):
        logged_in(deciding(acreators)).get("/mistake")


def test_the_brokers_own_async_methods_ask_authorize_too(deciding):
    for authorize in (creators, acreators):
        broker = deciding(authorize).extensions["monite_auth"].broker
        assert asyncio.run(broker.acan(Principal("anna", session_id="s"), "payable", "read"))


@pytest.mark.parametrize("authorize", [lambda *_: 1, lambda *_: None], ids=["1", "None"])
def test_an_authorize_that_returns_neither_true_nor_false_lets_nobody_in(deciding, authorize):
    with pytest.raises(errors.ConfigurationError, match="has to be True or False"):
        logged_in(deciding(authorize)).get("/payables")


def test_an_authorize_where_monite_decides_is_explained(deciding):
    app = deciding(creators)
    app.config["MONITE_SECURITY_MODEL"] = "monite_managed"
    with pytest.raises(errors.ConfigurationError, match="it is never asked"):
        logged_in(app).get("/payables")
    app.config["MONITE_SECURITY_MODEL"] = (
        "mixed"  # the fixture closes the broker, so it must be possible to build one
    )
