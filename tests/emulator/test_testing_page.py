"""The page "Testing your integration": its suites run against the applications of the start pages, and its curl commands work."""

import os
import re
import shlex
import subprocess
import sys

import httpx
import pytest
import yaml

from monite_auth.emulator import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.emulator.test_pytest_plugin import GIVEN, WITHOUT_ASYNCIO
from tests.test_documentation import ROOT, blocks_of

PAGE = "docs/testing.md"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for an application and its tests, in an environment that finds this checkout."""
    for name in [each for each in os.environ if each.startswith("MONITE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "integrations")]))
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmonite_emulator_early = true")
    return tmp_path


def save(folder, name, page, section=""):
    """Write the first block of a page, or of a section of it, into a file."""
    (folder / name).write_text(blocks_of(page, section=section)[0][1])


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("start", "section", "passed"),
    [
        ("start-fastapi", "FastAPI and Starlette", 2),
        ("start-starlette", "FastAPI and Starlette", 2),
        ("start-flask", "Flask", 3),
    ],
)
def test_the_suite_of_a_framework_passes_with_the_app_of_its_start_page(folder, start, section, passed):
    save(folder, "app.py", f"docs/{start}.md")
    save(folder, "test_invoices.py", PAGE, section)
    result = run(folder, "-m", "pytest", *GIVEN, *WITHOUT_ASYNCIO)
    assert f"{passed} passed" in result.stdout, result.stdout


def test_the_suite_of_async_tests_passes(folder):
    save(folder, "test_invoices.py", PAGE, "Async tests")
    result = run(folder, "-m", "pytest", *GIVEN, "-o", "asyncio_default_fixture_loop_scope=function")
    assert "1 passed" in result.stdout, result.stdout


def test_the_services_of_the_page_are_those_of_a_compose_file():
    (text,) = re.findall(
        r"^```yaml\n(services:\n.*?)^```$", (ROOT / PAGE).read_text(), re.MULTILINE | re.DOTALL
    )
    services = yaml.safe_load(text)["services"]
    assert services["app"]["depends_on"] == {"monite": {"condition": "service_healthy"}}
    test = services["monite"]["healthcheck"]["test"]
    ours = yaml.safe_load((ROOT / "containers" / "compose.yaml").read_text())["services"]["monite"]
    assert (test[0], *test[2:]) == ("CMD", *ours["healthcheck"]["test"][2:])
    given = services["app"]["environment"]
    assert (given["MONITE_CLIENT_ID"], given["MONITE_CLIENT_SECRET"]) == (DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)


def test_the_suite_of_django_passes_with_the_project_of_its_start_page(folder, monkeypatch):
    monkeypatch.setenv("MONITE_CLIENT_ID", DEMO_CLIENT_ID)
    monkeypatch.setenv("MONITE_CLIENT_SECRET", "any that looks real")
    save(folder, "project.py", "docs/start-django.md")
    save(folder, "test_invoices.py", PAGE, "Without pytest: Django's TestCase")
    result = run(folder, "project.py", "test")
    assert result.returncode == 0, result.stderr
    assert "Ran 1 test" in result.stderr


def commands_of(page):
    """Return the curl commands of a page, each as a request."""
    text = (ROOT / page).read_text()
    for command in re.findall(r"^\$ curl ((?:.*\\\n)*.*)", text, re.MULTILINE):
        words = iter(shlex.split(command))
        request = {"method": None, "headers": {}}
        for word in words:
            if word == "-X":
                request["method"] = next(words)
            elif word == "-H":
                name, _, value = next(words).partition(": ")
                request["headers"][name] = value
            elif word == "--json":
                request["content"] = next(words)
                request["headers"]["content-type"] = "application/json"
            else:
                request["url"] = word
        request["method"] = request["method"] or ("POST" if "content" in request else "GET")
        yield request


def test_the_commands_of_the_page_work(emulator):
    answers = []
    for request in commands_of(PAGE):
        url = request.pop("url").replace("http://127.0.0.1:8090", emulator.url)
        answers.append(httpx.request(**request, url=url))
    assert [answer.status_code for answer in answers if answer.is_error] == []
    assert len(answers) == 9
    assert DEMO_CLIENT_SECRET in (ROOT / PAGE).read_text()
