"""DESIGN's table "When things go wrong", row by row: what the caller sees, and what Monite sees of us."""

import itertools
import json
import math
import re

import pytest

from monite_auth import TokenBroker, errors
from monite_auth.adapter.answers import error_answer
from monite_auth.identity import PARTNER
from monite_auth.monite_api.answers import Fault
from tests.scripted import ALICE, ALICE_IN_MONITE, BOB, World, granted, refused, reply, settings, throttled


def unavailable(retry_after):
    return reply(503, {"error": {"message": "Maintenance."}}, {"retry-after": retry_after})


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


@pytest.mark.parametrize("other", ["alice", 7, ALICE_IN_MONITE])
def test_what_is_no_principal_is_named(other):
    with TokenBroker(settings(base_url="http://127.0.0.1:9"), {}) as broker:
        for call in (broker.token, broker.headers, broker.entity_user, broker.role, broker.login):
            with pytest.raises(
                TypeError, match=re.escape(f"Give a Principal, or PARTNER, and not {other!r}")
            ):
                call(other)
        with pytest.raises(TypeError, match="Give a Principal"):
            broker.client(other).get("/payables")


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
    for principal in (ALICE, BOB, PARTNER):
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
    world = World(refused(403, "This client is closed"))
    with pytest.raises(
        errors.CredentialsRejected, match="Check that https://api.sandbox.monite.com/v1 is"
    ) as caught:
        world.token(PARTNER)
    assert answer_of(caught.value) == (502, "credentials_rejected", "30")


# -- something else than Monite's endpoint refuses: nobody is told that it is them

ASTRAY = {
    "no /v1": reply(404, {"detail": "Not Found"}),
    "unknown version": refused(400, "x-monite-version: use 2024-05-25."),
    "firewall": reply(403, b"<html>Blocked</html>", {"content-type": "text/html"}),
    "proxy": reply(407, b""),
    "misdirected": reply(421, b""),
    "method": refused(405, "Method Not Allowed"),
}


@pytest.mark.parametrize("answer", ASTRAY.values(), ids=ASTRAY.keys())
def test_a_fault_of_the_address_is_a_503_that_names_the_settings_and_nobody_else_asks(answer, caplog):
    world = World(answer, granted())
    with pytest.raises(errors.MoniteUnavailable) as caught:
        world.token(ALICE)
    assert answer_of(caught.value) == (503, "monite_unavailable", "10")
    for said in (
        "https://api.sandbox.monite.com/v1/auth/token",
        f"({answer.status}",
        "MONITE_BASE_URL",
        "MONITE_API_VERSION (2024-05-25)",
        "firewall",
    ):
        assert said in str(caught.value)
    assert str(caught.value) in caplog.text
    world.now += 9
    for principal in (ALICE, BOB, PARTNER):
        with pytest.raises(errors.MoniteUnavailable, match="MONITE_BASE_URL"):
            world.token(principal)
    assert len(world.requests) == 1
    world.now += 1.1
    assert world.value(BOB) == "token-1"


def test_a_directory_that_takes_the_whole_deadline_is_named():
    class Slow(dict):
        def get(self, *_):
            world.now += 11
            return ALICE_IN_MONITE

    world = World(granted(), directory=Slow())
    with pytest.raises(errors.MoniteUnavailable, match=r"the directory took 11\.0 s"):
        world.token()
    assert world.requests == []


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
    for principal in (ALICE, BOB, PARTNER):
        with pytest.raises(errors.RateLimited, match="used up") as caught:
            world.token(principal)
        assert answer_of(caught.value)[:2] == (503, "rate_limited")
        assert caught.value.retry_after == pytest.approx(60, abs=1)
    assert len(world.requests) == 1


def test_a_503_that_wants_to_be_left_alone_is_obeyed_by_everybody():
    world = World(unavailable("120"))
    with pytest.raises(errors.MoniteUnavailable, match="status 503") as caught:
        world.token(ALICE)
    assert caught.value.retry_after == 60
    for principal in (ALICE, BOB, PARTNER):
        with pytest.raises(errors.MoniteAuthError) as caught:
            world.token(principal)
        assert answer_of(caught.value)[0] == 503
        assert caught.value.retry_after == pytest.approx(60, abs=1)
    assert len(world.requests) == 1


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503])
def test_any_answer_may_ask_for_a_pause_that_the_caller_can_wait_for(status):
    world = World(reply(status, b"", {"retry-after": "3"}), granted())
    assert world.value() == "token-1"
    first, second = world.mints
    assert second - first == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize("answer", [throttled("3600"), unavailable("3600"), unavailable("99999999")])
def test_nobody_is_stopped_for_more_than_a_minute(answer):
    world = World(answer, granted())
    with pytest.raises(errors.MoniteAuthError):
        world.token()
    world.now += 60
    assert world.value() == "token-1"


def test_a_revocation_that_is_asked_to_wait_holds_the_account_for_a_minute_at_most():
    world = World(granted())
    world.token()
    world.logout()
    world.revocations = [unavailable("3600"), reply(200, {"message": "done"})]
    assert world.drain().settled == 0
    assert world.drain().settled == 0
    assert len(world.revoked) == 1
    world.now += 60
    assert world.drain().settled == 1


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
}
UNUSABLE = {
    "wrong type": {"token_type": "mac"},
    "no expiry": {"expires_in": None},
    "too short": {"expires_in": 5},
    "expired": {"expires_in": 0},
    "negative": {"expires_in": -1},
    "infinite": {"expires_in": math.inf},
    "milliseconds": {"expires_in": 1_800_000_000},
    "boolean expiry": {"expires_in": True},
}


def unusable(changes, names):
    """Answer with tokens, each another one, that are of no use."""
    return lambda _request: reply(
        200, {"access_token": next(names), "token_type": "Bearer", "expires_in": 1800} | changes
    )


@pytest.mark.parametrize("changes", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_promise_6_a_token_that_was_read_and_cannot_be_used_is_revoked(changes):
    names = (f"bad-{number}" for number in itertools.count(1))
    world = World(unusable(changes, names), unusable(changes, names), granted())
    assert world.value() == "token-1"
    assert world.slept == [pytest.approx(0.15), pytest.approx(0.3)]
    world.run_background()
    assert sorted(world.revoked) == ["bad-1", "bad-2"]
    assert world.value() == "token-1"


@pytest.mark.parametrize("changes", [UNUSABLE["wrong type"], UNUSABLE["no expiry"], UNUSABLE["milliseconds"]])
def test_promise_6_so_are_all_of_them_where_there_is_nothing_else(changes):
    names = (f"bad-{number}" for number in itertools.count(1))
    world = World(unusable(changes, names))
    with pytest.raises(errors.MoniteUnavailable, match=r"expires_in|token_type"):
        world.token()
    world.run_background()
    assert sorted(world.revoked) == sorted(f"bad-{n}" for n in range(1, len(world.mints) + 1))


def test_a_revocation_of_a_token_of_unknown_life_is_tried_for_a_day():
    names = (f"bad-{number}" for number in itertools.count(1))
    world = World(unusable({"expires_in": None}, names), granted())
    world.revocations = [refused(500)]
    world.token()
    world.now += 24 * 3600 - 60
    assert world.drain().expired == 0
    world.now += 120
    assert world.drain().expired == 1


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
