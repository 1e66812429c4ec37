"""DESIGN's table "When things go wrong", row by row: what the caller sees, and what Monite sees of us."""

import json

import pytest

from monite_auth import TokenBroker, errors
from monite_auth.answers import error_answer
from monite_auth.wire import Fault
from tests.scripted import ALICE, ALICE_IN_MONITE, BOB, World, granted, refused, reply, settings, throttled


def answer_of(error: errors.MoniteAuthError) -> tuple[int, str, str | None]:
    """Return status, code and Retry-After of the answer that a request ends with."""
    answer = error_answer(error)
    return answer.status, json.loads(answer.body)["error"]["code"], answer.headers.get("Retry-After")


# -- nobody is logged in / user unknown to the directory


def test_nobody_logged_in_is_a_401_and_never_the_partner():
    with TokenBroker(settings(base_url="http://127.0.0.1:9"), {}) as broker:
        for call in (broker.token, broker.headers, broker.entity_user):
            with pytest.raises(errors.NotLoggedIn, match="Nobody is logged in") as caught:
                call(None)
            assert answer_of(caught.value) == (401, "not_logged_in", None)
        with pytest.raises(errors.NotLoggedIn):
            broker.client(None).get("/payables")


def test_a_user_unknown_to_the_directory_is_a_403_and_monite_is_not_asked():
    world = World(granted(), directory={})
    with pytest.raises(errors.NotLinked, match="knows no entity user") as caught:
        world.token()
    assert answer_of(caught.value) == (403, "not_linked", None)
    assert world.requests == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (refused(404, "Entity user not found"), "Entity user not found"),
        (refused(500), "status 500"),
        (throttled("60"), "used up"),
    ],
)
def test_the_developer_reads_in_the_log_what_users_are_not_told(caplog, answer, says):
    world = World(answer)
    with pytest.raises(errors.MoniteAuthError):
        world.token()
    assert says in caplog.records[-1].getMessage()
    assert caplog.records[-1].levelname == "WARNING"


@pytest.mark.parametrize("answer", [refused(404, "Entity user not found"), refused(500)])
def test_the_log_says_it_once_however_many_call_while_the_slot_rests(caplog, answer):
    world = World(answer)
    for _ in range(5):
        with pytest.raises(errors.MoniteAuthError):
            world.token()
    assert [record.getMessage() for record in caplog.records if "no new token" in record.getMessage()][
        1:
    ] == []


def test_a_user_who_is_linked_a_moment_later_gets_a_token_at_once():
    people = {}
    world = World(granted(), directory=people)
    with pytest.raises(errors.NotLinked):
        world.token()
    people["alice"] = ALICE_IN_MONITE
    assert world.value() == "token-1"


# -- session ended


def test_an_ended_session_is_a_401_and_monite_is_not_asked():
    world = World(granted())
    world.token()
    world.logout()
    asked = len(world.mints)
    with pytest.raises(errors.SessionEnded, match="has ended, by a logout") as caught:
        world.token()
    assert answer_of(caught.value) == (401, "session_ended", None)
    assert len(world.mints) == asked


# -- 401 from /auth/token


def test_rejected_credentials_are_a_502_without_a_retry_and_with_one_log_line(caplog):
    world = World(refused(401, "Invalid credentials"))
    with pytest.raises(errors.CredentialsRejected, match="'Invalid credentials'") as caught:
        world.token()
    assert answer_of(caught.value) == (502, "credentials_rejected", "30")
    assert "Check MONITE_CLIENT_ID and MONITE_CLIENT_SECRET" in str(caught.value)
    assert "https://api.sandbox.monite.com/v1" in str(caught.value)
    assert caught.value.request_id == "req-1"
    assert len(world.requests) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_rejected_credentials_keep_every_user_from_asking_until_the_rest_is_over(caplog):
    world = World(refused(401), granted())
    with pytest.raises(errors.CredentialsRejected):
        world.token(ALICE)
    world.now += 29
    for principal in (ALICE, BOB, None):
        with pytest.raises(errors.CredentialsRejected) as caught:
            world.token(principal)
        assert caught.value.retry_after == pytest.approx(1)
    assert len(world.requests) == 1
    assert len(caplog.records) == 1
    world.now += 1.1
    assert world.value(BOB) == "token-1"


# -- other 4xx for one entity user


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_a_refused_entity_user_is_a_403_remembered_for_that_user_only(status):
    world = World(refused(status, "Entity user not found"), granted("bobs"), granted("alices"))
    with pytest.raises(errors.EntityUserRejected, match="Entity user not found") as caught:
        world.token(ALICE)
    assert answer_of(caught.value) == (403, "entity_user_rejected", "30")
    assert caught.value.monite_status == status
    assert caught.value.monite_message == "Entity user not found"
    assert ALICE_IN_MONITE.entity_user_id in str(caught.value)
    world.now += 29
    with pytest.raises(errors.EntityUserRejected) as remembered:
        world.token(ALICE)
    assert remembered.value.monite_status == status
    assert remembered.value.request_id == "req-1"
    assert len(world.requests) == 1
    assert world.value(BOB) == "bobs"
    world.now += 1.1
    assert world.value(ALICE) == "alices"


def test_a_refused_partner_token_says_what_to_check():
    world = World(refused(404, "Not Found"))
    with pytest.raises(
        errors.CredentialsRejected, match="Check that https://api.sandbox.monite.com/v1 is"
    ) as caught:
        world.token(None)
    assert answer_of(caught.value) == (502, "credentials_rejected", "30")


# -- 429


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_429_makes_the_caller_wait_for_retry_after_and_try_again(form):
    world = World(granted())
    world.answers.insert(0, throttled("3" if form == "seconds" else world.date_in(3)))
    assert world.value() == "token-1"
    first, second = world.mints
    assert second - first == pytest.approx(3, abs=0.05)


def test_after_a_429_everybody_holds():
    world = World(throttled("60"), granted())
    for principal in (ALICE, BOB, None):
        with pytest.raises(errors.RateLimited, match="used up") as caught:
            world.token(principal)
        assert answer_of(caught.value)[:2] == (503, "rate_limited")
        assert caught.value.retry_after == pytest.approx(60, abs=1)
    assert len(world.requests) == 1


@pytest.mark.parametrize("header", ["soon", "-5", "", "1e9", "9" * 30])
def test_a_429_with_an_odd_retry_after_still_ends_well(header):
    world = World(throttled(header), granted())
    assert world.value() == "token-1"


# -- 5xx, timeout, refused, truncated, not JSON, missing or absurd fields

FAULTY = {
    "500": refused(500),
    "503": refused(503),
    "redirect": reply(302, b"", {"location": "https://elsewhere.example/"}),
    "408": refused(408),
    "timeout": Fault("ReadTimeout"),
    "refused": Fault("ConnectError: connection refused"),
    "truncated": Fault("RemoteProtocolError: peer closed connection"),
    "empty": reply(200, b""),
    "no JSON": reply(200, b"<html>"),
    "no object": reply(200, []),
    "no token": reply(200, {"token_type": "Bearer", "expires_in": 1800}),
    "null token": granted(None),
    "token with a line break": granted("a\r\nX-Evil: 1"),
    "empty token": granted(""),
    "wrong type": reply(200, {"access_token": "t", "token_type": "mac", "expires_in": 1800}),
    "no expiry": reply(200, {"access_token": "t", "token_type": "Bearer"}),
    "expired": granted(expires_in=0),
    "negative": granted(expires_in=-1),
    "infinite": reply(200, b'{"access_token": "t", "token_type": "Bearer", "expires_in": Infinity}'),
    "milliseconds": granted(expires_in=1_800_000_000),
    "boolean expiry": granted(expires_in=True),
}


@pytest.mark.parametrize("answer", FAULTY.values(), ids=FAULTY.keys())
def test_a_faulty_answer_is_tried_again_and_the_next_one_serves(answer):
    world = World(answer, answer, granted())
    assert world.value() == "token-1"
    assert world.slept == [pytest.approx(0.15), pytest.approx(0.3)]


@pytest.mark.parametrize("answer", FAULTY.values(), ids=FAULTY.keys())
def test_faulty_answers_until_the_deadline_are_a_503(answer):
    world = World(answer)
    started = world.now
    with pytest.raises(errors.MoniteUnavailable, match=r"in \d+ tries within the deadline of 10 s") as caught:
        world.token()
    assert answer_of(caught.value) == (503, "monite_unavailable", "2")
    assert 8 < world.now - started <= 10
    assert 5 <= len(world.requests) <= 15


def test_after_a_deadline_of_faults_the_next_callers_fail_at_once_for_a_moment():
    world = World(refused(500))
    with pytest.raises(errors.MoniteUnavailable):
        world.token()
    asked, then = len(world.requests), world.now
    with pytest.raises(errors.MoniteUnavailable):
        world.token()
    assert (len(world.requests), world.now) == (asked, then)
    world.answers = [granted()]
    world.now += 2.1
    assert world.value() == "token-1"


def test_the_old_token_serves_as_long_as_it_is_valid(caplog):
    world = World(granted("old"), refused(500))
    token = world.token()
    world.now = token.renew_at + 1
    while world.now < token.expires_at:
        assert world.value() == "old"
        world.run_background()  # the renewal fails, and nobody sees more of it than a log line
        world.now += 60
    assert "could not be renewed" in caplog.text
    with pytest.raises(errors.MoniteUnavailable):
        world.token()


def test_a_failed_renewal_is_not_tried_at_every_hit():
    world = World(granted("old"), refused(500))
    world.now = world.token().renew_at + 1
    world.value()
    world.run_background()
    asked = len(world.mints)
    for _ in range(50):
        world.value()
        world.run_background()
    assert len(world.mints) == asked
