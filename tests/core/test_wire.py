"""Whatever Monite may answer becomes exactly one outcome, and never a bad token."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monite_auth import EntityUser, Secret, Settings
from monite_auth.errors import MoniteAuthError
from monite_auth.wire import (
    BadCredentials,
    Fault,
    Gone,
    Granted,
    Refused,
    Response,
    Revoked,
    Throttled,
    mint_request,
    read_mint,
    read_revocation,
    retry_after,
    revoke_request,
    speaks_of_dead_token,
)
from tests.scripted import CLIENT_ID, SECRET, World, refused, reply, settings

PERSON = EntityUser("a11ce000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001")
MINT = mint_request(settings(), PERSON)
REVOKE = revoke_request(settings(), Secret("the-token"))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
token_bodies = st.fixed_dictionaries(
    {},
    optional={
        "access_token": st.text(min_size=1) | json_values,
        "token_type": st.sampled_from(["Bearer", "bearer", "BEARER", "mac", ""]) | json_values,
        "expires_in": st.integers(-10, 10**12) | st.floats() | json_values,
        "error": json_values,
        "detail": json_values,
    },
)
bodies = (
    st.binary(max_size=200)
    | json_values.map(lambda value: json.dumps(value).encode())
    | token_bodies.map(lambda value: json.dumps(value).encode())
)
headers = st.dictionaries(
    st.sampled_from(["retry-after", "x-request-id", "content-type", "date"]), st.text(max_size=60), max_size=3
)
responses = st.builds(
    Response,
    st.sampled_from([200, 201, 204, 400, 401, 403, 404, 422, 429, 500]) | st.integers(100, 599),
    headers,
    bodies,
)


@given(responses)
@example(Response(200, {}, b'{"access_token": "t", "token_type": "Bearer", "expires_in": 1e400}'))
@example(Response(200, {}, b"[" * 100_000))
@example(
    Response(200, {}, b'{"access_token": "t", "token_type": "Bearer", "expires_in": ' + b"9" * 5000 + b"}")
)
@example(Response(400, {}, b'{"error": {"message": "\\ud800"}}'))
def test_any_answer_to_a_mint_has_a_meaning_and_a_token_is_always_good(response):
    outcome = read_mint(MINT, response, now=1_800_000_000)
    match outcome:
        case Granted(value, life):
            assert 200 <= response.status < 300
            assert value.reveal().isascii()
            assert value.reveal().isprintable()
            assert " " not in value.reveal()
            assert 5 < life <= 366 * 24 * 3600
        case Throttled(seconds, _):
            assert response.status == 429
            assert 0 <= seconds <= 3600
        case BadCredentials(message, _):
            assert response.status == 401
            message.encode()
        case Refused(status, message, _):
            assert 400 <= status < 500
            assert status not in (401, 429)
            message.encode()
            assert "\n" not in message
        case Fault(reason, _):
            assert reason
        case _:
            pytest.fail(f"no outcome: {outcome!r}")


@given(responses)
def test_any_answer_ends_a_flow_in_a_token_or_one_of_our_errors(response):
    world = World(response)
    try:
        token = world.token()
    except MoniteAuthError:
        return
    assert token.expires_in > 0
    assert token.authorization.isprintable()


@given(responses)
def test_any_answer_to_a_revocation_has_a_meaning(response):
    outcome = read_revocation(REVOKE, response, now=1_800_000_000)
    assert isinstance(outcome, Revoked | Gone | BadCredentials | Refused | Throttled | Fault)
    if isinstance(outcome, Revoked):
        assert 200 <= response.status < 300


def test_a_mint_asks_for_what_the_api_reference_says():
    assert MINT.url == "https://api.sandbox.monite.com/v1/auth/token"
    assert MINT.headers["x-monite-version"] == "2024-05-25"
    assert "Authorization" not in MINT.headers
    assert json.loads(MINT.body.reveal()) == {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "grant_type": "entity_user",
        "entity_user_id": PERSON.entity_user_id,
    }
    assert json.loads(mint_request(settings(), None).body.reveal()) == {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "grant_type": "client_credentials",
    }


def test_a_revocation_names_the_token_and_carries_it_as_its_bearer():
    assert REVOKE.url == "https://api.sandbox.monite.com/v1/auth/revoke"
    assert REVOKE.headers["Authorization"] == "Bearer the-token"
    assert json.loads(REVOKE.body.reveal()) == {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "token": "the-token",
    }


@pytest.mark.parametrize("life", [1800, 1800.0])
def test_a_life_may_be_written_as_an_integer_or_as_a_float(life):
    body = {"access_token": "t", "token_type": "bearer", "expires_in": life}
    assert read_mint(MINT, reply(200, body), now=0) == Granted(Secret("t"), 1800.0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("1.5", 1.5),
        (" 12 ", 12),
        ("999999", 3600),
        (format_datetime(datetime.fromtimestamp(1_800_000_030, UTC), usegmt=True), 30),
        (format_datetime(datetime.fromtimestamp(1_700_000_000, UTC), usegmt=True), 0),
        ("-3", 1),
        ("soon", 1),
        ("", 1),
        (None, 1),
        ("Fri, 32 Foo 99999 99:99:99 GMT", 1),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after(header, now=1_800_000_000) == seconds


@given(st.text())
def test_retry_after_takes_anything(header):
    assert 0 <= retry_after(header, now=1_800_000_000) <= 3600


MONITES_WORDS = "The token has been revoked, expired or not found."


@pytest.mark.parametrize(
    ("status", "message", "dead"),
    [
        (400, MONITES_WORDS, True),
        (401, MONITES_WORDS, True),
        (401, "", True),
        (403, "Access token expired", True),
        (403, "Expired token", True),
        (400, "Unknown token.", True),
        (403, "Your role does not allow this.", False),
        (400, "The invoice has expired.", False),
        (400, "Payable not found", False),
        (404, MONITES_WORDS, False),
        (500, MONITES_WORDS, False),
        (200, MONITES_WORDS, False),
    ],
)
def test_an_answer_speaks_of_a_dead_token(status, message, dead):
    assert speaks_of_dead_token(status, refused(status, message).body) is dead


def test_an_answer_that_is_no_json_speaks_of_no_token():
    assert not speaks_of_dead_token(400, b"token expired")


def test_what_monite_repeats_of_our_secrets_is_not_repeated_by_us():
    outcome = read_mint(MINT, refused(422, f"client_secret {SECRET} is too short"), now=0)
    assert isinstance(outcome, Refused)
    assert SECRET not in outcome.message
    assert "***" in outcome.message
    validation = reply(422, {"detail": [{"loc": ["body", "x"], "msg": "bad", "input": SECRET}]})
    assert SECRET not in repr(read_mint(MINT, validation, now=0))


def test_what_looks_like_a_token_is_not_repeated_and_an_id_is():
    user = "a11ce000-0000-4000-8000-000000000001"
    outcome = read_mint(
        MINT, refused(404, f"User {user} has no token L8qq9PZyRg6ieKGEKhZolGC0vJWLw8iE."), now=0
    )
    assert outcome.message == f"User {user} has no token ***."


def test_requests_and_responses_do_not_print_what_they_hold():
    printed = repr([MINT, REVOKE, reply(200, {"access_token": "the-token"})])
    assert SECRET not in printed
    assert "the-token" not in printed


def test_a_base_url_with_a_path_keeps_it():
    custom = Settings(client_id=CLIENT_ID, client_secret=SECRET, base_url="https://proxy.example/monite/v1/")
    assert mint_request(custom, None).url == "https://proxy.example/monite/v1/auth/token"
