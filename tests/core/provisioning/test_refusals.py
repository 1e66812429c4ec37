"""What Monite refuses while it provisions is an error that names the field, and the next call recovers."""

from dataclasses import replace

import pytest

from monite_auth import errors
from monite_auth.emulator import Fault
from monite_auth.provisioning import ProvisioningDirectory
from tests.core.provisioning.app import CAFE, NINA, PROFILE, everything, users


def test_an_error_about_a_taken_login_names_the_field_without_the_value(app, monite, call):
    call(app.directory, "find", NINA)
    app.change(login="anna.becker")
    with pytest.raises(
        errors.ProvisioningFailed, match=r"refuses to change login of the entity user \(400"
    ) as caught:
        call(app.directory, "find", NINA)
    assert (caught.value.fields, caught.value.monite_status) == (("login",), 400)
    assert caught.value.request_id in str(caught.value)
    assert "anna" not in str(caught.value)


def test_an_error_about_a_malformed_address_names_the_field_without_the_value(app, monite, call):
    app.change(email="nina at home")
    before = everything(monite)
    with pytest.raises(errors.ProvisioningFailed, match="create an entity user") as caught:
        call(app.directory, "find", NINA)
    assert (caught.value.fields, caught.value.monite_status) == (("email",), 422)
    assert "at home" not in str(caught.value)
    assert everything(monite) == before


def test_a_field_of_an_entity_is_named_as_one(app, call):
    app.change(entity=replace(CAFE, address={**CAFE.address, "country": "Germany", "city": ""}))
    with pytest.raises(errors.ProvisioningFailed, match="create the entity") as caught:
        call(app.directory, "find", NINA)
    assert set(caught.value.fields) == {"entity.address.country", "entity.address.city"}


def test_an_error_about_a_missing_entity_names_the_field(app, call):
    app.change(entity="e0000000-0000-4000-8000-00000000dead")
    with pytest.raises(errors.ProvisioningFailed, match="There is no entity") as caught:
        call(app.directory, "find", NINA)
    assert caught.value.fields == ("entity",)


def test_the_error_of_a_mint_is_the_error_of_the_directory(app, call):
    app.change(role="missing")
    with pytest.raises(errors.ProvisioningFailed):
        call(app.broker, "token", NINA)
    app.change(role="Viewer")
    call(app.broker, "relink", "nina")  # or a moment later
    assert call(app.broker, "token", NINA)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 500}, errors.MoniteUnavailable),
        ({"kind": "status", "status": 503}, errors.MoniteUnavailable),
        ({"kind": "status", "status": 408}, errors.MoniteUnavailable),
        ({"kind": "cut_before"}, errors.MoniteUnavailable),
        ({"kind": "truncated"}, errors.MoniteUnavailable),
        ({"kind": "invalid_json"}, errors.MoniteUnavailable),
        ({"kind": "wrong_fields"}, errors.MoniteUnavailable),
        ({"kind": "wrong_fields", "body": {"data": [{"id": "7"}]}}, errors.MoniteUnavailable),
        ({"kind": "wrong_fields", "body": {"data": ["x"]}}, errors.MoniteUnavailable),
        ({"kind": "dead_token", "status": 401}, errors.CredentialsRejected),
        ({"kind": "status", "status": 403}, errors.ProvisioningFailed),
    ],
)
@pytest.mark.parametrize("path", ["/roles", "/entity_users"])
def test_each_failure_has_its_error_and_the_next_call_recovers(app, monite, call, fault, error, path):
    order = monite.faults.add(Fault(path=path, **fault))
    with pytest.raises(error) as caught:
        call(app.directory, "find", NINA)
    assert caught.value.__cause__ is None
    assert not any(word in str(caught.value) for word in ("Nina", "nina@", "user-7"))
    monite.faults.remove(order.id)
    call(app.directory, "find", NINA)
    assert len(users(monite)) == 1


def test_a_dead_partner_token_is_replaced(app, monite, call):
    monite.faults.add(Fault(kind="dead_token", path="/entity_users", times=1))
    call(app.directory, "find", NINA)
    assert len(users(monite)) == 1


def test_promise_8_a_429_makes_all_wait_as_long_as_monite_says(app, monite, call):
    monite.faults.add(Fault(kind="throttle", path="/roles", retry_after=1, times=1))
    call(app.directory, "find", NINA)
    assert len(users(monite)) == 1


def test_promise_8_a_wait_beyond_the_deadline_is_an_error_that_says_how_long(app, monite, call):
    monite.faults.add(Fault(kind="throttle", path="/roles", retry_after=60))
    with pytest.raises(errors.RateLimited, match="look for the role 'Viewer'") as caught:
        call(app.directory, "find", NINA)
    assert caught.value.retry_after == pytest.approx(60, abs=2)


def test_a_directory_without_a_broker_says_so(call):
    with pytest.raises(errors.ConfigurationError, match="give it to a TokenBroker"):
        call(ProvisioningDirectory(lambda _principal: PROFILE), "find", NINA)


def test_a_refusal_cools_down_and_every_caller_gets_the_same_error(app, emulator):
    app.change(role="missing")
    refused = []
    for _ in range(3):
        with pytest.raises(errors.ProvisioningFailed, match="no role 'missing'") as caught:
            app.broker.token(NINA)
        refused.append((caught.value.fields, caught.value.monite_status))
    assert refused == [(("role",), 0)] * 3
    assert 0 < caught.value.retry_after <= 2
    before = len(emulator.monite.ledger.tokens)
    app.change(role="Viewer")
    app.broker.relink("nina")  # it has been mended
    app.broker.token(NINA)
    assert len(emulator.monite.ledger.tokens) == before + 1
