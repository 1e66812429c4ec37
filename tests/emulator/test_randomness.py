"""A seed makes ids, tokens and times the same in every run."""

from datetime import datetime

from monite_auth.emulator import ANNA_ID, BAKERY_ID, Fault, Monite
from tests.emulator.conftest import Api


def story(monite):
    """Return what clients see of a few calls."""
    api = Api(monite)
    token = api.token(ANNA_ID)
    bill = api.call("POST", "/payables", token, BAKERY_ID, json={"currency": "EUR"})
    monite.faults.add(Fault(kind="status", probability=0.5))
    luck = [api.call("GET", "/entity_users/me", token).status_code for _ in range(20)]
    return token, bill.json(), bill.headers["x-request-id"], bill.headers["date"], luck


def test_two_runs_with_a_seed_have_the_same_ids_tokens_and_times():
    assert story(Monite(random_seed=7)) == story(Monite(random_seed=7))


def test_another_seed_and_none_have_others():
    stories = [story(Monite(random_seed=seed)) for seed in (7, 8, None, None)]
    assert len({token for token, *_ in stories}) == 4
    assert len({bill["id"] for _, bill, *_ in stories}) == 4
    assert len({request_id for _, _, request_id, *_ in stories}) == 4


def test_a_reset_begins_again_with_a_seed_and_repeats_nothing_without_one():
    seeded, other = Monite(random_seed=7), Monite()
    first = [story(monite) for monite in (seeded, other)]
    for monite in (seeded, other):
        monite.reset()
    assert story(seeded) == first[0]
    assert story(other)[0] != first[1][0]


def test_the_clock_stands_still_at_the_beginning_until_it_is_unfrozen():
    monite = Monite(random_seed=7)
    assert monite.clock.now() == datetime.fromisoformat("2026-01-01T12:00:00Z").timestamp()
    assert monite.clock.is_frozen
    monite.clock.unfreeze()
    monite.reset()
    assert monite.clock.is_frozen


def test_ids_do_not_depend_on_how_many_tokens_were_minted_before():
    one, other = Monite(random_seed=7), Monite(random_seed=7)
    one.mint(None, "client")
    assert one.new_id() == other.new_id()
