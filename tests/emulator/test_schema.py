"""The endpoints against Monite's specification. The other tests check each answer against it, too."""

import uuid
from collections.abc import Iterator

import httpx
import pytest
from jsonschema import ValidationError  # its stubs would be another package

from monite_auth.emulator import BAKERY_ID, app
from tests.data.facts import check, find_operation


def routes() -> Iterator[tuple[str, str, int]]:
    for api in app.APIS:
        for route in api.router.routes:
            yield from ((method, route.path, route.status_code or 200) for method in route.methods)


@pytest.mark.parametrize(("method", "path", "status"), list(routes()))
def test_every_operation_succeeds_with_the_status_that_the_specification_names(method, path, status):
    assert str(status) in find_operation(method, path).answers


@pytest.mark.parametrize(("method", "path", "status"), list(routes()))
def test_every_operation_demands_the_headers_that_the_specification_demands(api, method, path, status):
    """A call that lacks only x-monite-entity-id is malformed exactly if the specification requires that header."""
    required = find_operation(method, path).required_headers
    assert "x-monite-version" in required
    for parameter in ("entity_id", "entity_user_id", "role_id", "counterpart_id", "payable_id"):
        path = path.replace(f"{{{parameter}}}", str(uuid.uuid4()))
    answer = api.call(method, path, api.token(), json={})
    complaints = answer.json().get("detail", [])
    missing = {complaint["loc"][-1] for complaint in complaints if complaint["loc"][0] == "header"}
    assert missing == required - {"x-monite-version"}


def test_an_answer_that_breaks_the_specification_is_noticed():
    good = {"access_token": "a", "token_type": "Bearer", "expires_in": 1800}
    check("POST", "/auth/token", httpx.Response(200, json=good))
    for bad in ({}, good | {"expires_in": "soon"}):
        with pytest.raises(ValidationError):
            check("POST", "/auth/token", httpx.Response(200, json=bad))
    with pytest.raises(ValidationError):
        check("GET", f"/roles/{BAKERY_ID}", httpx.Response(200, json={"id": BAKERY_ID}))
