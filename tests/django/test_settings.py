"""`MONITE_AUTH`, the environment, and the broker that is built from them."""

import os
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

import monite_auth_django
from monite_auth import RedisStore, SQLiteStore, TokenBroker
from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.errors import ConfigurationError
from monite_auth_django.conf import conf
from monite_auth_django.directory import LinkDirectory


def test_the_broker_is_one_per_process():
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(monite_auth_django.broker())) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({id(each) for each in seen}) == 1


def test_a_setting_that_is_overridden_takes_effect_and_goes_away_again(settings, monite_settings):
    first = monite_auth_django.broker()
    from django.test import override_settings

    with override_settings(MONITE_AUTH={**monite_settings, "DEADLINE": 3}):
        assert monite_auth_django.broker().settings.deadline == 3
    assert monite_auth_django.broker().settings.deadline == 10
    assert monite_auth_django.broker() is not first
    with override_settings(DEBUG=True):
        second = monite_auth_django.broker()
    assert monite_auth_django.broker() is second


def test_defaults():
    assert isinstance(conf.directory(), LinkDirectory)
    assert conf.IDENTIFY is monite_auth_django.identify
    assert not conf.ALLOWED_ORIGINS
    assert conf.identifies_by_default


def test_tokens_live_in_a_store_of_the_projects_own(settings, monite_settings, tmp_path, client, anna):
    path = tmp_path / "tokens.db"
    settings(
        MONITE_AUTH={**monite_settings, "STORE": SQLiteStore(path, keys=conf.core_settings().sealing_keys)}
    )
    client.force_login(anna)
    assert client.get("/me").status_code == 200
    same = replace(conf.core_settings(), store_url=f"sqlite:///{path}")
    with TokenBroker(same, {}) as other_process:
        assert other_process.status(str(anna.pk)).expires_at is not None


def test_promise_7_a_store_of_the_projects_own_may_be_down(settings, monite_settings, client, anna, caplog):
    store = RedisStore("redis://127.0.0.1:1/0", keys=conf.core_settings().sealing_keys)
    settings(MONITE_AUTH={**monite_settings, "STORE": store, "DEADLINE": 1})
    client.force_login(anna)
    assert client.get("/me").status_code == 200
    assert client.post("/log_out").status_code == 200
    assert "The token store is down" in caplog.text
    settings(MONITE_AUTH=monite_settings)


def test_the_dict_wins_over_the_environment_key_by_key(settings, monkeypatch):
    monkeypatch.setenv("MONITE_CLIENT_ID", DEMO_CLIENT_ID)
    monkeypatch.setenv("MONITE_CLIENT_SECRET", "from the environment")
    monkeypatch.setenv("MONITE_DEADLINE", "4")
    settings(MONITE_AUTH={"CLIENT_SECRET": DEMO_CLIENT_SECRET, "API_VERSION": ""})
    found = conf.core_settings()
    assert found.client_id == DEMO_CLIENT_ID
    assert found.secret.reveal() == DEMO_CLIENT_SECRET
    assert found.deadline == 4


@pytest.mark.parametrize("key", ["ENVIRONMENT", "BASE_URL"])
def test_the_dict_alone_decides_the_address_of_monite(settings, monkeypatch, monite_settings, key):
    monkeypatch.setenv("MONITE_ENVIRONMENT", "us")
    del monite_settings["BASE_URL"]
    given = {"ENVIRONMENT": "eu", "BASE_URL": "https://api.monite.com/v1"}[key]
    settings(MONITE_AUTH={**monite_settings, key: given})
    assert conf.core_settings().base_url == "https://api.monite.com/v1"


def test_the_dict_alone_decides_the_source_of_the_secret(settings, monkeypatch, monite_settings, tmp_path):
    file = tmp_path / "secret"
    file.write_text("from the file\n")
    monkeypatch.setenv("MONITE_CLIENT_SECRET", "from the environment")
    without = {key: value for key, value in monite_settings.items() if key != "CLIENT_SECRET"}
    settings(MONITE_AUTH={**without, "CLIENT_SECRET_FILE": str(file)})
    assert conf.core_settings().secret.reveal() == "from the file"
    settings(MONITE_AUTH=without)
    monkeypatch.setenv("MONITE_CLIENT_SECRET_FILE", str(file))
    monkeypatch.delenv("MONITE_CLIENT_SECRET")
    assert conf.core_settings().secret.reveal() == "from the file"
    settings(MONITE_AUTH=monite_settings)


def test_a_setting_that_cannot_be_imported_is_named(settings, monite_settings):
    settings(MONITE_AUTH={**monite_settings, "DIRECTORY": "nowhere.Directory"})
    with pytest.raises(ConfigurationError, match=r'MONITE_AUTH\["DIRECTORY"\]'):
        monite_auth_django.broker()


AT_EXIT = """
import django; django.setup()
from monite_auth import Principal
from monite_auth_django import broker
anna = Principal("anna", session_id="1")
broker().token(anna)
broker().logout(anna)
"""


def test_a_process_that_ends_in_good_order_revokes_what_it_can(emulator, monite_settings):
    from monite_auth.emulator import ANNA_ID

    environ = {f"MONITE_{name}": str(value) for name, value in monite_settings.items()}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", AT_EXIT],
        env=os.environ | environ | {"DJANGO_SETTINGS_MODULE": "tests.django.project.fixed_directory"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(emulator.monite.ledger.tokens) == 1
    assert emulator.monite.ledger.live(ANNA_ID) == []


def test_django_is_named_where_it_is_missing():
    code = "import sys; sys.modules['django'] = None; import monite_auth_django"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'monite-auth[django]'" in done.stderr.splitlines()[-1]


def test_the_middleware_without_the_installed_app_is_explained(settings):
    from django.conf import settings as project
    from django.core.exceptions import ImproperlyConfigured

    from monite_auth_django.middleware import MoniteAuthMiddleware

    settings(INSTALLED_APPS=[name for name in project.INSTALLED_APPS if name != "monite_auth_django"])
    with pytest.raises(ImproperlyConfigured, match="INSTALLED_APPS"):
        MoniteAuthMiddleware(lambda request: None)
