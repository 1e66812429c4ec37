"""System checks: each is silent if all is right, and says what to do if not."""

import pytest
from django.conf import settings as project
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

import monite_auth_django
from monite_auth import FixedDirectory, MemoryStore, Secret, SQLiteStore
from monite_auth.errors import ConfigurationError
from monite_auth_django.checks import check_deployment, check_project
from monite_auth_django.checks.project import MIDDLEWARE as OURS

ID = "0f7e1a52-6c1d-4b0e-9a53-d0c0ffee0001"


def found(identity, messages=None):
    """Return the only message with that id. Every message must have a hint."""
    messages = check_project() if messages is None else messages
    assert all(each.hint for each in messages)
    (message,) = (each for each in messages if each.id == f"monite_auth.{identity}")
    return message


def configure(settings, monite_settings, **changed):
    settings(MONITE_AUTH={**monite_settings, **changed})


def test_a_correct_configuration_passes_all_checks():
    assert check_project() == []
    assert [each for each in run_checks() if each.id.startswith("monite_auth")] == []


@pytest.mark.parametrize(
    "other",
    [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
)
@pytest.mark.parametrize("how", ["late", "missing"])
def test_e001_a_middleware_that_ours_needs_comes_later_or_is_missing(settings, other, how):
    order = [path for path in project.MIDDLEWARE if path != other]
    settings(MIDDLEWARE=[*order, other] if how == "late" else order)
    message = found("E001")
    assert other.rpartition(".")[2] in message.msg
    assert f"after '{other}'" in message.hint


def test_e001_the_middleware_is_missing(settings):
    settings(MIDDLEWARE=[path for path in project.MIDDLEWARE if path != OURS])
    assert f"Add '{OURS}'" in found("E001").hint


def test_e001_the_middleware_is_there_twice(settings):
    settings(MIDDLEWARE=[*project.MIDDLEWARE, OURS])
    assert "Keep one" in found("E001").hint


def test_a_subclass_of_the_middleware_counts_as_the_middleware(settings):
    others = [path for path in project.MIDDLEWARE if path != OURS]
    settings(MIDDLEWARE=[*others, "tests.django.project.middleware.OurMiddleware"])
    assert check_project() == []


def test_an_app_with_its_own_identify_needs_no_other_middleware(settings, monite_settings):
    configure(settings, monite_settings, IDENTIFY=lambda request: None)
    settings(MIDDLEWARE=[OURS])
    assert check_project() == []


def test_e002_an_app_is_missing(settings):
    settings(INSTALLED_APPS=[name for name in project.INSTALLED_APPS if name != "monite_auth_django"])
    assert "manage.py migrate" in found("E002").hint


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"CLIENT_ID": ""}, "MONITE_CLIENT_ID is missing"),
        ({"CLIENT_ID": "no-uuid"}, "MONITE_CLIENT_ID is no UUID"),
        ({"CLIENT_SECRET": ""}, "MONITE_CLIENT_SECRET is empty"),
        ({"DEADLINE": -1}, "MONITE_DEADLINE is more than 0"),
        ({"STORE_URL": "mysql://x"}, "MONITE_STORE_URL begins with"),
    ],
)
def test_e003_a_setting_is_missing_or_wrong(settings, monite_settings, changed, says):
    configure(settings, monite_settings, **changed)
    message = found("E003")
    assert says in message.msg
    (name,) = changed
    assert f"MONITE_{name}" in message.hint


@pytest.mark.parametrize(
    "secret",
    [
        "changeme",
        "<your secret>",
        "your-client-secret",
        "TODO",
        "xxx",
        "secret",
        "…",
        "replace-me",
        "placeholder",
    ],
)
def test_e004_the_secret_is_a_placeholder(settings, monite_settings, secret):
    configure(settings, monite_settings, CLIENT_SECRET=secret)
    message = found("E004")
    assert message.msg == "CLIENT_SECRET is a placeholder."
    assert "MONITE_CLIENT_SECRET" in message.hint
    configure(settings, monite_settings, CLIENT_ID="your-client-id")
    assert [each.id for each in check_project()] == ["monite_auth.E004"]


@pytest.mark.parametrize("secret", ["kZ3v_testing-secretly", "0f7e1a52", "mysecretis9Xk2", "AbCdEf123456"])
def test_a_plausible_secret_passes(settings, monite_settings, secret):
    configure(settings, monite_settings, CLIENT_SECRET=secret)
    assert check_project() == []


def test_e005_http_is_refused(settings, monite_settings):
    configure(settings, monite_settings, BASE_URL="http://api.monite.com/v1")
    message = found("E005")
    assert "https" in message.hint
    assert [each.id for each in check_project()] == ["monite_auth.E005"]


def test_w004_an_environment_variable_is_unknown(monkeypatch, caplog):
    monkeypatch.setenv("MONITE_CLIENT_SECERT", "x")
    assert found("W004").msg == "MONITE_CLIENT_SECERT in the environment means nothing."
    assert "Did you mean MONITE_CLIENT_SECRET?" in found("W004").hint
    monite_auth_django.broker()
    # The log has it too, because servers run no checks.
    assert "MONITE_CLIENT_SECERT means nothing" in caplog.text


@pytest.mark.parametrize("origins", ["https://app.example.com", ["app.example.com"], 7])
def test_e003_origins_are_malformed(settings, monite_settings, origins):
    configure(settings, monite_settings, ALLOWED_ORIGINS=origins)
    assert "ALLOWED_ORIGINS" in found("E003").hint


@pytest.mark.parametrize(
    "changed",
    [
        {"DIRECTORY": None},
        {"DIRECTORY": ""},
        {"DIRECTORY": {}},
        {"DIRECTORY": 7},
        {"DIRECTORY": "nowhere.Directory"},
        {"IDENTIFY": "nowhere.identify"},
        {"IDENTIFY": 7},
        {"AUTHORIZE": "nowhere.authorize", "SECURITY_MODEL": "mixed"},
        {"AUTHORIZE": 7, "SECURITY_MODEL": "mixed"},
        {"AUTHORIZE": isinstance},
        {"SECURITY_MODEL": "mixed"},
        {"SECURITY_MODEL": "partner_managed"},
    ],
)
def test_e006_there_is_no_directory_or_function(settings, monite_settings, changed):
    configure(settings, monite_settings, **changed)
    assert found("E006")


@pytest.mark.parametrize("model", ["mixed", "partner_managed"])
def test_a_security_model_of_the_apps_own_with_authorize_passes(settings, monite_settings, model):
    configure(settings, monite_settings, SECURITY_MODEL=model, AUTHORIZE=lambda *_: True)
    assert check_project() == []


def test_e006_a_mapping_has_unusable_keys_and_values(settings, monite_settings):
    configure(settings, monite_settings, DIRECTORY={1: None, "anna": ("a", "b")})
    assert [each.msg.partition(";")[0] for each in check_project()] == [
        "A key is an int",
        "A value is a tuple (str, str)",
    ]


@pytest.mark.parametrize("directory", [FixedDirectory({}), lambda principal: None])
def test_directories_of_all_kinds_pass(settings, monite_settings, directory):
    configure(settings, monite_settings, DIRECTORY=directory)
    assert check_project() == []


@pytest.mark.parametrize(
    ("name", "hint"), [("CLIENTID", '"CLIENT_ID"'), ("MONITE_CLIENT_ID", '"CLIENT_ID"'), ("ZZ", "Known are")]
)
def test_e007_a_key_is_unknown(settings, monite_settings, name, hint):
    configure(settings, monite_settings, **{name: "x"})
    assert hint in found("E007").hint


@pytest.mark.parametrize(
    ("store", "says"),
    [
        (7, "not an int"),
        ({}, "not a dict"),
        (MemoryStore, "not the class MemoryStore"),
        ("redis://127.0.0.1", "dotted path"),
        ("nowhere.store", "dotted path"),
    ],
)
def test_e008_the_store_is_not_a_store(settings, monite_settings, store, says):
    configure(settings, monite_settings, STORE=store)
    assert 'MONITE_AUTH["STORE"]' in found("E008").msg
    assert says in found("E008").msg
    with pytest.raises(ConfigurationError, match="STORE"):
        monite_auth_django.broker()
    configure(settings, monite_settings)


def test_e008_both_a_store_and_its_url_are_given(settings, monite_settings):
    configure(settings, monite_settings, STORE=MemoryStore(), STORE_URL="redis://h")
    assert "both STORE and STORE_URL" in found("E008").msg


@pytest.mark.parametrize("store", [MemoryStore(), "tests.django.project.stores.memory"])
def test_a_store_may_be_an_object_or_a_dotted_path(settings, monite_settings, store):
    configure(settings, monite_settings, STORE=store)
    assert check_project() == []
    assert found("W001", check_deployment())


def test_a_shared_store_of_the_projects_own_may_be_deployed(settings, monite_settings, tmp_path):
    configure(settings, monite_settings, STORE=SQLiteStore(tmp_path / "tokens.db", keys=[Secret("k")]))
    assert [each.id for each in check_deployment()] == ["monite_auth.W003"]


def test_w001_memory_is_not_for_deployment(settings, monite_settings):
    assert "sqlite" in found("W001", check_deployment()).hint
    configure(settings, monite_settings, STORE_URL="redis://h")
    assert [each.id for each in check_deployment()] == ["monite_auth.W003"]


def test_w003_an_emulator_is_not_for_deployment(settings, monite_settings):
    assert "ENVIRONMENT" in found("W003", check_deployment()).hint
    assert [each.id for each in run_checks(include_deployment_checks=True) if "monite" in each.id] == [
        "monite_auth.W001",
        "monite_auth.W003",
    ]
    configure(settings, monite_settings, BASE_URL="", STORE_URL="redis://h")
    assert check_deployment() == []
    configure(settings, monite_settings, BASE_URL="http://[", STORE_URL="redis://h")
    assert check_deployment() == []


def test_the_check_command_reports_the_messages(settings, monite_settings, capsys):
    configure(settings, monite_settings, CLIENT_SECRET="")
    with pytest.raises(SystemCheckError, match="monite_auth.E003"):
        call_command("check")
