"""The endpoints against Monite's specification. The other tests check each answer against it, too."""

import re
import uuid

import httpx
import pytest
from jsonschema import ValidationError  # its stubs would be another package

from monite_auth.emulator import ANNA_ID, BAKERY_ID
from monite_auth.emulator.api import SERVED
from monite_auth.emulator.specification.facts import operations
from tests.data.facts import check, find_operation


@pytest.mark.parametrize(("method", "path"), sorted(SERVED))
def test_every_operation_demands_the_headers_that_the_specification_demands(api, method, path):
    """A call that lacks only x-monite-entity-id is malformed exactly if the specification requires that header."""
    required = find_operation(method, path).required_headers
    assert "x-monite-version" in required
    path = re.sub(r"\{\w+\}", str(uuid.uuid4()), path)
    answer = api.call(method, path, api.token(), json={})
    complaints = answer.json().get("detail", [])
    missing = {complaint["loc"][-1] for complaint in complaints if complaint["loc"][0] == "header"}
    assert missing == required - {"x-monite-version"}


@pytest.mark.parametrize("who", ["the partner", "a user", "nobody", "a token that is dead"])
def test_every_other_operation_of_monites_is_answered_by_its_name(api, who):
    token = {"nobody": None, "a token that is dead": "dead"}.get(
        who, api.token(ANNA_ID if who == "a user" else None)
    )
    for operation in operations():
        if (operation.method, operation.path) not in SERVED:
            answer = api.call(operation.method, operation.path, token)
            assert answer.status_code == 501
            assert answer.json() == {
                "error": {"message": f"{operation.name} is not served by this emulator."}
            }


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/products", {"name": "A", "price": {"currency": "EUR", "value": 2**53 - 1}}, 201),
        ("POST", "/products", {"name": "A", "price": {"currency": "EUR", "value": 2**53}}, 422),
        ("POST", "/payment_terms", {"name": "A", "term_final": {"number_of_days": 10.0}}, 201),
        ("POST", "/payment_terms", {"name": "A", "term_final": {"number_of_days": 10.5}}, 422),
        ("PUT", f"/entities/{BAKERY_ID}/payment_methods", {"payment_methods_send": ["eps", "blik"]}, 200),
        ("PUT", f"/entities/{BAKERY_ID}/payment_methods", {"payment_methods_send": ["eps", "eps"]}, 422),
    ],
)
def test_a_value_is_refused_exactly_if_its_schema_forbids_it(api, method, path, body, status):
    answer = api.call(method, path, api.token(), BAKERY_ID, json=body)
    assert answer.status_code == status, answer.text


def test_an_answer_that_breaks_the_specification_is_noticed():
    good = {"access_token": "a", "token_type": "Bearer", "expires_in": 1800}
    check("POST", "/auth/token", httpx.Response(200, json=good))
    for bad in ({}, good | {"expires_in": "soon"}):
        with pytest.raises(ValidationError):
            check("POST", "/auth/token", httpx.Response(200, json=bad))
    with pytest.raises(ValidationError):
        check("GET", f"/roles/{BAKERY_ID}", httpx.Response(200, json={"id": BAKERY_ID}))
