"""Options of an emulator in Python: those that cannot be are refused at once, with what they can be."""

import json
import math
import sys

import pytest

from monite_auth.emulator import Clock, Monite
from monite_auth.testing import LocalMonite

SETTINGS = {
    "token_life": ["60", None, True, math.nan, math.inf, -1, 0, 1e300, 10**400],
    "requests_per_second": ["7", None, True, 2.5, 0, -1],
    "limit_window": ["leaking", None, 1],
    "dead_token_status": [200, 500, "401", 401.0, None, True],
}
OPTIONS = SETTINGS | {
    "random_seed": ["abc", 1.5, True],
    "seed": ["world.yaml", None, 1],
    "tokens_kept": ["1", -1, 1.5, None, 10**30],
    "requests_kept": ["1", -1, 1.5, None, 10**30],
}
CAN_BE = {
    "token_life": "a number of seconds, more than 0 and at most 1000000000000",
    "requests_per_second": "a whole number, at least 1 (a fault can refuse everything)",
    "limit_window": "'fixed' or 'sliding'",
    "dead_token_status": "a status from 400 to 499, such as 401",
    "random_seed": "a whole number or None",
    "seed": "True, False, the pathlib.Path of a seed file, or a mapping",
    "tokens_kept": "a whole number, at least 0",
    "requests_kept": "a whole number, at least 0",
}


def cases(options):
    each = [(name, value) for name, values in options.items() for value in values]
    return pytest.mark.parametrize(("name", "value"), each, ids=lambda case: str(case)[:20])


def sentence(name, value):
    return f"{name} is {CAN_BE[name]}, and not {value!r}"


@pytest.mark.parametrize("make", [Monite, LocalMonite])
@cases(OPTIONS)
def test_an_option_that_cannot_be_is_refused_at_once(make, name, value):
    with pytest.raises(ValueError, match=r"\A") as refused:
        make(**{name: value})
    assert str(refused.value) == sentence(name, value)


@cases(SETTINGS)
def test_a_setting_that_cannot_be_is_refused_later_too_and_changes_nothing(monite, name, value):
    before = monite.settings
    with pytest.raises(ValueError, match=r"\A") as refused:
        setattr(monite, name, value)
    assert str(refused.value) == sentence(name, value)
    others = {"token_life": 7, "requests_per_second": 7, "limit_window": "sliding", "dead_token_status": 403}
    with pytest.raises(ValueError, match=f"{name} is "):
        monite.settings = others | {name: value}
    assert monite.settings == before


@pytest.mark.parametrize(
    "options",
    [
        {"token_life": 0.05, "requests_per_second": 1, "limit_window": "sliding", "dead_token_status": 400},
        {
            "token_life": 10**12,
            "requests_per_second": 10**30,
            "dead_token_status": 403,
            "random_seed": -(10**30),
        },
        {"tokens_kept": 0, "requests_kept": 0, "seed": {"partners": [{}]}},
        {"tokens_kept": sys.maxsize, "requests_kept": sys.maxsize, "seed": False},
    ],
)
def test_the_snapshot_of_whatever_can_be_is_taken_back(options):
    monite = Monite(clock=Clock(lambda: 1000.0), **options)
    monite.mint(None, "client")
    before = monite.snapshot()
    assert before == json.loads(json.dumps(before)) | monite.settings
    monite.restore(before)
    assert monite.snapshot() == before
