"""Whatever Monite may answer becomes exactly one outcome, and never a bad token."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monite_auth import PARTNER, EntityUser, Secret, Settings
from monite_auth.errors import MoniteAuthError
from monite_auth.monite_api.answers import Fault, Response, masked
from monite_auth.monite_api.dead_tokens import names_dead_token, speaks_of_dead_token
from monite_auth.monite_api.grants import ASSUMED_LIFE, read_mint
from monite_auth.monite_api.outcomes import (
    Astray,
    BadCredentials,
    Gone,
    Granted,
    Refused,
    Revoked,
    Throttled,
    Unusable,
)
from monite_auth.monite_api.pauses import requested_pause, seconds_to_wait
from monite_auth.monite_api.requests import mint_request, revoke_request
from monite_auth.monite_api.revocations import read_revocation
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
        case Unusable(value, life, reason):
            assert 200 <= response.status < 300
            assert value.reveal().isascii()
            assert 0 < life <= 366 * 24 * 3600
            assert reason
        case Throttled(seconds, _):
            assert response.status == 429
            assert 0 <= seconds <= 3600
        case BadCredentials(message, _):
            assert response.status == 401
            message.encode()
        case Astray(seen, _):
            assert 400 <= response.status < 500
            assert "\n" not in seen
            seen.encode()
        case Refused(status, message, _):
            assert 400 <= status < 500
            assert status not in (401, 429)
            message.encode()
            assert "\n" not in message
        case Fault(reason, _, wait):
            assert reason
            assert wait is None or 0 <= wait <= 3600
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
        assert response.status in (200, 201, 204)
    if isinstance(outcome, Gone):
        assert response.status in (400, 401, 404)


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
    assert json.loads(mint_request(settings(), PARTNER).body.reveal()) == {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "grant_type": "client_credentials",
    }


def test_promise_1_whoever_monite_does_not_know_is_not_taken_for_the_partner():
    with pytest.raises(ValueError, match="no entity user"):
        mint_request(settings(), EntityUser(None, PERSON.entity_id))


def test_a_revocation_names_the_token_and_carries_it_as_its_bearer():
    assert REVOKE.url == "https://api.sandbox.monite.com/v1/auth/revoke"
    assert REVOKE.headers["Authorization"] == "Bearer the-token"
    assert json.loads(REVOKE.body.reveal()) == {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "token": "the-token",
    }


TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 1800}


@pytest.mark.parametrize(
    "body",
    [
        TOKEN,
        TOKEN | {"expires_in": 1800.0},
        TOKEN | {"expires_in": "1800"},
        TOKEN | {"expires_in": " 1800.00 "},
        TOKEN | {"token_type": "bearer"},
        TOKEN | {"token_type": None},
        {"access_token": "t", "expires_in": 1800},
        TOKEN | {"scope": "x", "refresh_token": None},
        b"\xef\xbb\xbf" + json.dumps(TOKEN).encode(),
    ],
)
@pytest.mark.parametrize("status", [200, 201])
def test_a_good_token_is_taken_however_it_is_written(status, body):
    assert read_mint(MINT, reply(status, body), now=0) == Granted(Secret("t"), 1800.0)


@pytest.mark.parametrize(
    ("field", "value", "life"),
    [
        ("token_type", "mac", 1800),
        ("token_type", 7, 1800),
        ("token_type", "", 1800),
        ("expires_in", 5, 5),
        ("expires_in", "0.5", 0.5),
        ("expires_in", None, ASSUMED_LIFE),
        ("expires_in", 0, ASSUMED_LIFE),
        ("expires_in", -1, ASSUMED_LIFE),
        ("expires_in", True, ASSUMED_LIFE),
        ("expires_in", [1800], ASSUMED_LIFE),
        ("expires_in", "soon", ASSUMED_LIFE),
        ("expires_in", "1e309", ASSUMED_LIFE),
        ("expires_in", "٣٠", ASSUMED_LIFE),
        ("expires_in", 1_800_000_000, ASSUMED_LIFE),
        ("expires_in", 10**400, ASSUMED_LIFE),
    ],
)
def test_a_token_that_cannot_be_used_is_not_forgotten(field, value, life):
    outcome = read_mint(MINT, reply(200, TOKEN | {field: value}), now=0)
    assert isinstance(outcome, Unusable)
    assert (outcome.value, outcome.life) == (Secret("t"), life)
    assert field in outcome.reason


def test_a_life_must_be_a_number():
    for text in (b"NaN", b"Infinity", b"1e400"):
        body = b'{"access_token": "t", "token_type": "Bearer", "expires_in": ' + text + b"}"
        outcome = read_mint(MINT, reply(200, body), now=0)
        assert isinstance(outcome, Unusable)
        assert outcome.life == ASSUMED_LIFE


HTML = b"<html><title>Attention Required!</title>Your session token has expired</html>"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"message": "There is no entity user a11ce000."}}),
        (400, {"error": {"message": "User is not allowed to use this endpoint"}}),
        (403, {"error": {"message": "Inactive"}}),
        (404, {"error": {"message": "Entity user not found"}}),
        (409, {"error": {"message": "The entity is closed"}}),
        (422, {"detail": [{"loc": ["body", "entity_user_id"], "msg": "not a uuid", "type": "uuid"}]}),
    ],
)
def test_a_refusal_in_monites_own_form_is_about_the_user(status, body):
    outcome = read_mint(MINT, reply(status, body), now=0)
    assert isinstance(outcome, Refused)
    assert outcome.status == status


@pytest.mark.parametrize(
    ("status", "body", "seen"),
    [
        (403, HTML, "403 text/html"),
        (400, b"", "400 with nothing to read"),
        (400, {"error": "invalid_request"}, "400"),
        (400, {"error": {"message": "x-monite-version: use 2024-05-25."}}, "400 'x-monite-version: use"),
        (400, {"error": {"message": "Unknown API version"}}, "400 'Unknown API version'"),
        (403, {"error": {"message": "Your IP is not on the list"}}, "403 'Your IP"),
        (403, {"error": {"message": "Forbidden"}}, "403 'Forbidden'"),
        (403, {"message": "Missing Authentication Token"}, "403"),
        (404, {"detail": "Not Found"}, "404 'Not Found'"),
        (404, {"error": {"message": "Not Found"}}, "404 'Not Found'"),
        (404, [], "404"),
        (405, {"error": {"message": "Method Not Allowed"}}, "405"),
        (405, {"error": {"message": "Only GET for users"}}, "405"),
        (407, b"", "407"),
        (421, {"error": {"message": "Misdirected"}}, "421"),
        (422, {"detail": [{"loc": ["header", "x-monite-version"], "msg": "required"}]}, "422"),
        (422, {"detail": [{"loc": ["body", "client_id"], "msg": "not a uuid"}]}, "422"),
        (499, b"", "499"),
    ],
)
def test_a_refusal_by_anything_else_is_the_fault_of_the_address(status, body, seen):
    headers = {"content-type": "text/html; charset=utf-8"} if body is HTML else {}
    outcome = read_mint(MINT, reply(status, body, headers), now=0)
    assert isinstance(outcome, Astray)
    assert outcome.seen.startswith(seen)


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 302])
def test_a_fault_knows_how_long_it_wants_to_be_left_alone(status):
    assert read_mint(MINT, reply(status, HTML, {"retry-after": "7"}), now=0).retry_after == 7
    assert read_mint(MINT, reply(status, HTML, {"retry-after": "soon"}), now=0).retry_after == 1
    assert read_mint(MINT, reply(status, HTML), now=0).retry_after is None


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
    assert seconds_to_wait(header, date=None, now=1_800_000_000) == seconds


@pytest.mark.parametrize("off", [-3600, 300])
def test_a_date_in_retry_after_is_told_by_the_clock_of_the_answer(off):
    said, until = (
        format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True) for at in (1_800_000_000, 1_800_000_020)
    )
    assert seconds_to_wait(until, date=said, now=1_800_000_000 + off) == 20
    answer = reply(429, {}, {"retry-after": until, "date": said})
    assert requested_pause(answer, now=1_800_000_000 + off) == 20


@given(st.text())
def test_retry_after_takes_anything(header):
    assert 0 <= seconds_to_wait(header, date=None, now=1_800_000_000) <= 3600
    assert 0 <= seconds_to_wait("Mon, 01 Jan 2035 00:00:00 GMT", date=header, now=1_800_000_000) <= 3600


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
        (400, "Token has been revoked, expired, or not found", True),
        (400, "Token not found!", True),
        (400, "The bearer token is invalid or expired.", True),
        (403, "Your access token is no longer valid.", True),
        (400, "The access token provided is expired, revoked, or invalid.", True),
        (403, "This token doesn't exist", True),
        (400, "The payment link token has expired", False),
        (400, "Payment link token expired", False),
        (400, "Token of the payment link has expired", False),
        (400, "The invitation token was not found", False),
        (400, "Unknown mailbox; the invitation token was not found", False),
        (400, "Invalid pagination token.", False),
        (400, "The pagination_token has expired", False),
        (403, "Invalid CSRF token", False),
        (400, "Bank token revoked by the customer", False),
        (403, "Missing or invalid bank authorization token for this bank account", False),
        (400, "The refresh token has expired.", False),
        (400, "Field token: unknown counterpart", False),
        (400, "token: invalid", False),
        (400, "Invalid token format", False),
        (400, "The token is valid", False),
        (400, "The access token is missing", False),
        (400, "Invoice 7 not found", False),
        (400, "access expired", False),
        (403, "Your role does not allow this.", False),
        (400, "The invoice has expired.", False),
        (400, "Payable not found", False),
        (404, MONITES_WORDS, False),
        (500, MONITES_WORDS, False),
        (200, MONITES_WORDS, False),
    ],
)
def test_an_answer_speaks_of_a_dead_token(status, message, dead):
    answer = refused(status, message)
    assert speaks_of_dead_token(status, answer.body) is dead
    assert names_dead_token(status, answer.body) is (dead and message != "")


@pytest.mark.parametrize(
    "body",
    [
        b"token expired",
        HTML,
        b'"token expired"',
        b'["token expired"]',
        b'{"message": "token expired"}',
        b'{"detail": "token expired"}',
        b'{"error": "token expired"}',
        b'{"error": {"message": ["token expired"]}}',
        b'{"error": {"detail": "token expired"}}',
    ],
)
def test_words_in_another_form_than_monites_are_not_monites(body):
    assert not speaks_of_dead_token(400, body)
    assert not speaks_of_dead_token(403, body)
    assert not names_dead_token(401, body)


def _complaint(message):
    return {"detail": [{"loc": ["body", "token"], "msg": message, "type": "x"}]}


@pytest.mark.parametrize(
    ("status", "body", "settled"),
    [
        (200, {"message": "Token revoked"}, True),
        (201, {"message": "Token revoked"}, True),
        (204, b"", True),
        (400, {"error": {"message": MONITES_WORDS}}, True),
        (401, {"error": {"message": MONITES_WORDS}}, True),
        (404, {"error": {"message": "Token not found"}}, True),
        (200, b"", False),
        (200, HTML, False),
        (200, {}, False),
        (200, {"message": None}, False),
        (200, {"message": "no", "error": {"message": "could not revoke"}}, False),
        (200, {"error": {"message": MONITES_WORDS}}, False),
        (200, [{"message": "done"}], False),
        (202, {"message": "accepted"}, False),
        (206, {"message": "Token revoked"}, False),
        (302, b"", False),
        (304, b"", False),
        (400, {"error": {"message": "Something is wrong"}}, False),
        (400, {"error": {"message": "Invalid token"}}, False),  # perhaps not in the form that it wants
        (400, {"error": {"message": "The invitation token has expired"}}, False),
        (400, HTML, False),
        (401, {"error": {"message": "Invalid client credentials"}}, False),
        (401, {"error": {"message": "Unknown token type for client"}}, False),
        (401, {"detail": MONITES_WORDS}, False),
        (403, {"error": {"message": "Invalid CSRF token"}}, False),
        (403, {"error": {"message": "Token expired"}}, False),
        (403, HTML, False),
        (404, HTML, False),
        (404, {"detail": "Not Found"}, False),
        (409, {"error": {"message": MONITES_WORDS}}, False),
        (422, _complaint("invalid token format"), False),
        (422, {"error": {"message": MONITES_WORDS}}, False),
        (429, {"error": {"message": MONITES_WORDS}}, False),
        (429, {"error": {"message": "Rate limit exceeded: token bucket empty"}}, False),
        (500, {"error": {"message": MONITES_WORDS}}, False),
        (503, {"error": {"message": "token service expired"}}, False),
    ],
)
def test_a_revocation_is_settled_by_monites_own_word_only(status, body, settled):
    outcome = read_revocation(REVOKE, reply(status, body), now=0)
    assert isinstance(outcome, Revoked | Gone) is settled
    assert isinstance(outcome, Throttled) is (status == 429)


def test_secrets_that_monite_repeats_are_masked():
    outcome = read_mint(MINT, refused(422, f"client_secret {SECRET} is too short"), now=0)
    assert isinstance(outcome, Refused)
    assert SECRET not in outcome.message
    assert "***" in outcome.message
    validation = reply(422, {"detail": [{"loc": ["body", "x"], "msg": "bad", "input": SECRET}]})
    assert SECRET not in repr(read_mint(MINT, validation, now=0))


def test_words_that_look_like_tokens_are_masked_and_ids_are_not():
    user = "a11ce000-0000-4000-8000-000000000001"
    outcome = read_mint(
        MINT, refused(404, f"User {user} has no token L8qq9PZyRg6ieKGEKhZolGC0vJWLw8iE."), now=0
    )
    assert outcome.message == f"User {user} has no token ***."


def test_the_codes_of_openssl_are_words_and_not_masked():
    assert masked("[SSL: CERTIFICATE_VERIFY_FAILED] failed") == "[SSL: CERTIFICATE_VERIFY_FAILED] failed"
    assert masked("K7ABCDEFGH_IJKLMNOPQRSTUVWX") == "***"


def test_requests_and_responses_do_not_print_their_secrets():
    printed = repr([MINT, REVOKE, reply(200, {"access_token": "the-token"})])
    assert SECRET not in printed
    assert "the-token" not in printed


def test_a_base_url_with_a_path_keeps_it():
    custom = Settings(client_id=CLIENT_ID, client_secret=SECRET, base_url="https://proxy.example/monite/v1/")
    assert mint_request(custom, PARTNER).url == "https://proxy.example/monite/v1/auth/token"
