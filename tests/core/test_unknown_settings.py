"""A slip in the name of a setting is named, once, and never keeps anybody from starting."""

import logging

import pytest
from flask import Flask

from monite_auth import Settings
from monite_auth.configuration.unknown_settings import did_you_mean, meaningless
from monite_auth.settings import SETTING_NAMES
from monite_auth_flask import MoniteAuth
from tests.scripted import CLIENT_ID, SECRET

FINE = {"MONITE_CLIENT_ID": CLIENT_ID, "MONITE_CLIENT_SECRET": SECRET}


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("CLIENT_SECRETS", "CLIENT_SECRET"),
        ("CLIENTID", "CLIENT_ID"),
        ("BASEURL", "BASE_URL"),
        ("STORE_URI", "STORE_URL"),
        ("SECURITY_MODELL", "SECURITY_MODEL"),
        ("CLIENT_SECRETFILE", "CLIENT_SECRET_FILE"),
        ("STORE_KEY", "STORE_KEYS"),
        ("client_id", "CLIENT_ID"),
        ("WEBHOOK_SECRET", None),
        ("HOME", None),
    ],
)
def test_a_slip_is_recognized_and_what_only_looks_alike_is_not(slip, meant):
    assert did_you_mean(slip, SETTING_NAMES) == meant


def test_what_has_a_meaning_is_not_named():
    ours = [f"MONITE_{name}" for name in SETTING_NAMES]
    assert {"MONITE_CLIENT_SECRET_FILE", "MONITE_STORE_KEYS_FILE", "MONITE_ACCOUNT"} <= set(ours)
    assert meaningless([*ours, "MONITE_SIMULATION_SEED", "PATH", "monite_path", 7], SETTING_NAMES) == {}
    assert list(meaningless(["MONITE_CREDENTIALS"], SETTING_NAMES)) == ["MONITE_CREDENTIALS"]


def test_the_environment_is_looked_through_once_per_process(caplog):
    environ = {**FINE, "MONITE_DEADLIN": "the-value", "MONITE_PALETTE": "the-value", "MONITE_ACOUNT": ""}
    assert Settings.from_env(environ).deadline == 10
    Settings.from_env(environ)
    said = [record for record in caplog.records if record.name == "monite_auth"]
    assert [(each.levelno, each.args[0]) for each in said] == [
        (logging.WARNING, "MONITE_DEADLIN"),
        (logging.WARNING, "MONITE_PALETTE"),
        (logging.WARNING, "MONITE_ACOUNT"),
    ]
    first, second, _ = (each.getMessage() for each in said)
    assert "Did you mean MONITE_DEADLINE?" in first
    assert "MONITE_CLIENT_ID, " in second
    assert "another program uses it" in second
    assert "the-value" not in caplog.text


def test_the_environment_is_looked_through_although_a_setting_is_wrong(caplog):
    with pytest.raises(ValueError, match="MONITE_CLIENT_SECRET is empty"):
        Settings.from_env({"MONITE_CLIENT_ID": CLIENT_ID, "MONITE_CLIENT_SECRT": SECRET})
    assert "Did you mean MONITE_CLIENT_SECRET?" in caplog.text


def test_flasks_config_and_environment_are_looked_through(caplog, monkeypatch):
    monkeypatch.setenv("MONITE_STOR_URL", "memory://")
    app = Flask("an_app")
    app.config.update({**FINE, "MONITE_TOKN_SCOPE": "session", "DEBUG": True})
    MoniteAuth(app, directory={})
    app.extensions["monite_auth"].broker.close()
    assert "MONITE_TOKN_SCOPE means nothing to monite-auth. Did you mean MONITE_TOKEN_SCOPE?" in caplog.text
    assert "MONITE_STOR_URL means nothing to monite-auth. Did you mean MONITE_STORE_URL?" in caplog.text
