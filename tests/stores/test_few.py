"""A few records without a dictionary of their own behave as a dictionary does that is in the order of putting."""

from dataclasses import dataclass
from itertools import product

from monite_auth.stores.memory import few
from monite_auth.stores.memory.few import NOTHING, Few, Record


@dataclass(frozen=True)
class Named(Record):
    key: str
    number: int = 0


STEPS = [("put", "a"), ("put", "b"), ("put", "c"), ("remove", "a"), ("remove", "b")]


def test_they_hold_what_a_dictionary_holds():
    for steps in product(STEPS, repeat=4):
        held: Few[Named] = NOTHING
        meant: dict[str, Named] = {}
        for number, (step, key) in enumerate(steps):
            meant.pop(key, None)
            if step == "put":
                meant[key] = Named(key, number)
                held = few.put(held, meant[key])
            else:
                held = few.remove(held, key)
            assert [*held.values()] == [*meant.values()]
            assert [*reversed(held.values())] == [*reversed(meant.values())]
            assert len(held) == len(meant)
            assert [held.get(key) for key in "abc"] == [meant.get(key) for key in "abc"]


def test_one_takes_no_dictionary_and_neither_does_what_is_left_of_two():
    one, other = Named("a"), Named("b")
    assert few.put(NOTHING, one) is one
    assert few.remove(few.put(few.put(NOTHING, one), other), "b") is one
