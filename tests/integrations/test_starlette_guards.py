"""Decorators of the Starlette adapter that restrict endpoints."""

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from monite_auth_starlette import monite_allowed, monite_required
from tests.integrations.starlette_apps import app_of


@pytest.mark.parametrize("is_async", [True, False])
def test_decorators_let_linked_and_allowed_users_in(broker, emulator, is_async):
    async def alinked(request):
        return linked(request)

    def linked(request):
        return PlainTextResponse("in")

    view = alinked if is_async else linked
    routes = [
        Route("/linked", monite_required(view)),
        Route("/allowed", monite_allowed("payable", "create")(view)),
    ]
    with TestClient(app_of(broker, *routes)) as client:
        assert client.get("/linked").status_code == 401
        assert client.get("/allowed").status_code == 401
        for user, linked_status, allowed_status in (
            ("stranger", 403, 403),
            ("viktor", 200, 403),
            ("anna", 200, 200),
        ):
            client.post("/login", params={"user": user})
            assert client.get("/linked").status_code == linked_status, user
            assert client.get("/allowed").status_code == allowed_status, user


@pytest.mark.parametrize("wrong", [("payables", "create"), ("payable", "invent"), ("counterpart", "pay")])
def test_an_unknown_object_type_or_action_fails_at_import(wrong):
    with pytest.raises(ValueError, match=wrong[0]):
        monite_allowed(*wrong)
