"""What is optional stays optional: imports without the extras work, or say which extra is missing."""

import subprocess
import sys

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET

MINT = f"""
import asyncio
from monite_auth import EntityUser, Principal, Settings, TokenBroker
from monite_auth.engine import transport

settings = Settings(client_id="{DEMO_CLIENT_ID}", client_secret="{DEMO_CLIENT_SECRET}", base_url=sys.argv[1])
people = {{"anna": EntityUser("{ANNA_ID}", "{BAKERY_ID}")}}
with TokenBroker(settings, people) as broker:
    assert broker.client(Principal("anna", session_id="1")).get("/payables").status_code == 200

async def main():
    async with TokenBroker(settings, people) as broker:
        assert (await broker.aclient(Principal("anna", session_id="1")).get("/payables")).status_code == 200

asyncio.run(main())
print(transport.httpx.__name__)
"""


def python(code: str, *arguments: str, without: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run code in a Python that cannot import some packages."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({without!r}))\n"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", hide + code, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("without", "used"), [((), "httpx2"), (("httpx2",), "httpx")])
def test_the_core_works_with_either_http_library(emulator, without, used):
    result = python(MINT, emulator.api_url, without=without)
    assert (result.stdout.strip(), result.stderr) == (used, "")


def test_the_core_works_without_any_extra(emulator):
    extras = (
        "starlette",
        "fastapi",
        "django",
        "flask",
        "redis",
        "psycopg",
        "httpx2",
        "uvicorn",
        "rich",
        "opentelemetry",
    )
    result = python(MINT, emulator.api_url, without=extras)
    assert (result.stdout.strip(), result.stderr) == ("httpx", "")


def test_the_core_imports_no_web_framework():
    code = "import monite_auth; print(*{'starlette', 'fastapi', 'django', 'flask', 'monite_auth.cli'} & set(sys.modules))"
    assert python(code).stdout.strip() == ""


@pytest.mark.parametrize(
    ("module", "without", "says"),
    [
        ("monite_auth_starlette", "starlette", "pip install 'monite-auth[starlette]'"),
        ("monite_auth_django", "django", "pip install 'monite-auth[django]'"),
        ("monite_auth_flask", "flask", "pip install 'monite-auth[flask]'"),
        ("monite_auth.outbound.httpx2_auth", "httpx2", "pip install 'monite-auth[httpx2]'"),
        ("monite_auth.stores.redis", "redis", "pip install 'monite-auth[redis]'"),
        ("monite_auth.stores.postgres", "psycopg", "pip install 'monite-auth[postgres]'"),
        ("monite_auth.telemetry.metrics", "opentelemetry", "pip install 'monite-auth[otel]'"),
        ("monite_auth.telemetry.spans", "opentelemetry", "pip install 'monite-auth[otel]'"),
        ("monite_auth_starlette.fastapi", "fastapi", "pip install fastapi"),
        ("monite_auth.emulator", "fastapi", "pip install 'monite-auth[emulator]'"),
        ("monite_auth.emulator", "uvicorn", "pip install 'monite-auth[emulator]'"),
    ],
)
def test_a_missing_extra_is_named(module, without, says):
    result = python(f"import {module}", without=(without,))
    assert result.returncode == 1
    assert says in result.stderr.splitlines()[-1]


def test_the_command_needs_no_extra():
    code = "sys.argv[1:] = ['--version']; from monite_auth.__main__ import main; main()"
    result = python(code, without=("rich", "typer", "fastapi", "uvicorn"))
    assert (result.returncode, result.stderr) == (0, "")
