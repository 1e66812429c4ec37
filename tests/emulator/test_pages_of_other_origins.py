"""CORS: pages of any origin call the API with a token, as Monite's browser SDK does, and never the emulator's own endpoints."""

import pytest

from monite_auth.emulator import ANNA_ID, BAKERY_ID
from monite_auth.emulator.gateway.gate import OWN_HEADERS

PAGE = "https://app.example"
ASKED = "authorization,content-type,x-monite-entity-id,x-monite-version"


def ask(api, path, method):
    headers = {
        "origin": PAGE,
        "access-control-request-method": method,
        "access-control-request-headers": ASKED,
    }
    return api.send("OPTIONS", path, headers=headers)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_page_may_send_what_the_sdk_sends(api, method):
    answer = ask(api, "/v1/payables", method)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert method in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == ASKED


def test_asking_costs_nothing_of_the_limit(api, monite):
    monite.requests_per_second = 1
    for _ in range(5):
        assert ask(api, "/v1/payables", "GET").status_code == 200
    assert monite.statistics.requests == {}
    assert api.mint(ANNA_ID).status_code == 200


def test_a_page_reads_answers_and_errors_with_monites_headers(api):
    token = api.token(ANNA_ID)
    for bearer, status in ((token, 200), ("unknown", 401)):
        answer = api.call("GET", "/payables", bearer, BAKERY_ID, headers={"origin": PAGE})
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert exposed == list(OWN_HEADERS)
        monites = {name for name in answer.headers if name.startswith(("x-", "ratelimit"))}
        assert monites <= {*exposed}


def test_no_page_of_another_origin_reads_the_emulators_own_endpoints(api):
    assert (
        "access-control-allow-origin"
        not in api.send("GET", "/_emulator/seed", headers={"origin": PAGE}).headers
    )
    assert "access-control-allow-origin" not in ask(api, "/_emulator/reset", "POST").headers
