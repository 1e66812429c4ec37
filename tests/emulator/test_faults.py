"""Every kind of fault over a real connection: what the client sees, and what Monite has done."""

import email.utils
import math
import random
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from monite_auth.emulator import (
    AMELIA_ID,
    ANNA_ID,
    BAKERY_ID,
    DEMO_CLIENT_ID,
    DEMO_CLIENT_SECRET,
    Clock,
    Fault,
    Monite,
    create_app,
    serve,
)
from monite_auth.emulator.faults.kinds import Call
from tests.waiting import PATIENCE

MINTING = "/auth/token"
MINT = Call("POST", MINTING)
VERSION = {"x-monite-version": "2024-05-25"}


def test_a_late_answer_is_the_right_one(served, mint):
    served.monite.faults.add(Fault(kind="latency", path=MINTING, seconds=0.2, times=1))
    late = mint(ANNA_ID)
    assert late.elapsed.total_seconds() >= 0.2
    assert late.json()["access_token"] == served.monite.ledger.mints(ANNA_ID)[0].value
    assert served.monite.ledger.mints(ANNA_ID)[0].answer_lost is False


def test_a_request_that_jitters_counts_when_it_arrives():
    now = [1000.0]
    monite = Monite(clock=Clock(lambda: now[0]), chance=AlwaysLate())
    order = monite.faults.add(Fault(kind="jitter", path=MINTING, seconds=60, times=1))
    body = {
        "client_id": DEMO_CLIENT_ID,
        "client_secret": DEMO_CLIENT_SECRET,
        "grant_type": "client_credentials",
    }
    with serve(monite) as emulator, ThreadPoolExecutor() as pool:
        answer = pool.submit(
            httpx.post, f"{emulator.api_url}{MINTING}", json=body, headers=VERSION, timeout=PATIENCE
        )
        assert monite.faults.wait_for_hits(1, PATIENCE)
        assert monite.statistics.last_second == 0
        assert monite.ledger.tokens == []
        now[0] += 0.5
        monite.faults.remove(order.id)  # it arrives
        assert answer.result(PATIENCE).status_code == 200
    assert monite.statistics.last_second == 1
    assert monite.ledger.tokens[0].minted_at == 1000.5


class AlwaysLate(random.Random):
    """Chance that makes every jitter as long as it can be."""

    def uniform(self, a, b):
        return max(a, b)


def test_requests_jitter_by_up_to_so_many_seconds():
    monite = Monite()
    monite.faults.add(Fault(kind="jitter", seconds=0.08))
    monite.faults.add(Fault(kind="status"))
    delays = [hold.seconds for _ in range(500) for hold in monite.faults.jitters(MINT)]
    assert len(delays) == 500
    assert 0 <= min(delays) < 0.01
    assert 0.07 < max(delays) <= 0.08
    assert monite.faults.strike(MINT).holds == []
    assert monite.faults.strike(MINT).kind == "status"


def test_a_client_that_gives_up_on_a_late_answer_loses_a_token(served, mint):
    served.monite.faults.add(Fault(kind="latency", path=MINTING, seconds=60, times=1))
    with pytest.raises(httpx.ReadTimeout):
        mint(ANNA_ID, timeout=0.2)
    assert mint(ANNA_ID).status_code == 200
    lost, delivered = served.monite.ledger.mints(ANNA_ID)
    assert (lost.answer_lost, delivered.answer_lost) == (True, False)
    assert served.monite.ledger.max_concurrent_mints[ANNA_ID] == 1


def test_a_hang_answers_nothing_and_does_nothing(served, mint):
    served.monite.faults.add(Fault(kind="hang", path=MINTING))
    with pytest.raises(httpx.ReadTimeout):
        mint(ANNA_ID, timeout=0.2)
    assert served.monite.ledger.tokens == []


@pytest.mark.parametrize("fault", [{"kind": "hang"}, {"kind": "latency", "seconds": 60}])
def test_deleting_a_fault_lets_the_held_requests_go_on(served, mint, fault):
    faults = served.monite.faults
    faults.add(Fault(path=MINTING, times=1, **fault))
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(mint, ANNA_ID)
        assert faults.wait_for_hits(1, PATIENCE)
        faults.clear()
        assert answer.result(PATIENCE).status_code == 200


def test_a_stopping_server_cuts_the_requests_that_are_held():
    monite = Monite()
    monite.faults.add(Fault(kind="hang"))
    with ThreadPoolExecutor() as pool:
        with serve(monite) as emulator:
            answer = pool.submit(httpx.get, f"{emulator.api_url}/payables", timeout=PATIENCE)
            assert monite.faults.wait_for_hits(1, PATIENCE)
        with pytest.raises(httpx.TransportError):
            answer.result(PATIENCE)
    assert len(monite.faults.orders) == 1


def test_waiting_for_a_hit_ends_when_there_is_none_in_time(monite):
    assert not monite.faults.wait_for_hits(1, seconds=0.01)


@pytest.mark.parametrize(("kind", "minted"), [("cut_before", 0), ("cut_after", 1)])
def test_a_cut_closes_the_connection_without_an_answer(served, mint, kind, minted):
    served.monite.faults.add(Fault(kind=kind, path=MINTING, times=1))
    with pytest.raises(httpx.TransportError):
        mint(ANNA_ID)
    assert [token.answer_lost for token in served.monite.ledger.tokens] == [True] * minted
    assert served.monite.statistics.requests == {(MINTING, 0): 1}
    assert mint(ANNA_ID).status_code == 200


def test_a_revocation_can_be_done_and_its_answer_lost(served, client, mint):
    token = mint(ANNA_ID).json()["access_token"]
    served.monite.faults.add(Fault(kind="cut_after", path="/auth/revoke", times=1))
    body = {"client_id": DEMO_CLIENT_ID, "client_secret": DEMO_CLIENT_SECRET, "token": token}
    with pytest.raises(httpx.TransportError):
        client.post("/auth/revoke", json=body, headers={"authorization": f"Bearer {token}"})
    assert served.monite.ledger.live() == []


def test_half_an_answer_is_noticed_as_such(served, mint):
    served.monite.faults.add(Fault(kind="truncated", path=MINTING, times=1))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        mint(ANNA_ID)
    assert served.monite.ledger.tokens[0].answer_lost is True


def test_an_answer_may_be_no_json(served, mint):
    served.monite.faults.add(Fault(kind="invalid_json", path=MINTING, times=1))
    answer = mint(ANNA_ID)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    assert served.monite.ledger.tokens[0].answer_lost is True


def test_an_answer_may_have_wrong_fields(served, mint):
    served.monite.faults.add(Fault(kind="wrong_fields", path=MINTING, times=1))
    served.monite.faults.add(Fault(kind="wrong_fields", path=MINTING, times=1, body={"expires_in": -5}))
    assert mint(ANNA_ID).json() == {"token_type": "Bearer", "expires_in": 1800}
    assert mint(ANNA_ID).json() == {"expires_in": -5}


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ({}, 503, {"error": {"message": "Service unavailable"}}),
        ({"status": 418, "message": "Teapot"}, 418, {"error": {"message": "Teapot"}}),
        ({"status": 500, "body": ["odd"]}, 500, ["odd"]),
    ],
)
def test_an_answer_may_be_any_error(served, mint, fault, status, body):
    served.monite.faults.add(Fault(kind="status", path=MINTING, **fault))
    answer = mint(ANNA_ID)
    assert (answer.status_code, answer.json()) == (status, body)
    assert served.monite.ledger.tokens == []


def test_throttling_names_the_time_to_wait_in_seconds_or_as_a_date(served, mint):
    monite = served.monite
    monite.faults.add(Fault(kind="throttle", times=1, retry_after=7))
    monite.faults.add(Fault(kind="throttle", times=1, retry_after=7, retry_after_as="date"))
    seconds, date = mint(ANNA_ID), mint(ANNA_ID)
    assert (seconds.status_code, seconds.headers["retry-after"]) == (429, "7")
    until = email.utils.parsedate_to_datetime(date.headers["retry-after"]).timestamp()
    assert math.ceil(monite.clock.now() - 5 + 7) <= until <= math.ceil(monite.clock.now() + 7)
    assert monite.statistics.throttled == 2


@pytest.mark.parametrize(("status", "expected"), [(None, 401), (400, 400), (403, 403)])
def test_a_live_token_can_be_refused_as_if_it_were_dead(served, client, mint, status, expected):
    token = mint(ANNA_ID).json()["access_token"]
    served.monite.faults.add(Fault(kind="dead_token", path="/payables", times=1, status=status))
    headers = {"authorization": f"Bearer {token}", "x-monite-entity-id": BAKERY_ID}
    refused = client.get("/payables", headers=headers)
    assert refused.status_code == expected
    assert "expired" in refused.json()["error"]["message"]
    (entry,) = served.monite.ledger.tokens
    assert (entry.last_refusal, entry.uses) == ("fault", 0)
    assert client.get("/payables", headers=headers).status_code == 200


def test_a_fault_can_be_meant_for_one_user(served, client, mint):
    served.monite.faults.add(Fault(kind="status", entity_user_id=ANNA_ID))
    assert mint(ANNA_ID).status_code == 503
    token = mint(AMELIA_ID).json()["access_token"]
    served.monite.faults.add(Fault(kind="status", status=504, entity_user_id=AMELIA_ID, path="/entity_users"))
    assert client.get("/entity_users/me", headers={"authorization": f"Bearer {token}"}).status_code == 504


def test_a_fault_hits_only_its_path_and_only_so_often(served, client, mint):
    order = served.monite.faults.add(Fault(kind="status", path=MINTING, times=2))
    assert client.get("/payables").status_code == 401
    assert [mint(ANNA_ID).status_code for _ in range(3)] == [503, 503, 200]
    assert (order.hits, order.remaining) == (2, 0)
    assert [(hit.kind, hit.path, hit.entity_user_id) for hit in served.monite.faults.hits] == [
        ("status", MINTING, ANNA_ID)
    ] * 2


def test_a_fault_can_have_a_probability(served, mint):
    served.monite.faults.add(Fault(kind="status", probability=0.5))
    statuses = [mint(ANNA_ID).status_code for _ in range(60)]
    assert {200, 503} == set(statuses)


def test_an_answer_can_be_late_and_wrong(served, mint):
    served.monite.faults.add(Fault(kind="latency", seconds=0.15))
    served.monite.faults.add(Fault(kind="status"))
    answer = mint(ANNA_ID)
    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() >= 0.15


def test_concurrent_mints_of_one_user_are_noticed(served):
    served.monite.faults.add(Fault(kind="latency", path=MINTING, seconds=0.3))
    body = {
        "client_id": DEMO_CLIENT_ID,
        "client_secret": DEMO_CLIENT_SECRET,
        "grant_type": "entity_user",
        "entity_user_id": ANNA_ID,
    }

    def mint(_):
        headers = {"x-monite-version": "2024-05-25"}
        return httpx.post(f"{served.api_url}/auth/token", json=body, headers=headers).status_code

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(mint, range(3))) == [200] * 3
    assert served.monite.ledger.max_concurrent_mints[ANNA_ID] == 3


def test_an_in_process_client_sees_a_cut_as_a_connection_error(api, monite):
    monite.faults.add(Fault(kind="cut_before"))
    with pytest.raises(ConnectionAbortedError):
        api.mint(ANNA_ID)
    assert create_app().state.monite.faults.orders == []
