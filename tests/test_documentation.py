"""The code in the README and the docs runs, in order, as one program for each page."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from monite_auth import EntityUser, MoniteAccess, Principal, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from tests.waiting import until

ROOT = Path(__file__).parents[1]


def run_page(name: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run the page's Python blocks and return the names that they made."""
    text = (ROOT / name).read_text()
    blocks = [
        (text[: m.start()].count("\n") + 2, m[1])
        for m in re.finditer(r"```python\n(.*?)```", text, re.DOTALL)
    ]
    assert blocks
    for line, block in blocks:
        exec(compile("\n" * (line - 1) + block, str(ROOT / name), "exec"), names)
    return names


@pytest.fixture
def demo_environment(emulator, monkeypatch):
    monkeypatch.setenv("MONITE_BASE_URL", emulator.api_url)
    monkeypatch.setenv("MONITE_CLIENT_ID", DEMO_CLIENT_ID)
    monkeypatch.setenv("MONITE_CLIENT_SECRET", DEMO_CLIENT_SECRET)


def test_the_readme(demo_environment, emulator):
    names = run_page("README.md", {})
    assert names["token"].entity_user.entity_user_id == ANNA_ID
    with TestClient(names["app"]) as client:
        client.post("/login", params={"user": "anna"})
        assert len(client.get("/invoices").json()["data"]) > 0
        assert client.get("/monite/token").json()["expires_in"] >= 600
        client.post("/logout")
        assert client.get("/invoices").status_code == 401
    until(lambda: emulator.monite.ledger.live(ANNA_ID) == [])  # in the background, also when the app ends


def test_the_page_on_starlette(demo_environment):
    names = run_page("README.md", {})
    names = run_page("docs/starlette.md", {**names, "app": type(names["app"])()})
    with TestClient(names["app"]) as client:
        assert client.get("/nowhere", headers={"x-user": "anna", "x-session": "s"}).status_code == 404
        assert client.post("/organization", params={"organization": "books"}).status_code == 200
        assert client.post("/invoices", json={}).status_code == 401
        assert client.get("/buttons").status_code == 401
    assert names["who"](type("Connection", (), {"headers": {}})) is None


def test_the_page_on_calls(demo_environment, emulator):
    names = run_page("docs/calls.md", {"PEOPLE": {"anna": EntityUser(ANNA_ID, BAKERY_ID)}})
    with names["broker"]:
        assert len(names["payables"]) == len(names["bills"])
        assert BAKERY_ID in names["names"]
        assert asyncio.run(names["count"]()) == len(names["payables"])


def test_the_page_on_sessions(demo_environment, emulator):
    names = run_page("docs/sessions.md", {})
    with names["broker"]:
        assert len(names["bills"]["data"]) > 0
        assert names["report"].tokens >= 0
        assert emulator.monite.ledger.live() == []
        with pytest.raises(errors.SessionEnded):
            names["work"](names["queued"])


def test_the_page_on_security_models(demo_environment, emulator):
    names = run_page("docs/security-models.md", {})
    with names["broker"] as broker:
        assert len(names["invoices"]) > 0
        with pytest.raises(errors.NotPermitted):
            broker.client(Principal("viktor", session_id="6f1c")).post("/payables", json={})
        assert names["buttons"](MoniteAccess(broker, Principal("anna", session_id="1"))) == ["New", "Pay"]
        assert names["buttons"](MoniteAccess(broker, None)) == []
    assert not names["by_role"](Principal("viktor"), "payable", "create")
    assert {token.entity_user_id for token in emulator.monite.ledger.tokens} == {None}


def test_the_page_on_settings(demo_environment):
    names = run_page("docs/settings.md", {})
    assert names["settings"].is_local
    text = (ROOT / "docs/settings.md").read_text()
    assert f"MONITE_CLIENT_ID: {DEMO_CLIENT_ID}" in text
    assert f"MONITE_CLIENT_SECRET: {DEMO_CLIENT_SECRET}" in text


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (ROOT / page).parent.joinpath(target).exists(), target


def test_the_readme_has_every_setting_that_the_environment_has():
    text = (ROOT / "README.md").read_text()
    for name in re.findall(r"MONITE_[A-Z_]+", text):
        assert name.removeprefix("MONITE_").lower() in __import__("monite_auth").Settings.__dataclass_fields__


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
