"""The Flask extension itself: configuration, several apps, directories, and cleaning up."""

import asyncio
import gc
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask, g, has_app_context

from monite_auth import (
    EntityUser,
    MemoryStore,
    Principal,
    RedisStore,
    Settings,
    SQLiteStore,
    TokenBroker,
    errors,
)
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, Fault
from monite_auth.tokens import steady_clock
from monite_auth_flask import MoniteAuth, current_monite, monite_allowed
from tests.at_once import in_threads
from tests.integrations.flask_apps import ASYNC, SYNC, app_of, both
from tests.waiting import until

ANNA = EntityUser(ANNA_ID, BAKERY_ID)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("CLIENT_ID", "CLIENT_SECRET", "BASE_URL", "ENVIRONMENT", "STORE_URL"):
        monkeypatch.delenv("MONITE_" + name, raising=False)


@pytest.fixture
def config(emulator):
    return {
        "MONITE_CLIENT_ID": DEMO_CLIENT_ID,
        "MONITE_CLIENT_SECRET": DEMO_CLIENT_SECRET,
        "MONITE_BASE_URL": emulator.api_url,
        "MONITE_REQUESTS_PER_SECOND": 1000,
    }


@pytest.fixture
def factory(config):
    """Return a function that makes configured apps. Their brokers are closed afterwards."""
    apps = []

    def make(monite=None, **more):
        app = app_of(directory={"anna": ANNA}) if monite is None else Flask(__name__)
        app.config.update({**config, **more})
        if monite is not None:
            monite.init_app(app)
        apps.append(app)
        return app

    yield make
    for app in apps:
        app.extensions["monite_auth"].broker.close()


def logged_in(app, user="anna"):
    client = app.test_client()
    assert client.post("/login", query_string={"user": user}).status_code == 200
    return client


# -- configuration


def test_settings_are_the_apps_config(factory):
    app = factory(MONITE_API_VERSION="2024-01-31", MONITE_DEADLINE=7)
    with app.app_context():
        settings = app.extensions["monite_auth"].broker.settings
    assert (settings.api_version, settings.deadline) == ("2024-01-31", 7)


def test_tokens_live_in_a_store_of_the_apps_own(factory, config, tmp_path):
    path = tmp_path / "tokens.db"
    settings = Settings.from_mapping(config, prefix="MONITE_")
    store = SQLiteStore(path, keys=settings.sealing_keys)
    app = factory(MoniteAuth(directory={"anna": ANNA}, store=store))
    with app.app_context():
        app.extensions["monite_auth"].broker.token(Principal("anna", session_id="1"))
    with TokenBroker(replace(settings, store_url=f"sqlite:///{path}"), {}) as other_process:
        assert other_process.status("anna").expires_at is not None


def test_promise_7_a_store_of_the_apps_own_may_be_down(factory, config, caplog):
    settings = Settings.from_mapping(config, prefix="MONITE_")
    store = RedisStore("redis://127.0.0.1:1/0", keys=settings.sealing_keys)
    app = app_of(directory={"anna": ANNA}, store=store)
    app.config.update(config, MONITE_DEADLINE=1)
    with app.extensions["monite_auth"].broker:
        client = logged_in(app)
        assert client.get("/me").status_code == 200
        assert client.post("/logout").status_code == 200
        assert "The token store is down" in caplog.text


def test_a_broker_of_the_apps_own_has_its_store_already(broker):
    with pytest.raises(errors.ConfigurationError, match="directory, authorize or store"):
        MoniteAuth(broker=broker, store=MemoryStore())


def test_the_environment_is_asked_where_the_config_has_nothing(factory, monkeypatch):
    monkeypatch.setenv("MONITE_CLIENT_SECRET", "from the environment")
    monkeypatch.setenv("MONITE_DEADLINE", "6")
    monkeypatch.setenv("MONITE_ENVIRONMENT", "eu")  # the base URL in the config disagrees and wins
    app = factory(MONITE_CLIENT_SECRET="", MONITE_DEADLINE=5)
    settings = app.extensions["monite_auth"].broker.settings
    assert settings.secret.reveal() == "from the environment"
    assert settings.deadline == 5
    assert settings.base_url == app.config["MONITE_BASE_URL"]


def test_the_config_alone_decides_the_source_of_the_secret(factory, monkeypatch, tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"{DEMO_CLIENT_SECRET}\n")
    monkeypatch.setenv("MONITE_CLIENT_SECRET", "from the environment")
    app = factory(MONITE_CLIENT_SECRET=None, MONITE_CLIENT_SECRET_FILE=str(file))
    assert logged_in(app).get("/monite/token").status_code == 200
    assert app.extensions["monite_auth"].broker.settings.secret.reveal() == DEMO_CLIENT_SECRET


def test_an_ended_session_is_remembered_for_as_long_as_flask_takes_its_cookie(factory):
    app = factory()
    app.permanent_session_lifetime = timedelta(days=60)
    assert app.extensions["monite_auth"].broker.settings.session_memory == 60 * 24 * 3600
    app = factory(MONITE_SESSION_MEMORY=3600)
    assert app.extensions["monite_auth"].broker.settings.session_memory == 3600
    app = factory()
    app.permanent_session_lifetime = timedelta(days=10_000)
    assert app.extensions["monite_auth"].broker.settings.session_memory == 366 * 24 * 3600


def test_all_missing_settings_are_reported_together_at_first_use():
    app = app_of(directory={})
    app.testing = True
    assert app.test_client().get("/plain").status_code == 200
    with pytest.raises(errors.ConfigurationError) as caught:
        app.test_client().get("/me")
    assert len(caught.value.problems) == 2


def test_a_missing_directory_is_explained(config):
    app = app_of()
    app.config.update(config)
    app.testing = True
    with pytest.raises(errors.ConfigurationError, match="put @monite.directory above"):
        app.test_client().get("/me")


def test_a_broker_and_a_directory_together_are_refused(broker):
    with pytest.raises(errors.ConfigurationError, match="another directory"):
        MoniteAuth(broker=broker, directory={})
    with pytest.raises(errors.ConfigurationError, match="of its own"):
        MoniteAuth(broker=broker).directory(lambda _: None)
    with pytest.raises(errors.ConfigurationError, match="another directory, authorize or store"):
        MoniteAuth(broker=broker, authorize=lambda *_: True)
    with pytest.raises(errors.ConfigurationError, match="of its own, or none"):
        MoniteAuth(broker=broker).authorize(lambda *_: True)


def test_an_app_has_one_extension(broker):
    app = Flask(__name__)
    MoniteAuth(app, broker=broker)
    with pytest.raises(errors.ConfigurationError, match="already"):
        MoniteAuth(app, broker=broker)


# -- factories and several apps


def test_an_extension_serves_the_apps_of_a_factory_each_with_its_own_broker(factory, emulator):
    monite = MoniteAuth()

    @monite.directory
    def entity_user(principal):
        return ANNA

    one, two = factory(monite), factory(monite, MONITE_API_VERSION="2024-01-31")
    brokers = []
    for app in (one, two):
        with app.app_context():
            brokers.append(monite.broker)
            assert monite.broker is brokers[-1]
    assert brokers[0] is not brokers[1]
    assert [each.settings.api_version for each in brokers] == ["2024-05-25", "2024-01-31"]


def test_threads_that_come_first_share_one_broker(factory):
    state = factory().extensions["monite_auth"]
    assert len(set(in_threads(8, lambda _: state.broker))) == 1


def test_two_apps_in_one_process_do_not_see_each_others_users(factory, emulator):
    one, two = factory(), factory()
    two.secret_key = "other"
    client = logged_in(one)
    stolen = client.get_cookie("session").value
    other = two.test_client()
    other.set_cookie("session", stolen)
    assert other.get("/me").status_code == 401
    assert client.get("/me").json["id"] == ANNA_ID


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


# -- threads and event loops


def test_promise_2_views_of_both_kinds_that_ask_at_once_share_one_mint(broker, emulator):
    app = app_of(broker)
    cookie = logged_in(app).get_cookie("session").value

    def ask(number):
        client = app.test_client()
        client.set_cookie("session", cookie)
        return client.get([SYNC, ASYNC][number % 2] + "/me").json["id"]

    assert set(in_threads(10, ask)) == {ANNA_ID}
    assert len(emulator.monite.ledger.tokens) == 1


def test_an_async_function_before_the_view_has_another_event_loop_and_another_client(broker):
    app = app_of(broker)

    @app.before_request
    async def ask():
        if current_monite:
            g.me = (await current_monite.aclient.get("/entity_users/me")).json()["id"]
            assert current_monite.aclient is current_monite.aclient

    client = logged_in(app)
    assert client.get("/async/me").json["id"] == ANNA_ID


# -- cleaning up


def test_promise_4_a_renewal_outlives_the_async_view_that_began_it(emulated, emulator):
    ahead = 0
    with TokenBroker(emulated, {"anna": ANNA}, clock=lambda: steady_clock() + ahead) as broker:
        client = logged_in(app_of(broker))
        client.get("/async/token")
        ahead = 1700  # seconds, of a token life of 1800
        emulator.monite.faults.add(Fault(kind="latency", path="/auth/token", seconds=0.1))
        assert float(client.get("/async/token").text) < 200
        until(lambda: float(client.get("/async/token").text) > 1000)
    assert len(emulator.monite.ledger.mints(ANNA_ID)) == 2


@both
def test_requests_leave_nothing_open(factory, emulator, views):
    app = factory()
    for _ in range(3):
        client = logged_in(app)
        assert client.get(views + "/me").json["id"] == ANNA_ID
        client.post(views + "/logout")
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    app.extensions["monite_auth"].broker.close()
    gc.collect()  # a ResourceWarning is an error in this suite
    assert not [thread for thread in threading.enumerate() if thread.name == "monite_auth"]


def test_an_app_that_is_forgotten_takes_everything_with_it(config):
    import weakref

    app = app_of(directory={"anna": ANNA})
    app.config.update(config)
    broker = weakref.ref(app.extensions["monite_auth"].broker)
    reference = weakref.ref(app)
    del app
    gc.collect()
    assert reference() is None
    assert broker() is None


def test_without_flask_it_says_what_to_install():
    code = "import sys; sys.modules['flask'] = None; import monite_auth_flask"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'monite-auth[flask]'" in result.stderr


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
