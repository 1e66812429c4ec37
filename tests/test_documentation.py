"""The code in the README and the docs runs, in order, as one program for each page."""

import asyncio
import builtins
import json
import os
import re
import subprocess
import symtable
import sys
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from monite_auth import EntityUser, MoniteAccess, Principal, Settings, errors
from monite_auth.emulator import ANNA_AT_BOOKS_ID, ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.stores.health import REASONS
from monite_auth_starlette import MoniteAuthMiddleware
from tests.redis_server import RedisServer
from tests.waiting import until

ROOT = Path(__file__).parents[1]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
]


SHARED_PAGES = ("jwt", "jobs", "organizations", "roles", "server-side-sessions")
"""Pages that have a section for each framework."""


def blocks_of(name: str, *, section: str = "") -> list[tuple[int, str]]:
    """Return the Python blocks of a page, or of one section of it, each with the line where it begins."""
    text = (ROOT / name).read_text()
    begin, end = span_of(section, text) if section else (0, len(text))
    blocks = [
        (text[: m.start()].count("\n") + 2, m[1])
        for m in re.finditer(r"```python\n(.*?)```", text, re.DOTALL)
        if begin <= m.start() < end
    ]
    assert blocks
    return blocks


def run_page(name: str, names: dict[str, Any], *, section: str = "") -> dict[str, Any]:
    """Run the Python blocks of a page, or of one section of it, and return the names that they made."""
    for line, block in blocks_of(name, section=section):
        exec(compile("\n" * (line - 1) + block, str(ROOT / name), "exec"), names)
    return names


def span_of(section: str, text: str) -> tuple[int, int]:
    """Return where a section begins in a page, and where it ends: before the next heading of its level, or a higher one."""
    (heading,) = re.finditer(rf"^(##+) {re.escape(section)}$", text, re.MULTILINE)
    following = re.compile(rf"^#{{1,{len(heading[1])}}} ", re.MULTILINE).search(text, heading.end())
    return heading.start(), following.start() if following else len(text)


@pytest.fixture
def demo_environment(emulator, monkeypatch):
    monkeypatch.setenv("MONITE_BASE_URL", emulator.api_url)
    monkeypatch.setenv("MONITE_CLIENT_ID", DEMO_CLIENT_ID)
    monkeypatch.setenv("MONITE_CLIENT_SECRET", DEMO_CLIENT_SECRET)
    monkeypatch.delenv("MONITE_STORE_URL", raising=False)


@pytest.mark.parametrize("page", ["docs/start-fastapi.md", "docs/start-starlette.md"])
def test_the_first_app_with(page, demo_environment, emulator):
    names = run_page(page, {})
    with TestClient(names["app"]) as client:
        client.post("/login", params={"user": "anna"})
        assert len(client.get("/invoices").json()["data"]) > 0
        version = {"x-monite-version": "2024-05-25"}
        assert client.get("/monite/api/payables?limit=3", headers=version).json()["data"]
        client.post("/logout")
        assert client.get("/invoices").status_code == 401
    until(lambda: emulator.monite.ledger.live(ANNA_ID) == [])  # in the background, also when the app ends


DRIVE_DJANGO = """
import sys, project
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

call_command("migrate", verbosity=0)
User.objects.create_user("anna", password="one two three")
call_command("monite_link", *sys.argv[1:])
call_command("monite_check", user="anna")
client = Client(headers={"host": "localhost"})
assert client.post("/login", {"user": "anna", "password": "wrong"}).status_code == 401
assert client.post("/login", {"user": "anna", "password": "one two three"}).status_code == 200
assert client.get("/invoices").json()["data"]
version = {"x-monite-version": "2024-05-25"}
assert client.get("/monite/api/payables?limit=3", headers=version).status_code == 200
client.post("/logout")
assert client.get("/invoices").status_code == 401
"""


def test_the_first_app_with_django(demo_environment, emulator, tmp_path):
    page = (ROOT / "docs/start-django.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "project.py").write_text(code)
    (link,) = re.findall(r"monite_link (.*)", page)
    paths = os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "integrations")])
    subprocess.run(
        [sys.executable, "-c", DRIVE_DJANGO, *link.split()],
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert [token.entity_user_id for token in emulator.monite.ledger.tokens][-1] == ANNA_ID


def test_the_readme(demo_environment, monkeypatch):
    def who_is_this(principal):
        return EntityUser(ANNA_ID, BAKERY_ID)

    names = run_page("README.md", {"who_is_this": who_is_this}, section="FastAPI")
    with TestClient(names["app"]) as client, names["broker"]:
        assert client.get("/invoices").status_code == 401
    names = run_page("README.md", {"who_is_this": who_is_this, "__name__": "app"}, section="Flask")
    client = names["app"].test_client()
    assert client.get("/invoices").status_code == 401
    with client.session_transaction() as session:
        session["user_id"] = "anna"
    assert client.get("/invoices").json["data"]
    names["app"].extensions["monite_auth"].broker.close()
    names = {"INSTALLED_APPS": [], "MIDDLEWARE": [], "urlpatterns": []}
    run_page("README.md", names, section="Django")
    assert names["INSTALLED_APPS"] == ["monite_auth_django"]


def test_the_postcard(demo_environment):
    names = run_page("docs/api.md", {"PEOPLE": {"anna": EntityUser(ANNA_ID, BAKERY_ID)}})
    assert names["token"].entity_user.entity_user_id == ANNA_ID


def test_the_store_of_a_django_project(demo_environment):
    names = run_page("docs/django-settings.md", {})
    assert repr(names["MONITE_AUTH"]["STORE"]) == "<RedisStore at redis://127.0.0.1:6379>"


def test_the_page_on_browsers(demo_environment):
    names = run_page("docs/browser.md", run_page("docs/start-fastapi.md", {}))
    with TestClient(names["app"]) as client, names["broker"]:
        client.post("/login")
        assert "no-token" in client.get("/monite/token").json()["access_token"]
        version = {"x-monite-version": "2024-05-25"}
        assert client.get("/monite/api/payables?limit=3", headers=version).json()["data"]
        assert client.get("/monite/api/payables").status_code == 403


def claims_of(token: str) -> Any:
    """What a JWT library does, without the signature: raises ValueError for what is no token."""
    return json.loads(token)


@pytest.fixture
def redis_url():
    with RedisServer() as server:
        yield server.url


@pytest.fixture
def starlette_page(demo_environment, redis_url, monkeypatch):
    """Return the page's names, and its app with one of its middlewares around: the page has one for each recipe."""
    with ExitStack() as stack:
        monkeypatch.setenv("SESSIONS_URL", redis_url)
        names = run_page("docs/start-fastapi.md", {"verified": claims_of})
        names = run_page("docs/starlette.md", {**names, "app": type(names["app"])()})
        for page in ("organizations", "roles", "jwt", "server-side-sessions", "jobs"):
            run_page(f"docs/{page}.md", names, section="Starlette and FastAPI")

        def visitor(*middleware, base_url="http://testserver", **own):
            ours = Middleware(MoniteAuthMiddleware, broker=names["broker"], **own)
            app = type(names["app"])(routes=names["app"].routes, middleware=[*middleware, ours])
            return stack.enter_context(TestClient(app, base_url=base_url))

        yield names, visitor
        names["broker"].close()


def test_the_page_on_starlette(starlette_page):
    names, visitor = starlette_page
    client = visitor(identify=names["who"])
    assert client.get("/nowhere", headers={"x-user": "anna", "x-session": "s"}).status_code == 404
    assert client.get("/buttons").status_code == 401
    anna = {"x-user": "anna", "x-session": "s"}
    assert len(client.get("/bills", headers=anna).json()["data"]) > 0
    client.post("/exports", headers=anna)
    assert len(names["export"](names["queue"].pop())) > 0


def test_the_page_on_starlette_tenants_and_logins(starlette_page, emulator):
    names, visitor = starlette_page
    client = visitor(Middleware(names["SessionMiddleware"], secret_key="s"), identify=names["who_and_where"])
    client.post("/callback", params={"user": "anna"})
    assert client.get("/buttons").status_code == 200
    names["broker"].end_user("anna")
    assert client.get("/buttons").status_code == 401
    client.post("/callback", params={"user": "anna"})
    assert client.get("/buttons").status_code == 200
    assert client.post("/organization", params={"organization": "books"}).status_code == 200
    assert client.get("/buttons").status_code == 200
    assert [each.entity_user_id for each in emulator.monite.ledger.tokens][-1] == ANNA_AT_BOOKS_ID


def test_the_page_on_starlette_jwt(starlette_page):
    names, visitor = starlette_page
    client = visitor(identify=names["who_by_jwt"])
    assert client.get("/bills").status_code == 401
    refused = client.get("/bills", headers={"authorization": "Bearer nonsense"})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    client.headers["authorization"] = "Bearer " + json.dumps({"sub": "anna", "sid": "1", "auth_time": 1})
    assert client.get("/bills").status_code == 401  # older than endings are remembered, and never seen
    client.headers["authorization"] = "Bearer " + json.dumps({"sub": "anna", "sid": "2"})
    assert client.get("/bills").status_code == 200
    assert client.post("/sign-out").status_code == 200
    assert client.get("/bills").json()["error"]["code"] == "session_ended"


def test_the_page_on_starlette_sessions_on_the_server(starlette_page):
    names, visitor = starlette_page
    stars = Middleware(names["ServerSessions"], store=names["InMemoryStore"](), cookie_https_only=False)
    client = visitor(stars)
    client.post("/enter", params={"user": "anna"})
    assert client.get("/bills").status_code == 200
    client.post("/exit")
    assert client.get("/bills").status_code == 401

    client = visitor(identify=names["who_by_cookie"], base_url="https://testserver")
    client.post("/sign-in", params={"user": "anna"})
    assert client.get("/bills").status_code == 200
    kept = client.cookies["sid"]
    client.post("/leave")
    client.cookies["sid"] = kept
    assert client.get("/bills").json()["error"]["code"] == "not_logged_in"


def test_the_page_on_calls(demo_environment, emulator):
    names = run_page("docs/calls.md", {"PEOPLE": {"anna": EntityUser(ANNA_ID, BAKERY_ID)}})
    with names["broker"]:
        assert len(names["payables"]) == len(names["bills"])
        assert BAKERY_ID in names["names"]
        assert asyncio.run(names["count"]()) == len(names["payables"])


def test_the_page_on_sessions(demo_environment, emulator):
    names = run_page("docs/sessions.md", {})
    run_page("docs/jwt.md", names, section="Which claim names the login")
    run_page("docs/jobs.md", names, section="What a job is")
    run_page("docs/emergencies.md", names)
    with names["broker"]:
        assert len(names["bills"]["data"]) > 0
        assert names["report"].tokens >= 0
        assert emulator.monite.ledger.live() == []
        with pytest.raises(errors.SessionEnded):
            names["work"](names["queued"])


def test_the_page_on_security_models(demo_environment, emulator):
    names = run_page("docs/roles.md", run_page("docs/security-models.md", {}), section="In any framework")
    with names["broker"] as broker:
        assert len(names["invoices"]) > 0
        with pytest.raises(errors.NotPermitted):
            broker.client(Principal("viktor", session_id="6f1c")).post("/payables", json={})
        assert names["buttons"](MoniteAccess(broker, Principal("anna", session_id="1"))) == ["New", "Pay"]
        assert names["buttons"](MoniteAccess(broker, None)) == []
    assert not names["by_role"](Principal("viktor"), "payable", "create")
    assert {token.entity_user_id for token in emulator.monite.ledger.tokens} == {None}


def test_the_page_on_addresses(demo_environment):
    names = run_page("docs/addresses.md", {})
    assert names["settings"].is_local
    text = (ROOT / "docs/addresses.md").read_text()
    assert f"MONITE_CLIENT_ID: {DEMO_CLIENT_ID}" in text
    assert f"MONITE_CLIENT_SECRET: {DEMO_CLIENT_SECRET}" in text


def test_the_page_on_health(demo_environment):
    run_page("docs/health.md", {})


def test_the_page_on_telemetry_shows_a_mint_on_the_console(demo_environment):
    start, telemetry = (
        "".join(block for _, block in blocks_of(f"docs/{name}.md")) for name in ("sessions", "telemetry")
    )
    printed = subprocess.run(  # the SDK's providers are a process's own
        [sys.executable, "-c", f"{telemetry}\n{start}\nbroker.token(anna)\nbroker.close()"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ).stdout
    assert '"monite_auth.mint"' in printed
    assert '"monite_auth.token.wait.duration"' in printed


CONTINUATIONS = {
    "start-fastapi": ["starlette", *(f"{page}#Starlette and FastAPI" for page in SHARED_PAGES)],
    "start-flask": ["flask", "flask-sessions", *(f"{page}#Flask" for page in SHARED_PAGES)],
    "start-django": ["django-sessions", "organizations#Django", "jobs#Django and Celery", "roles#Django"],
    "sessions": ["jwt#Which claim names the login", "jobs#What a job is", "emergencies"],
    "security-models": ["roles#In any framework"],
    "": [
        "sessions",
        "security-models",
        "calls",
        "events",
        "health",
        "provisioning",
        "testing",
        "any-framework",
        "browser",
        "django-settings",
        "transactions#Without Django",
        "transactions#Django",
    ],
}
"""Pages and sections whose code goes on from that of another page, and from nothing else."""


@pytest.mark.parametrize(
    ("start", "page"), [(start, page) for start, pages in CONTINUATIONS.items() for page in pages]
)
def test_code_that_is_copied_has_every_name_that_it_uses(start, page):
    name, _, section = page.partition("#")
    code = "".join(block for _, block in blocks_of(f"docs/{start}.md")) if start else ""
    code += "".join(block for _, block in blocks_of(f"docs/{name}.md", section=section))
    module = symtable.symtable(code, page, "exec")
    known = {each.get_name() for each in module.get_symbols() if each.is_assigned() or each.is_imported()}
    known |= {*dir(builtins), "__file__", "__name__"}
    assert names_from_outside(module) - known <= {"verified"}  # a function of the reader's


def names_from_outside(table: symtable.SymbolTable) -> set[str]:
    """Return the names that code, and the functions and classes in it, take from the module or from what is built in."""
    names = {
        each.get_name()
        for each in table.get_symbols()
        if each.is_referenced() and (each.is_global() or table.get_type() == "module")
    }
    return names.union(*(names_from_outside(each) for each in table.get_children()))


FRAGMENTS = {
    "docs/adapters.md": "how the contract is subclassed; tests/toys/test_teapot.py is the whole",
    "docs/write-a-store.md": "how the contract is subclassed; tests/toys has the whole",
}
"""Pages whose code is no program."""


def test_the_code_of_every_page_is_run_by_a_test():
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    for page in PAGES:
        sections = re.findall(r"^```python$", (ROOT / page).read_text(), re.MULTILINE)
        if sections and page not in FRAGMENTS:
            name = Path(page).stem
            assert f"{name}.md" in tests or f'"{name}"' in tests, page


def test_every_page_is_in_the_menu():
    listed = re.findall(r"^(?:.*<)?([\w/-]+)>?$", (ROOT / "docs/index.md").read_text(), re.MULTILINE)
    pages = {page.removeprefix("docs/").removesuffix(".md") for page in PAGES if page.startswith("docs/")}
    assert pages - {*listed} == {"index"}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text()
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]+))?\)", text):
        if target.startswith("http"):
            continue
        file = (ROOT / page).parent / target if target else ROOT / page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)", file.read_text(), re.MULTILINE)
            assert anchor in {anchor_of(heading) for heading in headings}, f"{target}#{anchor}"


def anchor_of(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_are_there(page):
    for name in re.findall(r"`([\w.-]+(?:/[\w.-]+)+/?|[\w.-]+/)`", (ROOT / page).read_text()):
        first = name.partition("/")[0]
        if first == "build":  # made when it is needed
            continue
        if (ROOT / first).is_dir() or (ROOT / "monite_auth" / first).is_dir():
            assert (ROOT / name).exists() or (ROOT / "monite_auth" / name).exists(), name


def test_the_picture_of_the_wings_has_all_of_them():
    picture = (ROOT / "docs/images/wings.svg").read_text()
    drawn = {*re.findall(r">monite_auth/(\w+)<", picture)}
    there = {path.stem for path in (ROOT / "monite_auth").iterdir()}
    assert drawn <= there
    wings = {path.parent.name for path in (ROOT / "monite_auth").glob("*/__init__.py")}
    assert wings - drawn == {"emulator"}  # it stands apart
    assert {path.name for path in (ROOT / "integrations").iterdir() if path.is_dir()} == {
        *re.findall(r">(monite_auth_\w+)<", picture)
    }


@pytest.mark.parametrize("page", PAGES)
def test_settings_that_a_page_names_are_there(page):
    known = {field.name.upper() for field in fields(Settings)}
    others = {"CLIENT_SECRETS", "AUTH", "API"}  # a misspelled one, Django's dict, and Flask's own
    for name in re.findall(r"\bMONITE_([A-Z_]*[A-Z])\b(?!…)", (ROOT / page).read_text()):
        assert name in known | others, name


def test_the_table_of_settings_has_all_of_them():
    page = (ROOT / "docs/settings.md").read_text()
    begin, end = span_of("All settings", page)
    listed = re.findall(r"^\| `MONITE_(\w+)`", page[begin:end], re.MULTILINE)
    assert sorted(listed) == sorted(field.name.upper() for field in fields(Settings) if field.init)


def test_the_page_on_events(demo_environment):
    names = run_page("docs/events.md", {})
    assert len(names["trail"]) == 1


def test_the_page_on_health_has_every_reason():
    rows = dict(
        re.findall(r"^\| `([a-z_]+)` \| (.*?) \|$", (ROOT / "docs/health.md").read_text(), re.MULTILINE)
    )
    assert {name: rows[name] for name in REASONS} == REASONS


def test_the_page_on_provisioning(demo_environment, emulator, capsys):
    names = run_page("docs/provisioning.md", {})
    with names["broker"]:
        printed = capsys.readouterr().out.splitlines()
        assert printed[:3] == [
            """["Create an entity user with the role 'Accountant'."]""",
            "[]",
            "['Change last_name of the entity user.']",
        ]
        assert len(eval(printed[3])) == 3
        assert "this store created it for this tenant" in eval(printed[4])[0]
        assert [eval(each)[0].partition(" ")[0] for each in (printed[5], printed[7])] == ["Refuse:"] * 2
        assert names["token"].entity_user.entity_id == BAKERY_ID
    directory = emulator.monite.directory
    assert directory.users.get(names["token"].entity_user.entity_user_id) is None
    assert directory.entities.get(names["ida"].entity_id).name == "Corner Café GmbH"


def test_every_promise_of_the_readme_has_tests_that_bear_its_number_and_no_test_bears_another():
    _, section = (ROOT / "README.md").read_text().split("\n## Eleven promises\n")
    stated = [int(number) for number in re.findall(r"^(\d+)\. \*\*", section.split("\n## ")[0], re.MULTILINE)]
    assert stated == list(range(1, 12))
    names = "".join(
        path.read_text()
        for folder in ("tests", "monite_auth/testing")
        for path in (ROOT / folder).rglob("*.py")
    )
    borne = re.findall(r"def test_(?:promise_(\d+)|promises_([\d_]+)and_(\d+))_", names)
    assert {int(number) for each in borne for text in each for number in re.findall(r"\d+", text)} == set(
        stated
    )
