"""Monite's own facts stand in one room: paths, headers, grants, bodies and hosts are written in `monite_api` only."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import monite_auth
from monite_auth import AccessToken, Secret
from monite_auth.emulator.specification.facts import shapes
from monite_auth.monite_api import paths
from monite_auth.monite_api.grants import token_body
from monite_auth.monite_api.records import INDIVIDUAL, ORGANIZATION, is_deleted
from monite_auth.monite_api.requests import Call, call_request
from tests.data.facts import find_operation, words
from tests.scripted import settings

PACKAGE = Path(monite_auth.__file__).parent
INTEGRATIONS = PACKAGE.parent / "integrations"
ROOM = PACKAGE / "monite_api"
ELSEWHERE = (ROOM, PACKAGE / "emulator", PACKAGE / "testing")
"""The emulator plays Monite, and the contracts check us: they write the facts again, so as not to share a mistake."""

FACTS = re.compile(
    r"""
    /?(auth/(token|revoke)|entity_users|entities|roles|payables)(/.*)?  # paths
    | (?i:x-monite-.* | x-request-id)  # headers
    | grant_type | client_credentials | entity_user  # grants
    | access_token | expires_in | token_type  # tokens
    | pagination_token | next_pagination_token | object_type | action_name  # bodies
    | .*\bmonite\.com\b.*  # hosts
    | 2024-05-25  # the version
    """,
    re.VERBOSE,
)


COMMAND_LINE = (PACKAGE / "cli", INTEGRATIONS / "monite_auth_django" / "management")

SPOKEN = {"entities", "roles", "payables", "entity_user", "object_type", "expires_in"}
"""Words that are the command line's own, too: names of commands and arguments, and of fields in `--json` and in files of roles.
They stay as they are whatever Monite calls the thing, since scripts of other people have them."""


def literals(source: str) -> Iterator[str]:
    """Yield the texts that a module holds as data: not its docstrings, nor the names of arguments and fields."""
    tree = ast.parse(source)
    prose = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    for each in ast.walk(tree):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in prose:
            yield each.value


def facts_in(source: str) -> list[str]:
    return [each for each in literals(source) if FACTS.fullmatch(each.strip())]


MODULES = [
    file
    for root in (PACKAGE, INTEGRATIONS)
    for file in sorted(root.rglob("*.py"))
    if not any(file.is_relative_to(each) for each in ELSEWHERE)
]


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(PACKAGE.parent)))
def test_no_other_module_writes_a_fact_of_monites(file):
    own = SPOKEN if any(file.is_relative_to(each) for each in COMMAND_LINE) else set()
    found = [each for each in facts_in(file.read_text()) if each.strip() not in own]
    assert found == [], f"write these in {ROOM.name}, and import them"


@pytest.mark.parametrize(
    "line",
    [
        'url + "/auth/token"',
        'f"/entity_users/{someone}"',
        'path = "entities"',
        '{"X-Monite-Version": version}',
        '{"grant_type": "entity_user"}',
        'body["access_token"]',
        'url = "https://api.sandbox.monite.com/v1"',
    ],
)
def test_the_search_finds_what_it_looks_for(line):
    assert facts_in(line)


def test_the_search_leaves_prose_alone():
    assert facts_in('"""Ask `POST /auth/token`."""\nraise Error("See PATCH /entities/{id}.")') == []


def imports(file: Path) -> Iterator[str]:
    for each in ast.walk(ast.parse(file.read_text())):
        if isinstance(each, ast.ImportFrom):
            yield str(each.module)
        elif isinstance(each, ast.Import):
            yield from (name.name for name in each.names)


@pytest.mark.parametrize("file", sorted(ROOM.glob("*.py")), ids=lambda file: file.stem)
def test_the_room_is_pure(file):
    """No I/O, no clock, no settings: values in, values out."""
    ours = ("monite_auth.monite_api", "monite_auth.errors", "monite_auth.identity", "monite_auth.tokens")
    pure = {
        "json",
        "re",
        "dataclasses",
        "typing",
        "collections",
        "urllib",
        "email",
        "enum",
        "difflib",
        "http",
    }
    pure |= {"uuid", "datetime", "contextlib"}  # datetime reads dates here, and never the clock
    for name in imports(file):
        assert name.startswith(ours) or name.split(".")[0] in pure, name
    assert not re.search(r"\bnow\(|\btoday\(|\btime\(\)", file.read_text())


ID = "e0000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", paths.TOKEN),
        ("POST", paths.REVOKE),
        ("GET", paths.MY_ENTITY_USER),
        ("GET", paths.MY_ENTITY),
        ("GET", paths.MY_ROLE),
        ("GET", paths.ENTITIES),
        ("POST", paths.ENTITIES),
        ("GET", paths.entity(ID)),
        ("GET", paths.ENTITY_USERS),
        ("POST", paths.ENTITY_USERS),
        ("GET", paths.entity_user(ID)),
        ("PATCH", paths.entity_user(ID)),
        ("DELETE", paths.entity_user(ID)),
        ("GET", paths.ROLES),
        ("POST", paths.ROLES),
        ("GET", paths.role(ID)),
        ("DELETE", paths.role(ID)),
    ],
)
def test_every_call_of_ours_is_an_operation_of_monites_with_the_headers_that_it_requires(method, path):
    operation = find_operation(method, path)
    assert operation is not None
    token = AccessToken.granted(Secret("t"), life=1800, sent_at=0, jitter=0.5)
    sent = call_request(settings(), token, Call(method, path, entity_id=ID)).headers
    assert operation.required_headers <= {name for name in sent if name.startswith("x-monite-")}


def test_the_fields_that_we_read_are_fields_of_monites():
    known = shapes()
    grant = token_body(Secret("t"), 1800)
    assert set(grant) == set(known["AccessTokenResponse"]["properties"])
    assert "next_pagination_token" in known["EntityUserPaginationResponse"]["properties"]
    assert "deleted" in words("StatusEnum")
    assert is_deleted({"status": "deleted"})
    assert {ORGANIZATION, INDIVIDUAL} <= {
        *known["EntityOrganizationResponse"]["properties"],
        *known["EntityIndividualResponse"]["properties"],
    }
