"""What an import loads, and that no request waits for one."""

import ast
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import monite_auth
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from tests.environment import demo_settings, environment_with

HEAVY = (
    "cryptography",
    "httpcore",
    "httpcore2",
    "importlib.metadata",
    "multiprocessing",
    "opentelemetry",
    "psycopg",
    "redis",
    "sqlite3",
    "monite_auth.adapter",
    "monite_auth.cli",
    "monite_auth.emulator",
    "monite_auth.provisioning",
    "monite_auth.stores.fallback",
    "monite_auth.stores.postgres",
    "monite_auth.stores.redis",
    "monite_auth.stores.sealing",
    "monite_auth.stores.sqlite",
    "monite_auth.telemetry.metrics",
    "monite_auth.testing",
)

LOADED = """
import json, sys
{before}
before = set(sys.modules)
{imports}
print(json.dumps(sorted(set(sys.modules) - before)))
"""

REQUESTS = """
import asyncio, json, sys
from monite_auth import EntityUser, Principal, Settings, TokenBroker

anna, later = Principal("anna", session_id="1"), Principal("anna", session_id="2")
broker = TokenBroker(Settings.from_env(), {"anna": EntityUser(*sys.argv[1:])})
before = set(sys.modules)

async def requests():
    await broker.atoken(later)
    await broker.aclient(later).get("/entity_users/me")
    assert await broker.acan(later, "payable", "read")
    await broker.alogout(later)
    await broker.adrain()
    await broker.ahealth()
    await broker.aclose()

broker.token(anna)
broker.client(anna).get("/entity_users/me")
assert broker.can(anna, "payable", "read")
broker.logout(anna)
broker.drain()
broker.health()
asyncio.run(requests())
broker.close()
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def printed(program: str, *arguments: str, **variables: str) -> list[str]:
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment_with(variables)
    )
    assert done.returncode == 0, done.stderr
    loaded: list[str] = json.loads(done.stdout)
    return loaded


def is_of(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == each or module.startswith(f"{each}.") for each in packages)


def test_the_package_alone_loads_its_errors_and_nothing_else():
    loaded = printed(LOADED.format(before="", imports="import monite_auth"))
    assert [each for each in loaded if is_of(each, ("monite_auth", "httpx", "asyncio"))] == [
        "monite_auth",
        "monite_auth.errors",
    ]


def test_an_app_loads_nothing_heavy_beside_httpx():
    names = "from monite_auth import EntityUser, Principal, Settings, TokenBroker"
    loaded = printed(LOADED.format(before="import asyncio, httpx, httpx2", imports=names))
    assert "monite_auth.broker" in loaded
    assert [each for each in loaded if is_of(each, HEAVY)] == []


def test_a_web_server_loads_no_command_line():
    loaded = printed(LOADED.format(before="import flask", imports="import monite_auth_flask"))
    assert "monite_auth_flask.extension" in loaded
    assert [each for each in loaded if is_of(each, ("monite_auth.cli", "monite_auth.provisioning"))] == []


@pytest.mark.parametrize("store", ["memory://", "sqlite:///{folder}/tokens.db"])
def test_no_request_waits_for_an_import_of_ours(emulator, tmp_path, store):
    """Making a broker imports what its requests need. (anyio, below httpx, imports its part for a kind of event loop in the first.)"""
    variables = demo_settings(emulator.api_url, store.format(folder=tmp_path))
    late = printed(REQUESTS, ANNA_ID, BAKERY_ID, **variables)
    assert [each for each in late if is_of(each, ("monite_auth", "httpx", "httpx2", *HEAVY))] == []


def test_type_checkers_see_the_imports_that_are_made():
    tree = ast.parse(Path(monite_auth.__file__).read_text())
    (for_types,) = [each for each in tree.body if isinstance(each, ast.If)]
    seen = defaultdict(list)
    for each in for_types.body:
        seen[each.module.removeprefix("monite_auth.")] += [name.name for name in each.names]
    assert {module: tuple(names) for module, names in seen.items()} == monite_auth._MODULES


def test_every_public_name_is_there_for_completion():
    assert {*monite_auth.__all__} <= {*dir(monite_auth)}


def test_a_name_is_asked_for_once():
    del vars(monite_auth)["TokenBroker"]
    assert monite_auth.TokenBroker is vars(monite_auth)["TokenBroker"]
