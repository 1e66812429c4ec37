"""A bill on its way: what the tests of payables have in common."""

from typing import Any

import httpx

from monite_auth.emulator import ANNA_ID, BAKERY_ID
from tests.emulator.conftest import Api

COMPLETE = {"document_id": "X-1", "currency": "EUR", "issued_at": "2026-01-07", "due_date": "2026-01-31"}
ITEM = {"name": "Flour", "quantity": 2.5, "unit": "kg", "unit_price": 399, "tax": 700}


class Bills:
    """Calls the API about payables as an accountant, or as another user."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def send(
        self, method: str, path: str, body: object = None, *, user: str | None = ANNA_ID, **options: Any
    ) -> httpx.Response:
        options |= {} if body is None else {"json": body}
        return self.api.call(method, f"/payables{path}", self.api.token(user), BAKERY_ID, **options)

    def draft(self, user: str | None = ANNA_ID, **fields: object) -> str:
        created = self.send("POST", "", COMPLETE | fields, user=user)
        assert created.json()["status"] == "draft", created.text
        return f"/{created.json()['id']}"

    def new(self, user: str | None = ANNA_ID) -> str:
        bill = self.draft(user)
        added = self.send("POST", f"{bill}/line_items", ITEM, user=user)
        assert added.status_code == 201, added.text
        return bill

    def status(self, bill: str) -> str:
        return str(self.send("GET", bill).json()["status"])
