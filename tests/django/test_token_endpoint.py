"""The token endpoint."""

import pytest

from monite_auth.emulator import ANNA_ID
from tests.django.conftest import log_in


def test_the_token_endpoint_answers_as_monites_browser_sdk_wants(visitor, emulator, anna):
    log_in(visitor)
    for answer in (visitor("monite/token"), visitor("monite/token", method="post")):
        assert answer.status_code == 200
        assert answer["cache-control"] == "private, no-store"
        assert answer.json().keys() == {"access_token", "token_type", "expires_in"}
        assert answer.json()["expires_in"] >= 600
    assert emulator.monite.ledger.find(answer.json()["access_token"]).entity_user_id == ANNA_ID
    assert len(emulator.monite.ledger.tokens) == 1


def test_an_anonymous_visitor_gets_no_token(visitor):
    answer = visitor("monite/token", headers={"accept": "text/html"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_logged_in")


def test_a_post_to_the_token_endpoint_needs_the_csrf_token(visitor, anna):
    strict = visitor.another(enforce_csrf_checks=True)
    log_in(strict)
    assert strict("monite/token", method="post").status_code == 403
    token = strict.client.cookies["csrftoken"].value if "csrftoken" in strict.client.cookies else "x" * 32
    strict.client.cookies["csrftoken"] = token
    assert strict("monite/token", method="post", headers={"x-csrftoken": token}).status_code == 200
    assert strict("monite/token").status_code == 200


@pytest.mark.parametrize("method", ["put", "delete", "head"])
def test_the_token_endpoint_allows_only_get_and_post(visitor, anna, method):
    log_in(visitor)
    answer = visitor("monite/token", method=method)
    assert (answer.status_code, answer["allow"]) == (405, "GET, POST")
