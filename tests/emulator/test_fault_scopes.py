"""Which requests a fault hits, and what cannot be ordered."""

import re
import uuid

import pytest

from monite_auth.emulator import AMELIA_ID, ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, Fault
from monite_auth.emulator.faults.kinds import USED, Call
from monite_auth.emulator.faults.paths import nearest
from monite_auth.emulator.specification.facts import operations

MINTING = "/auth/token"
OTHER_CLIENT = str(uuid.UUID(int=7))
NEVER = {
    "payables": "/payables",
    "/v1/payables": "/payables",
    "/v1": "/",
    "http://127.0.0.1:8090/v1/payables": "/payables",
    "/payables?limit=1": "/payables",
    "/payables#first": "/payables",
    "/pay ables": "/payables",
    "/payables/%7Bid%7D": "/payables/{id}",
    "/payables/{id": "/payables/{id}",
    "/payables/x{id}": "/payables/{id}",
    "/payables/*": "/payables/{id}",
    "/payables/:id/cancel": "/payables/{id}/cancel",
    "/payables//": "/payables",
    "/payables/submit_for_approval": "/payables/{id}/submit_for_approval",
    f"/payable/{ANNA_ID}": "/payables/{id}",
    "/payablez": "/payables",
    "/Payables": "/payables",
    "/entity_user/me": "/entity_users/me",
    "/auth/tokens": "/auth/token",
}


@pytest.mark.parametrize("path", NEVER)
def test_a_fault_whose_path_would_never_hit_is_refused_with_what_comes_nearest(api, path):
    with pytest.raises(ValueError, match="write the path as it is below /v1"):
        Fault(kind="hang", path=path)
    refused = api.send("POST", "/_emulator/faults", json={"kind": "hang", "path": path})
    assert refused.status_code == 422
    said = refused.json()["detail"][0]["msg"]
    assert "write the path as it is below /v1" in said
    assert said.endswith(f"; what comes nearest is {NEVER[path]}")
    assert Fault(kind="hang", path=nearest(path))


def test_every_path_of_monites_can_be_chosen_with_its_names_with_an_id_and_by_its_beginning(monite):
    for path in {operation.path for operation in operations()}:
        filled = re.sub(r"\{\w+\}", ANNA_ID, path)
        for chosen in {
            path,
            filled,
            filled[:-1],
            *(path[:end] for end in range(len(path)) if path[end] == "/"),
        }:
            order = monite.faults.add(Fault(kind="hang", path=chosen))
            assert monite.faults.strike(Call("GET", filled)).kind == "hang"
            monite.faults.remove(order.id)


@pytest.mark.parametrize(
    ("path", "hit", "missed"),
    [
        ("", ["/payables", MINTING], []),
        ("/", ["/payables"], []),
        ("/pay", ["/payables", "/payment_terms/3"], ["/roles"]),
        ("/payables", ["/payables", "/payables/3"], ["/auth/token", "/more/payables"]),
        ("/roles/", ["/roles/3"], ["/roles"]),
        ("/payables/{id}", ["/payables/3", "/payables/3/cancel"], ["/payables", "/payables/"]),
        ("/payables/{payable_id}/cancel", ["/payables/3/cancel"], ["/payables/3", "/payables/3/4/cancel"]),
        (f"/roles/{ANNA_ID[:8]}", [f"/roles/{ANNA_ID}"], [f"/roles/{BAKERY_ID}"]),
    ],
)
def test_a_path_is_the_beginning_and_braces_stand_for_one_step(monite, path, hit, missed):
    monite.faults.add(Fault(kind="status", path=path))
    assert {each: monite.faults.strike(Call("GET", each)).kind for each in (*hit, *missed)} == {
        **dict.fromkeys(hit, "status"),
        **dict.fromkeys(missed),
    }


@pytest.mark.parametrize("method", ["GET", "get"])
def test_a_fault_can_be_meant_for_one_method(api, monite, method):
    monite.faults.add(Fault(kind="status", path="/payables", method=method))
    token = api.token(ANNA_ID)
    assert api.call("GET", "/payables", token, BAKERY_ID).status_code == 503
    assert api.call("POST", "/payables", token, BAKERY_ID, json={"currency": "EUR"}).status_code != 503
    assert [hit.method for hit in monite.faults.hits] == ["GET"]


def test_a_fault_can_be_meant_for_one_client(api, monite):
    monite.add_credentials(OTHER_CLIENT, "another secret")
    other = {"client_id": OTHER_CLIENT, "client_secret": "another secret"}
    theirs, ours = api.mint(ANNA_ID, **other).json()["access_token"], api.token(ANNA_ID)
    monite.faults.add(Fault(kind="status", client_id=OTHER_CLIENT.upper()))
    assert api.mint(ANNA_ID, **other).status_code == 503
    assert api.call("GET", "/payables", theirs, BAKERY_ID).status_code == 503
    assert api.revoke(ours, **other).status_code == 503
    assert api.mint(ANNA_ID).status_code == 200
    assert api.call("GET", "/payables", ours, BAKERY_ID).status_code == 200
    assert api.revoke(ours).status_code == 200
    assert {hit.client_id for hit in monite.faults.hits} == {OTHER_CLIENT}


def test_a_fault_can_have_everything_to_choose_by(monite):
    monite.faults.add(
        Fault(
            kind="status",
            path="/payables/{id}",
            method="DELETE",
            entity_user_id=ANNA_ID,
            client_id=DEMO_CLIENT_ID,
            times=1,
        )
    )
    call = Call("DELETE", "/payables/3", ANNA_ID, DEMO_CLIENT_ID)
    for other in (
        Call("GET", "/payables/3", ANNA_ID, DEMO_CLIENT_ID),
        Call("DELETE", "/payables", ANNA_ID, DEMO_CLIENT_ID),
        Call("DELETE", "/payables/3", AMELIA_ID, DEMO_CLIENT_ID),
        Call("DELETE", "/payables/3", ANNA_ID, OTHER_CLIENT),
        Call("DELETE", "/payables/3"),
    ):
        assert monite.faults.strike(other).kind is None
    assert [monite.faults.strike(call).kind for _ in range(2)] == ["status", None]


def test_a_seed_decides_which_requests_are_hit(monite):
    def kinds(seed):
        order = monite.faults.add(Fault(kind="status", probability=0.5, seed=seed))
        hit = [monite.faults.strike(Call("GET", "/payables")).kind for _ in range(64)]
        monite.faults.remove(order.id)
        return hit

    assert kinds(1) == kinds(1) != kinds(2)
    assert kinds(None) != kinds(None)
    assert {*kinds(1)} == {"status", None}


def test_a_seed_decides_how_late_jitter_is(monite):
    def seconds(seed):
        order = monite.faults.add(Fault(kind="jitter", seconds=60, seed=seed))
        late = [hold.seconds for _ in range(8) for hold in monite.faults.jitters(Call("GET", "/payables"))]
        monite.faults.remove(order.id)
        return late

    assert seconds(1) == seconds(1) != seconds(2)


def test_a_listed_fault_can_be_ordered_again(api, monite):
    order = {"kind": "status", "method": "get", "path": "/payables/{id}", "client_id": DEMO_CLIENT_ID}
    api.send("POST", "/_emulator/faults", json=order | {"probability": 0.5, "seed": 3, "times": 2})
    (listed,) = api.send("GET", "/_emulator/faults").json()["faults"]
    again = {name: value for name, value in listed.items() if name not in {"id", "remaining", "hits"}}
    assert api.send("POST", "/_emulator/faults", json=again).status_code == 201
    first, second = monite.faults.orders
    assert first.fault == second.fault


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ({"kind": "meteor"}, "Input should be 'jitter', 'latency'"),
        ({}, "Field required"),
        ({"kind": "hang", "for": 5}, "Extra inputs are not permitted"),
        ({"kind": "hang", "method": "BREW"}, "Input should be 'GET', 'POST'"),
        ({"kind": "hang", "method": 5}, "Input should be 'GET', 'POST'"),
        ({"kind": "hang", "client_id": "me"}, "UUID"),
        ({"kind": "hang", "entity_user_id": "anna"}, "UUID"),
        ({"kind": "hang", "times": 0}, "greater than or equal to 1"),
        ({"kind": "hang", "probability": 0}, "greater than 0"),
        ({"kind": "hang", "probability": 1.5}, "less than or equal to 1"),
        ({"kind": "hang", "seed": "x"}, "valid integer"),
        ({"kind": "hang", "times": True}, "valid integer"),
        ({"kind": "hang", "times": "3"}, "valid integer"),
        ({"kind": "hang", "probability": True}, "valid number"),
        ({"kind": "status", "status": "503"}, "valid integer"),
        ({"kind": "latency", "seconds": True}, "valid number"),
        ({"kind": "dead_token", "status": 500}, "status of dead_token is 400, 401 or 403, and not 500"),
        ({"kind": "status", "message": "no", "body": {}}, "the body is sent instead of the message"),
        (
            {"kind": "latency", "status": 500},
            "latency does not use status, only seconds",
        ),
        (
            {"kind": "hang", "seconds": 1},
            "hang does not use seconds, only what chooses the requests",
        ),
        ({"kind": "status", "status": 200}, "greater than or equal to 400"),
        ({"kind": "latency", "seconds": -1}, "seconds of latency goes from 0 to 86400"),
        ({"kind": "latency", "seconds": 1e308}, "seconds of latency goes from 0 to 86400"),
        ({"kind": "clock_skew", "seconds": -1e9}, "seconds of clock_skew goes from -31622400 to 31622400"),
        ({"kind": "throttle", "retry_after": 10**12}, "less than or equal to 86400"),
        ({"kind": "wrong_content_type", "content_type": ""}, "should match pattern"),
        ({"kind": "wrong_content_type", "content_type": "text/html\r\nx: y"}, "should match pattern"),
    ],
)
def test_what_is_no_fault_is_refused_with_a_sentence(api, monite, order, sentence):
    refused = api.send("POST", "/_emulator/faults", json=order)
    assert refused.status_code == 422
    assert sentence in refused.text
    with pytest.raises(ValueError, match=re.escape(sentence)):
        Fault(**order)
    assert monite.faults.orders == []


@pytest.mark.parametrize("field", ["message", "body"])
def test_what_no_answer_can_hold_is_refused(field):
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        Fault(kind="status", **{field: "/\ud800"})


SAYS_MORE = {
    "seconds": 2,
    "status": 403,
    "message": "no",
    "body": {},
    "content_type": "text/csv",
    "retry_after": 2,
    "retry_after_as": "date",
}


@pytest.mark.parametrize("kind", USED)
def test_a_fault_takes_what_its_kind_uses_and_refuses_everything_else(api, monite, kind):
    for name, value in SAYS_MORE.items():
        order = {"kind": kind, name: value}
        answer = api.send("POST", "/_emulator/faults", json=order)
        if name in USED[kind]:
            assert answer.json()[name] == value
        else:
            assert f"{kind} does not use {name}" in answer.json()["detail"][0]["msg"]
            assert Fault(**order | {name: None}) if name in {"status", "message", "body"} else True
    assert len(monite.faults.orders) == len(USED[kind])
    listed = api.send("GET", "/_emulator/faults").json()["faults"]
    assert all({*SAYS_MORE} & {*each} == USED[kind] for each in listed)


@pytest.mark.parametrize("body", [{"at": object()}, float("nan")])
def test_a_body_that_is_no_json_is_refused(body):
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        Fault(kind="status", body=body)


def test_a_body_that_is_no_json_is_refused_over_http(api, monite):
    sent = {"content-type": "application/json"}
    refused = api.send("POST", "/_emulator/faults", content=b'{"kind": "status", "body": NaN}', headers=sent)
    assert refused.status_code == 422
    assert "cannot be written as JSON" in refused.text
    assert monite.faults.orders == []
