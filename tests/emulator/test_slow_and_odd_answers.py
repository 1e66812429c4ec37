"""Faults that keep the right answer, and change when it comes, in which order, as what, and by which clock."""

import email.utils
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from monite_auth.emulator import AMELIA_ID, ANNA_ID, BAKERY_ID, DEMO_CLIENT_ID, Fault
from monite_auth.emulator.answers.answer import Answer, spoiled
from monite_auth.emulator.faults.kinds import Call
from tests.waiting import PATIENCE, until

MINTING = "/auth/token"
YEAR = 366 * 86_400


def dated(text):
    return email.utils.parsedate_to_datetime(text).timestamp()


def test_an_answer_that_drips_is_the_right_one_and_comes_in_pieces(served, client, mint):
    token = mint(ANNA_ID).json()["access_token"]
    served.monite.faults.add(Fault(kind="drip", path="/entity_users/me", seconds=0.3, times=1))
    headers = {"authorization": f"Bearer {token}"}
    with client.stream("GET", "/entity_users/me", headers=headers) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 5
    assert answer.elapsed.total_seconds() >= 0.3
    assert b"".join(pieces) == client.get("/entity_users/me", headers=headers).content
    assert served.monite.statistics.requests["/entity_users/me", 200] == 2


def test_a_client_that_leaves_while_an_answer_drips_loses_a_token(served, client, mint):
    served.monite.faults.add(Fault(kind="drip", path=MINTING, seconds=60, times=1))
    with pytest.raises(httpx.ReadTimeout):
        mint(ANNA_ID, timeout=0.2)
    until(lambda: [token.answer_lost for token in served.monite.ledger.tokens] == [True])
    assert served.monite.statistics.requests == {(MINTING, 0): 1}


def test_deleting_the_fault_lets_the_rest_come_at_once(served, mint):
    faults = served.monite.faults
    faults.add(Fault(kind="drip", path=MINTING, seconds=3600, times=1))
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(mint, ANNA_ID)
        assert faults.wait_for_hits(1, PATIENCE)
        faults.clear()
        assert answer.result(PATIENCE).json()["access_token"] == served.monite.ledger.tokens[0].value
    assert served.monite.ledger.tokens[0].answer_lost is False


def test_an_answer_without_a_body_has_nothing_to_drip(api, monite):
    monite.faults.add(Fault(kind="drip", method="DELETE", seconds=3600))
    assert api.call("DELETE", f"/entity_users/{ANNA_ID}", api.token(), BAKERY_ID).status_code == 204
    assert len(monite.faults.hits) == 1


def test_two_answers_change_places(served, mint):
    monite = served.monite
    order = monite.faults.add(Fault(kind="wrong_order", path=MINTING, seconds=60))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(mint, ANNA_ID)
        until(lambda: monite.ledger.mints(ANNA_ID))  # the work is done, and the answer waits
        assert not first.done()
        second = mint(AMELIA_ID)
        assert second.status_code == 200
        assert first.result(PATIENCE).json()["access_token"] == monite.ledger.mints(ANNA_ID)[0].value
        assert order.hits == 1  # who overtakes is not hit
        third = pool.submit(mint, ANNA_ID)
        assert monite.faults.wait_for_hits(2, PATIENCE)
        assert not third.done()
        assert mint(AMELIA_ID).status_code == 200
        assert third.result(PATIENCE).status_code == 200
    assert [token.answer_lost for token in monite.ledger.tokens] == [False] * 4


def test_only_a_request_that_the_fault_chooses_overtakes(served, client, mint):
    monite = served.monite
    monite.faults.add(Fault(kind="wrong_order", path=MINTING, entity_user_id=ANNA_ID, seconds=60, times=1))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(mint, ANNA_ID)
        assert monite.faults.wait_for_hits(1, PATIENCE)
        assert mint(AMELIA_ID).status_code == 200
        assert client.get("/payables").status_code == 401
        assert not first.done()
        assert mint(ANNA_ID).status_code == 200
        assert first.result(PATIENCE).status_code == 200


def test_an_answer_that_nothing_overtakes_is_only_late(served, mint):
    monite = served.monite
    monite.faults.add(Fault(kind="wrong_order", path=MINTING, seconds=0.2, times=1))
    assert mint(ANNA_ID).elapsed.total_seconds() >= 0.2
    assert monite.faults.strike(Call("POST", MINTING)).overtaken == []


def test_a_request_that_fails_overtakes_too(served, mint):
    monite = served.monite
    monite.faults.add(Fault(kind="wrong_order", path=MINTING, seconds=60, times=1))
    monite.faults.add(Fault(kind="cut_before", path=MINTING, entity_user_id=AMELIA_ID))
    with ThreadPoolExecutor() as pool:
        first = pool.submit(mint, ANNA_ID)
        assert monite.faults.wait_for_hits(1, PATIENCE)
        with pytest.raises(httpx.TransportError):
            mint(AMELIA_ID)
        assert first.result(PATIENCE).status_code == 200


def test_an_answer_may_have_the_wrong_content_type(served, mint):
    served.monite.faults.add(Fault(kind="wrong_content_type", path=MINTING, times=1))
    served.monite.faults.add(Fault(kind="wrong_content_type", path=MINTING, content_type="text/csv"))
    pages, table = mint(ANNA_ID), mint(ANNA_ID)
    assert pages.headers.get_list("content-type") == ["text/html"]
    assert table.headers.get_list("content-type") == ["text/csv"]
    assert table.json()["access_token"] == served.monite.ledger.tokens[1].value
    assert [token.answer_lost for token in served.monite.ledger.tokens] == [False, False]


@pytest.mark.parametrize("seconds", [-YEAR, -90, 90, YEAR])
def test_the_clock_of_an_answer_may_be_wrong(api, monite, seconds):
    monite.faults.add(Fault(kind="clock_skew", seconds=seconds))
    monite.faults.add(Fault(kind="throttle", retry_after=7, retry_after_as="date"))
    answer = api.mint(ANNA_ID)
    assert answer.status_code == 429
    assert dated(answer.headers["date"]) == int(monite.clock.now() + seconds)
    assert dated(answer.headers["retry-after"]) == int(monite.clock.now() + seconds + 7) + 1
    assert monite.faults.clear() is None
    answer = api.mint(ANNA_ID)
    assert dated(answer.headers["date"]) == int(monite.clock.now())
    assert monite.ledger.tokens[0].minted_at == monite.clock.now()


@pytest.mark.parametrize("kind", ["invalid_json", "wrong_fields", "wrong_content_type", "drip", "clock_skew"])
def test_an_answer_without_a_body_stays_one(served, client, mint, kind):
    token = served.monite.mint(None, DEMO_CLIENT_ID).value
    served.monite.faults.add(Fault(kind=kind, method="DELETE"))
    headers = {"authorization": f"Bearer {token}", "x-monite-entity-id": BAKERY_ID}
    deleted = client.delete(f"/entity_users/{ANNA_ID}", headers=headers)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert len(served.monite.faults.hits) == 1


@pytest.mark.parametrize("body", [b"[1, 2]", b"%PDF-1.4", b"", b"null"])
def test_an_answer_without_fields_loses_none_and_becomes_empty(body):
    answer = spoiled(Answer(200, (), body), Fault(kind="wrong_fields"))
    assert answer.body == b"{}"
