"""The Flask extension itself: configuration, several apps, threads, and cleaning up."""

import gc
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask, current_app, g
from sqlalchemy import create_engine

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
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_SECRET, Fault
from monite_auth.tokens import steady_clock
from monite_auth_flask import MoniteAuth, current_monite
from tests.at_once import in_threads
from tests.integrations.flask_apps import ASYNC, SYNC, app_of, both, config_of, logged_in
from tests.outbox.ground import TABLE
from tests.waiting import until

ANNA = EntityUser(ANNA_ID, BAKERY_ID)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("CLIENT_ID", "CLIENT_SECRET", "BASE_URL", "ENVIRONMENT", "STORE_URL"):
        monkeypatch.delenv("MONITE_" + name, raising=False)


@pytest.fixture
def config(emulator):
    return config_of(emulator)


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


@pytest.mark.parametrize("is_function", [False, True])
def test_an_outbox_is_opened_inside_the_application_context(factory, tmp_path, emulator, is_function):
    engine = create_engine(f"sqlite:///{tmp_path}/app.db")
    with engine.begin() as connection:
        connection.exec_driver_sql(TABLE)

    def opened():
        return current_app.extensions["engine"].begin()

    monite = MoniteAuth(directory={"anna": ANNA}, outbox=opened if is_function else engine)
    app = factory(monite)
    app.extensions["engine"] = engine
    with app.app_context():
        broker = monite.broker
    broker.token(Principal("anna", session_id="1"))
    with engine.begin() as connection:
        broker.end_user_in(connection, "anna")
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    broker.close()
    engine.dispose()


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
    before = set(threading.enumerate())
    app = factory()
    for _ in range(3):
        client = logged_in(app)
        assert client.get(views + "/me").json["id"] == ANNA_ID
        client.post(views + "/logout")
    until(lambda: not emulator.monite.ledger.live(ANNA_ID))
    app.extensions["monite_auth"].broker.close()
    gc.collect()  # a ResourceWarning is an error in this suite
    assert not [each for each in set(threading.enumerate()) - before if each.name == "monite_auth"]


def test_an_app_that_is_forgotten_takes_everything_with_it(config):
    import weakref

    app = app_of(directory={"anna": ANNA})
    app.config.update(config)
    broker = weakref.ref(app.extensions["monite_auth"].broker)
    reference = weakref.ref(app)
    del app
    until(lambda: gc.collect() >= 0 and reference() is broker() is None)


def test_without_flask_it_says_what_to_install():
    code = "import sys; sys.modules['flask'] = None; import monite_auth_flask"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'monite-auth[flask]'" in result.stderr
