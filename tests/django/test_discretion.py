"""Promise 9 in Django: if MONITE_AUTH or the environment is refused, no frame of the error has a secret in its locals."""

import pytest

import monite_auth_django
from monite_auth.errors import ConfigurationError
from monite_auth_django.checks import check_deployment, check_project
from monite_auth_django.conf import conf
from tests.collector import CLIENT_SECRET, FINE, NEEDLES, OF_REDIS, OTHERS, WRONG, leaks, refused


@pytest.fixture(params=["MONITE_AUTH", "the environment"])
def configured(request, settings, monkeypatch):
    """Return a function that sets values, either in MONITE_AUTH or in the environment."""

    def configure(values):
        if request.param == "MONITE_AUTH":
            settings(MONITE_AUTH=values)
            return
        settings(MONITE_AUTH={})
        for name, value in values.items():
            monkeypatch.setenv(f"MONITE_{name}", value)

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OTHERS)
    return configure


@pytest.mark.parametrize("what", WRONG)
def test_promise_9_a_wrong_setting_shows_no_secret(configured, what):
    configured({**FINE, **WRONG[what]})
    for call in (conf.core_settings, monite_auth_django.broker):
        error = refused(call)
        assert isinstance(error, ConfigurationError)
        assert leaks(error) == set()
    said = "".join(f"{each.msg} {each.hint}" for each in [*check_project(), *check_deployment()])
    assert not [needle for needle in NEEDLES if needle in said]


@pytest.mark.parametrize("what", OF_REDIS)
def test_promise_9_a_wrong_address_of_redis_shows_no_password(configured, what):
    configured({**FINE, "STORE_URL": OF_REDIS[what]})
    assert leaks(refused(monite_auth_django.broker)) == set()


def test_promise_9_values_pass_the_checks_masked(configured):
    configured({**FINE, "STORE_KEYS": FINE["STORE_KEYS"]})
    assert not [needle for needle in NEEDLES if needle in repr(conf.core_values())]
    assert conf.core_settings().secret.reveal() == CLIENT_SECRET


def test_promise_9_a_setting_that_is_not_a_dict_shows_no_environment(settings, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OTHERS)
    settings(MONITE_AUTH="CLIENT_ID")
    assert leaks(refused(conf.core_settings)) == set()
