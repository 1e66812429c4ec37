"""Secrets that are literals in the source of the settings."""

import sys

import pytest
from django.conf import settings as project

from monite_auth_django.checks import check_project
from monite_auth_django.checks.literals import modules_with_literal


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a settings package, import it, and return its name."""

    def write(**sources):
        package = tmp_path / "conf_for_a_test"
        package.mkdir()
        (package / "__init__.py").touch()
        for name, source in sources.items():
            (package / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        for name in sources:
            module = f"conf_for_a_test.{name}"
            monkeypatch.delitem(sys.modules, module, raising=False)
            __import__(module)
        return "conf_for_a_test.production"

    yield write
    for name in [each for each in sys.modules if each.startswith("conf_for_a_test")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('MONITE_AUTH = {"CLIENT_SECRET": "s3cr3t-of-ours"}', ["conf_for_a_test.production"]),
        ('import os\nX = os.environ.get("S", "s3cr3t-of-ours")', ["conf_for_a_test.production"]),
        ('X = b"s3cr3t-of-ours"', ["conf_for_a_test.production"]),
        ('import os\nX = os.environ.get("S")', []),
        ("# s3cr3t-of-ours", []),
        ('X = "a text that has s3cr3t-of-ours in it"', []),
        ("from .base import *", ["conf_for_a_test.base"]),
        ("from conf_for_a_test.base import *", ["conf_for_a_test.base"]),
        ("from conf_for_a_test.base import NAME", []),
    ],
)
def test_a_literal_is_found_where_settings_are_written(module, source, expected):
    name = module(base='from .production import *\nNAME = 1\nX = "s3cr3t-of-ours"', production=source)
    assert modules_with_literal(name, "s3cr3t-of-ours") == expected


@pytest.mark.parametrize("name", [None, "", "nowhere", "sys"])
def test_settings_without_a_source_have_no_literal(name):
    assert modules_with_literal(name, "s3cr3t-of-ours") == []
    assert modules_with_literal("tests.django.project.settings", "") == []


def test_w002_the_secret_is_a_literal_in_the_settings(settings, monite_settings):
    secret = project.SECRET_KEY  # any literal will do, and this one is in the module
    settings(MONITE_AUTH={**monite_settings, "CLIENT_SECRET": secret})
    (message,) = check_project()
    assert message.id == "monite_auth.W002"
    assert "tests.django.project.settings" in message.msg
    assert "MONITE_CLIENT_SECRET in the environment" in message.hint
    assert secret not in str(message)
