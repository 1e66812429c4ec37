"""A newcomer's first five minutes, on the built wheel: what a start page says to install, the file that it says to save, and how to run it."""

import re
import subprocess
from pathlib import Path

import httpx
import pytest

from monite_auth.emulator import Monite, serve
from release.environments import PYTHONS, ROOT, Environment, fresh_environment
from tests.environment import demo_settings, environment_with
from tests.redis_server import free_port
from tests.waiting import until

COMMANDS = {
    "start-fastapi": "uvicorn app:app --port {port}",
    "start-starlette": "uvicorn app:app --port {port}",
    "start-flask": "flask --app app run --port {port}",
}
"""How each page says to run its file, with a port of its own."""


def said_to_install(page: str, wheel: Path) -> list[str]:
    """Return the requirements of the page's first `pip install`, with the wheel in the place of the package."""
    said = re.findall(r"^\$ pip install '(monite-auth)(\[\w+\])'([^#\n]*)", page, re.MULTILINE)
    _, extra, others = said[0]
    return [f"{wheel}{extra}", *others.split()]


def visit(url: str) -> None:
    """Log in, ask Monite, log out, and be nobody."""
    with httpx.Client(base_url=url, timeout=60) as browser:
        assert browser.get("/invoices").status_code == 401
        browser.post("/login", params={"user": "anna"}, data={"user": "anna"}).raise_for_status()
        assert browser.get("/invoices").json()["data"]
        assert browser.get("/monite/token").json()["expires_in"] >= 600
        browser.post("/logout").raise_for_status()
        assert browser.get("/invoices").status_code == 401


def answers(url: str) -> bool:
    try:
        httpx.get(url)
    except httpx.TransportError:
        return False
    return True


def run(environment: Environment, command: str, api_url: str) -> None:
    """Run the application as the page says, visit it, and stop it."""
    port = free_port()
    program, *arguments = command.format(port=port).split()
    settings = demo_settings(api_url, "memory://")
    variables = {name: value for name, value in environment_with(settings).items() if "PYTHON" not in name}
    with subprocess.Popen(
        [str(environment.python), "-m", program, *arguments], cwd=environment.folder.parent, env=variables
    ) as running:
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/"))
            visit(f"http://127.0.0.1:{port}")
        finally:
            running.terminate()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", PYTHONS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_start_page_runs_with_what_it_says_to_install(name, version, wheel, tmp_path):
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    (tmp_path / "app.py").write_text(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8")
    requirements = said_to_install(page, wheel)
    with (
        fresh_environment(PYTHONS[version], tmp_path / "environment", *requirements) as environment,
        serve(Monite()) as emulator,
    ):
        run(environment, COMMANDS[name], emulator.api_url)
