"""What the check commands of all adapters say, and what they find."""

from dataclasses import replace

import pytest

from monite_auth import EntityUser, SecurityModel, TokenBroker, errors
from monite_auth.adapter.setup_check import check_setup, check_user
from monite_auth.emulator import ANNA_ID, BAKERY_ID, BOOKS_ID, VIKTOR_ID, Fault

NOBODY = "0f0f0f0f-0000-4000-8000-000000000000"


@pytest.fixture
def broker_of(emulated):
    """Make brokers that know Anna as the entity user that is given."""
    brokers = []

    def make(*ids, **settings):
        brokers.append(TokenBroker(replace(emulated, **settings), {"anna": EntityUser(*ids)}))
        return brokers[-1]

    yield make
    for each in brokers:
        each.close()


def test_the_setup_is_right(broker_of):
    broker = broker_of(ANNA_ID, BAKERY_ID)
    said = list(check_setup(broker))
    assert said[0].startswith(f"Monite: {broker.settings.base_url}")
    assert said[1:] == [
        "Tokens: memory, and the store answers; each process has its own",
        "Monite accepts the client ID and secret; its tokens live 30 minutes.",
        "Monite answers in this version of its API.",
        "This machine's clock and Monite's agree within 5 s.",
        "Monite's request limit is 100000/s.",
    ]


def test_a_store_that_does_not_answer_is_found_before_monite_is_asked(broker_of, emulator):
    broker = broker_of(ANNA_ID, BAKERY_ID, store_url="redis://127.0.0.1:1/0", deadline=1)
    with pytest.raises(errors.StoreUnavailable):
        list(check_setup(broker))
    assert emulator.monite.ledger.tokens == []


def test_credentials_that_monite_refuses_are_found(broker_of):
    with pytest.raises(errors.CredentialsRejected):
        list(check_setup(broker_of(ANNA_ID, BAKERY_ID, client_secret="another")))


@pytest.mark.parametrize("model", SecurityModel)
def test_a_user_who_fits_is_right(broker_of, model):
    said = list(check_user(broker_of(ANNA_ID, BAKERY_ID, security_model=model), "anna"))
    assert len(said) == 2


def test_an_entity_alone_is_enough_where_the_partner_manages_people(broker_of):
    model = SecurityModel.PARTNER_MANAGED
    assert list(check_user(broker_of(None, BAKERY_ID, security_model=model), "anna"))[-1] == (
        "Monite knows the entity."
    )
    with pytest.raises(errors.ConfigurationError, match="there is no entity"):
        list(check_user(broker_of(None, NOBODY, security_model=model), "anna"))


@pytest.mark.parametrize("model", SecurityModel)
def test_two_ids_that_are_swapped_are_said_to_be(broker_of, model):
    with pytest.raises(errors.ConfigurationError, match="are the two ids swapped"):
        list(check_user(broker_of(BAKERY_ID, ANNA_ID, security_model=model), "anna"))


@pytest.mark.parametrize("model", [SecurityModel.MONITE_MANAGED, SecurityModel.MIXED])
def test_another_entity_than_the_users_is_found(broker_of, model):
    with pytest.raises(errors.ConfigurationError, match=BOOKS_ID):
        list(check_user(broker_of(ANNA_ID, BOOKS_ID, security_model=model), "anna"))


def test_a_user_whom_monite_does_not_know_is_found(broker_of):
    with pytest.raises(errors.EntityUserRejected, match=NOBODY):
        list(check_user(broker_of(NOBODY, BAKERY_ID), "anna"))
    with pytest.raises(errors.NotLinked):
        list(check_user(broker_of(ANNA_ID, BAKERY_ID), "viktor"))


def test_a_call_that_breaks_off_or_fails_is_told_without_the_token(broker_of, emulator):
    broker = broker_of(ANNA_ID, BAKERY_ID)
    for fault in ({"kind": "status", "status": 500}, {"kind": "cut_before"}, {"kind": "invalid_json"}):
        order = emulator.monite.faults.add(Fault(path="/entity_users/me", **fault))
        with pytest.raises(errors.MoniteUnavailable) as caught:
            list(check_user(broker, "anna"))
        assert caught.value.__cause__ is None
        emulator.monite.faults.remove(order.id)


def test_the_check_leaves_no_token_of_its_own_behind(broker_of, emulator):
    broker = broker_of(ANNA_ID, BAKERY_ID, token_scope="session")
    list(check_user(broker, "anna"))
    broker.close()
    assert not emulator.monite.ledger.live(ANNA_ID)
    assert VIKTOR_ID not in {token.entity_user_id for token in emulator.monite.ledger.tokens}
