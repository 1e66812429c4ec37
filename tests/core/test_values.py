"""Principals, entity users, directories, secrets, tokens, errors: the values that everything else hands around."""

import asyncio
import copy
import pickle
import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import monite_auth
from monite_auth import AccessToken, EntityUser, FixedDirectory, Principal, Secret, errors
from monite_auth.identity import as_directory
from monite_auth.tokens import TokenTiming, steady_clock
from tests.scripted import ALICE, ALICE_IN_MONITE


def test_the_public_names_are_these():
    assert monite_auth.__all__ == sorted(
        monite_auth.__all__, key=lambda n: (not n.isupper(), n[0].islower(), n)
    )
    for name in monite_auth.__all__:
        assert hasattr(monite_auth, name)
    for name in (
        "TokenBroker",
        "Settings",
        "Principal",
        "EntityUser",
        "AccessToken",
        "BrokerAuth",
        "MoniteAccess",
    ):
        assert name in monite_auth.__all__


# -- principals


@pytest.mark.parametrize("user_id", [1, None, b"alice", 1.5])
def test_a_user_id_is_text(user_id):
    with pytest.raises(TypeError, match="user_id is text"):
        Principal(user_id)


def test_an_empty_user_id_is_no_principal():
    with pytest.raises(ValueError, match="anonymous"):
        Principal("")
    with pytest.raises(ValueError, match="session_id is empty"):
        Principal("alice", session_id="")


def test_a_session_id_is_not_printed():
    assert "alice-1" not in repr(ALICE)


def test_an_entity_user_has_uuids_in_one_spelling():
    assert EntityUser("A" * 32, "b" * 32) == EntityUser("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "b" * 32)
    with pytest.raises(ValueError, match="entity_id is a UUID of Monite, not 'acme'"):
        EntityUser("a" * 32, "acme")


# -- directories


def test_a_directory_is_a_function_a_mapping_or_an_object():
    person = ALICE_IN_MONITE
    for given_as in (lambda p: person, {"alice": person}, FixedDirectory({("alice", None): person})):
        directory = as_directory(given_as)
        assert directory.find(ALICE) == person
        assert asyncio.run(directory.afind(ALICE)) == person


def test_a_mapping_that_names_users_only_does_not_answer_for_a_tenant():
    directory = FixedDirectory({"alice": ALICE_IN_MONITE, ("bob", "t"): ALICE_IN_MONITE})
    assert directory.find(Principal("alice", tenant="t")) is None
    assert directory.find(Principal("bob", tenant="t")) == ALICE_IN_MONITE
    assert directory.find(Principal("bob")) is None


def test_an_async_directory_serves_event_loops_and_says_so_to_threads():
    async def find(principal):
        return ALICE_IN_MONITE

    class Asked:
        async def __call__(self, principal):
            return ALICE_IN_MONITE

    for directory in (as_directory(find), as_directory(Asked())):
        assert asyncio.run(directory.afind(ALICE)) == ALICE_IN_MONITE
        with pytest.raises(errors.BlockingCallError, match="atoken"):
            directory.find(ALICE)


def test_a_plain_function_does_not_block_the_event_loop():
    threads = []
    directory = as_directory(lambda p: threads.append(threading.get_ident()))
    asyncio.run(directory.afind(ALICE))
    assert threads != [threading.get_ident()]


def test_anything_else_is_no_directory():
    with pytest.raises(errors.ConfigurationError, match="directory is a function"):
        as_directory("alice")


# -- secrets and tokens


def test_a_secret_shows_itself_to_reveal_only():
    secret = Secret("hush")
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>10}",
        "%s %r" % (secret, secret),
        repr({"s": secret}),
    ]
    assert not [text for text in shown if "hush" in text]
    assert secret.reveal() == "hush"
    for dump in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            dump(secret)


def test_secrets_compare():
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("ü")}) == 2
    assert not Secret("")


@given(life=st.floats(6, 366 * 24 * 3600), jitter=st.floats(0, 1))
def test_a_token_is_renewed_in_the_last_fifth_of_its_life_or_half_a_minute_before_its_end(life, jitter):
    token = AccessToken.granted(Secret("t"), life=life, sent_at=1000.0, jitter=jitter, clock=lambda: 1000.0)
    ahead = token.expires_at - token.renew_at
    assert token.expires_at == pytest.approx(1000 + life - 5)
    assert token.issued_at <= token.renew_at <= token.expires_at
    assert ahead <= token.life / 2 + 1e-6
    if token.life >= 200:
        assert 0.18 * token.life - 1e-6 <= ahead <= 0.22 * token.life + 1e-6 or ahead == pytest.approx(30)
    elif token.life >= 60:
        assert ahead >= 30 - 1e-6


@pytest.mark.parametrize(
    ("changes", "expires_at", "renewal_is_ahead"),
    [
        ({}, 995, 199),
        ({"expiry_margin": 1}, 999, 199.8),
        ({"renewal_share": 0.5}, 995, 497.5),
        ({"renewal_jitter": 1}, 995, 398),
        ({"renewal_margin": 300}, 995, 300),
        ({"renewal_share": 0.001, "renewal_margin": 0}, 995, 0.995),
    ],
)
def test_when_a_token_is_renewed_and_no_longer_used_can_be_set(changes, expires_at, renewal_is_ahead):
    timing = TokenTiming(renewal_jitter=0)._replace(**changes)
    token = AccessToken.granted(Secret("t"), life=1000, sent_at=0, jitter=1, timing=timing)
    assert token.expires_at == expires_at
    assert token.expires_at - token.renew_at == pytest.approx(renewal_is_ahead)


def test_a_token_knows_its_header_and_hides_its_value():
    token = AccessToken.granted(Secret("hush"), life=1800, sent_at=1000.0, jitter=0.5, clock=lambda: 1795.0)
    assert token.authorization == "Bearer hush"
    assert token.expires_in == 1000
    assert "hush" not in repr(token)
    assert re.fullmatch("[0-9a-f]{16}", token.fingerprint)


def test_the_clock_passes_and_does_not_jump():
    first, second = steady_clock(), steady_clock()
    assert first <= second < first + 60


# -- errors


def subclasses(kind):
    """Every class below `kind`, at any depth."""
    return [below for child in kind.__subclasses__() for below in (child, *subclasses(child))]


def test_the_tree_at_the_top_of_errors_is_true():
    drawn = dict(re.findall(r"[├└]── (\w+) +(\d{3})", errors.__doc__))
    kinds = {kind.__name__: kind for kind in subclasses(errors.MoniteAuthError)}
    assert drawn == {name: str(kind.status_hint) for name, kind in kinds.items()}
    assert sorted([*kinds, "MoniteAuthError"]) == errors.__all__
    assert len({kind.code for kind in kinds.values()}) == len(kinds)


def test_an_error_quotes_monites_request_id():
    error = errors.MoniteUnavailable("Monite did not answer.", request_id="req-7", retry_after=2)
    assert str(error) == "Monite did not answer. (Monite request req-7)"
    assert (error.request_id, error.retry_after) == ("req-7", 2)


EVERY_KIND = [
    *(
        kind("a fact", request_id="req-7", retry_after=2)
        for kind in subclasses(errors.MoniteAuthError)
        if kind.__init__ is errors.MoniteAuthError.__init__
    ),
    errors.ConfigurationError("client_id is missing.", "api_version is a date."),
    errors.InvalidRole("There is no such action.", role="Clerk"),
    errors.EntityUserRejected(
        "Monite says no.", monite_status=409, monite_message="Gone.", request_id="req-7"
    ),
    errors.ProvisioningFailed("Monite says no.", fields=("login",), monite_status=400),
    errors.StoreUnavailable("It is down.", retry_after=1, part="a node"),
    errors.StoreReadOnly("It is full.", part="a node"),
]


@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("error", EVERY_KIND, ids=lambda error: type(error).__name__)
def test_an_error_of_a_job_arrives_in_another_process_as_it_was_raised(error, again):
    error.add_note("In the job of 8 o'clock.")
    made = again(error)
    assert (type(made), str(made), vars(made)) == (type(error), str(error), vars(error))


def test_every_kind_of_error_can_be_sent_to_another_process():
    assert {type(error) for error in EVERY_KIND} == {*subclasses(errors.MoniteAuthError)}
