"""Promise 9 where settings are refused: no frame of the error has a secret in its locals, nor the environment in it.

Each way to give settings is gone through with each setting wrong in turn, and the error is read as error collectors read it:
with the repr of every local of every frame, through causes and contexts.
"""

import pytest
from flask import Flask

from monite_auth import RedisStore, Secret, Settings, SQLiteStore, TokenBroker
from monite_auth.configuration.credentials import parse_keys
from monite_auth.configuration.discretion import discreet
from monite_auth.errors import ConfigurationError
from monite_auth_flask import MoniteAuth
from tests.collector import CLIENT_SECRET, FINE, OF_REDIS, OTHERS, PASSWORD, STORE_KEY, WRONG, leaks, refused


def from_env(values, monkeypatch):
    for name, value in values.items():
        monkeypatch.setenv(f"MONITE_{name}", value)
    return Settings.from_env


def from_mapping(values, monkeypatch):
    return Given(values).read


def constructor(values, monkeypatch):
    return Given({name.lower(): _typed(name, value) for name, value in values.items()}).construct


def from_flask(values, monkeypatch):
    app = Flask("an_app")
    app.config.update({f"MONITE_{name}": value for name, value in values.items()})
    MoniteAuth(app, directory={})
    return lambda: app.extensions["monite_auth"].broker


def from_flasks_environment(values, monkeypatch):
    from_env(values, monkeypatch)
    return from_flask({}, monkeypatch)


def from_override(values, monkeypatch):
    """What is wrong is an argument; what is right is in the environment."""
    wrong = {name: value for name, value in values.items() if FINE.get(name) != value}
    from_env({name: value for name, value in values.items() if name not in wrong}, monkeypatch)
    return Given({name.lower(): value for name, value in wrong.items()}).override


class Given:
    """Holds what a test gives, so that no frame of the test itself has it in its locals."""

    __slots__ = ("_values",)

    def __init__(self, values):
        self._values = values

    def read(self):
        return Settings.from_mapping(self._values)

    def construct(self):
        return Settings(**self._values)

    def override(self):
        return Settings.from_env(**self._values)


def _typed(name, value):
    try:
        return float(value)
    except ValueError:
        return value


ENTRIES = [from_env, from_mapping, constructor, from_flask, from_flasks_environment, from_override]


@pytest.fixture(autouse=True)
def somebody_elses_secret(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OTHERS)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("what", WRONG)
def test_promise_9_a_wrong_setting_shows_no_secret(entry, what, monkeypatch):
    error = refused(entry({**FINE, **WRONG[what]}, monkeypatch))
    assert isinstance(error, ConfigurationError)
    assert leaks(error) == set()


@pytest.mark.parametrize(
    "what", ["bytes", "a number", "a list", "keys in a dict", "keys of bytes", "a URL in bytes"]
)
@pytest.mark.parametrize("entry", [from_mapping, constructor, from_flask])
def test_promise_9_values_of_a_wrong_type_show_no_secret(entry, what, monkeypatch):
    wrong = {
        "bytes": {"CLIENT_SECRET": CLIENT_SECRET.encode()},
        "a number": {"BASE_URL": 7, "API_VERSION": 7, "CLIENT_SECRET_FILE": 7},
        "a list": {"ENVIRONMENT": [1], "TOKEN_SCOPE": [1], "SECURITY_MODEL": [1], "CLIENT_ID": [1]},
        "keys in a dict": {"STORE_KEYS": {STORE_KEY: 1}},
        "keys of bytes": {"STORE_KEYS": [STORE_KEY.encode()]},
        "a URL in bytes": {"STORE_URL": FINE["STORE_URL"].encode()},
    }[what]
    given = {**FINE, **wrong}
    if entry is constructor:
        error = refused(Given({name.lower(): value for name, value in given.items()}).construct)
    else:
        error = refused(entry(given, monkeypatch))
    assert isinstance(error, ConfigurationError)
    assert leaks(error) == set()


@pytest.mark.parametrize("entry", [from_env, from_flask])
@pytest.mark.parametrize("what", OF_REDIS)
def test_promise_9_a_wrong_address_of_redis_shows_no_password(entry, what, monkeypatch):
    made = entry({**FINE, "STORE_URL": OF_REDIS[what]}, monkeypatch)
    error = refused((lambda: TokenBroker(made(), {})) if entry is from_env else made)
    assert isinstance(error, ConfigurationError)
    assert leaks(error) == set()


class Stores:
    """Makes stores of what no frame of a test holds."""

    __slots__ = ("_url",)

    def __init__(self, url):
        self._url = url

    def redis(self):
        return RedisStore(self._url, keys=[Secret(STORE_KEY)])

    def redis_without_keys(self):
        return RedisStore(self._url, keys=[])

    def sqlite(self):
        return SQLiteStore("store.db", keys=[])


@pytest.mark.parametrize("what", OF_REDIS)
def test_promise_9_nor_does_the_store_itself(what):
    assert leaks(refused(Stores(OF_REDIS[what]).redis)) == set()
    assert leaks(refused(Stores(Secret(OF_REDIS[what])).redis)) == set()
    assert leaks(refused(Stores(FINE["STORE_URL"]).redis_without_keys)) == set()


def test_promise_9_a_setting_that_there_is_not_shows_no_secret(monkeypatch):
    from_env(FINE, monkeypatch)
    error = refused(lambda: Settings.from_env(deadlin=3))
    assert isinstance(error, TypeError)
    assert "deadlin" in str(error)
    assert leaks(error) == set()


def test_promise_9_an_error_afterwards_shows_no_secret_in_the_settings(monkeypatch):
    made = from_env(FINE, monkeypatch)()

    def fails(settings, url, everything):
        raise RuntimeError

    assert leaks(refused(lambda: fails(made, made.store_url, vars(made)))) == set()


def test_the_scan_finds_what_it_looks_for():
    def fails(given):
        try:
            raise ValueError
        except ValueError:
            raise KeyError from None

    assert leaks(refused(lambda: fails(PASSWORD))) == {PASSWORD}
    assert leaks(refused(lambda: parse_keys(7))) == set()


def test_a_discreet_error_is_the_same_one_and_loses_only_where_it_came_from():
    raised = []

    @discreet
    def fails(given: str) -> None:
        """Say no."""
        try:
            int(given)
        except ValueError:
            raised.append(LookupError("no"))
            raise raised[0]  # noqa: B904 - what its context would tell

    error = refused(lambda: fails(PASSWORD))
    assert error is raised[0]
    assert error.__context__ is error.__cause__ is None
    assert (fails.__name__, fails.__doc__) == ("fails", "Say no.")
