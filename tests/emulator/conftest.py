"""Fixtures: a fresh emulator per test, in process. Every answer is checked against Monite's specification."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from monite_auth.emulator import (
    DEMO_CLIENT_ID,
    DEMO_CLIENT_SECRET,
    Clock,
    Emulator,
    Monite,
    create_app,
    serve,
)
from monite_auth.emulator.world.directory import Record
from tests.data.facts import check
from tests.e2e.stage import CHROMIUM, MILLISECONDS, chromium
from tests.environment import environment_with
from tests.waiting import PATIENCE

CREDENTIALS = {"client_id": DEMO_CLIENT_ID, "client_secret": DEMO_CLIENT_SECRET}
VERSION = {"x-monite-version": "2024-05-25"}
# The middle of one of the limiter's windows, so that no test straddles two windows.
NOON = 1_764_504_000.25


class Api:
    """Calls the emulator's API in process."""

    def __init__(self, monite: Monite) -> None:
        self.monite = monite
        self._app = create_app(monite)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request without adding headers."""

        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://emulator") as client:
                return await client.request(method, path, **options)

        response = asyncio.run(call())
        if path.startswith("/v1/"):
            check(method, path.removeprefix("/v1"), response)
        return response

    def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        entity: str | None = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Call the API as a well-behaved client does: with the version, a token and the entity."""
        sent = dict(VERSION)
        if token:
            sent["authorization"] = f"Bearer {token}"
        if entity:
            sent["x-monite-entity-id"] = entity
        return self.send(method, f"/v1{path}", headers=sent | (headers or {}), **options)

    def mint(self, entity_user_id: str | None = None, **changes: Any) -> httpx.Response:
        grant: dict[str, Any] = {"grant_type": "client_credentials"}
        if entity_user_id:
            grant = {"grant_type": "entity_user", "entity_user_id": entity_user_id}
        return self.call("POST", "/auth/token", json=CREDENTIALS | grant | changes)

    def token(self, entity_user_id: str | None = None) -> str:
        response = self.mint(entity_user_id)
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])

    def revoke(self, token: str, bearer: str | None = None, **changes: Any) -> httpx.Response:
        body = CREDENTIALS | {"token": token} | changes
        return self.call("POST", "/auth/revoke", bearer or token, json=body)


@pytest.fixture
def monite() -> Iterator[Monite]:
    """The emulator's state, with a clock that moves only when a test moves it. What it has not told, `--data` would miss."""
    monite = Monite(clock=Clock(lambda: NOON), requests_per_second=10_000)

    def saved() -> dict[Record, str]:
        found = (record for partner in monite.partners for _, record in partner.directory.saved())
        return {record: json.dumps(record.saved()) for record in found}

    def tell(table: str, what: str, record: Record, before: Mapping[str, Any]) -> None:
        told[record] = json.dumps(record.saved())

    told = saved()
    monite.directory.watchers.append(tell)
    monite.partner_watchers.append(lambda partner: partner.directory.watchers.append(tell))
    yield monite
    monite.webhooks.stop()
    silently = {record: text for record, text in saved().items() if told.get(record, text) != text}
    assert not silently, "only a table changes the fields of a record"


@pytest.fixture
def api(monite: Monite) -> Api:
    return Api(monite)


@pytest.fixture(scope="session")
def _server() -> Iterator[Emulator]:
    with serve(Monite(requests_per_second=10_000)) as emulator:
        yield emulator


@pytest.fixture
def served(_server: Emulator) -> Emulator:
    """The emulator on a real port, with the seed data only."""
    _server.monite.reset()
    return _server


@pytest.fixture
def client(served: Emulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.api_url, headers=VERSION, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def mint(client: httpx.Client) -> Callable[..., httpx.Response]:
    """Mint over a real connection."""

    def call(entity_user_id: str, **options: Any) -> httpx.Response:
        body = CREDENTIALS | {"grant_type": "entity_user", "entity_user_id": entity_user_id}
        return client.post("/auth/token", json=body, **options)

    return call


@pytest.fixture
def troubled_page() -> Iterator[Page]:
    """A page of a real browser, which may complain of failed requests."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(MILLISECONDS)
        yield page


@pytest.fixture
def browser_page(troubled_page: Page) -> Iterator[Page]:
    """A page of a real browser. What it complains of fails the test."""
    complaints: list[str] = []
    troubled_page.on("console", lambda message: complaints.append(message.text))
    troubled_page.on("pageerror", lambda error: complaints.append(str(error)))
    yield troubled_page
    assert complaints == []


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Run the command with a folder; return its process and its URL."""
    processes: list[subprocess.Popen[str]] = []

    def started(*words: str) -> tuple[subprocess.Popen[str], str]:
        command = [
            sys.executable,
            "-m",
            "monite_auth",
            "emulator",
            "--port",
            "0",
            "--data",
            str(tmp_path / "data"),
        ]
        process = subprocess.Popen(
            [*command, *words],
            env=environment_with({"PYTHONUNBUFFERED": "1"}),
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout
        url = re.search(r"http://\S+?(?=/)", process.stdout.readline())
        assert url
        return process, url[0]

    yield started
    for process in processes:
        process.kill()
        process.communicate()
