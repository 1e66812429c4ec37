"""Settings that are numbers: their defaults, units and bounds, and what is wrong with a value."""

import math
from contextlib import suppress
from dataclasses import Field, field, fields
from typing import Any, NamedTuple

__all__ = ["is_number", "number", "number_problems", "parse_number"]

LONGEST = 3600
"""Seconds. A duration beyond an hour is a slip, such as milliseconds given as seconds, where a setting does not say otherwise."""


class Bounds(NamedTuple):
    """The bounds of one number: more than 0, or `allows_zero`, and at most `largest`."""

    largest: float
    unit: str
    allows_zero: bool

    def problem(self, name: str, value: object) -> str | None:
        """Return what is wrong with a value, or None."""
        unit = f" {self.unit}" if self.unit else ""
        if isinstance(value, bool) or not isinstance(value, int | float):
            kind = f"a number of {self.unit}" if self.unit else "a number"
            return f"{name} is {kind}, not {value!r}."
        fits = 0 <= value <= self.largest if self.allows_zero else 0 < value <= self.largest
        if math.isfinite(value) and fits:
            return None
        least = "at least 0" if self.allows_zero else "more than 0"
        return f"{name} is {least} and at most {self.largest:,g}{unit}, not {value!r}."


def number(
    default: float, *, largest: float = LONGEST, unit: str = "seconds", allows_zero: bool = False
) -> Any:
    """Return a dataclass field for a number with these bounds. `unit`: its plural, or "" for a part of something."""
    return field(default=default, metadata={"bounds": Bounds(largest, unit, allows_zero)})


def is_number(setting: "Field[Any]") -> bool:
    """Return whether a dataclass field is one of `number`."""
    return "bounds" in setting.metadata


def parse_number(text: object) -> object:
    """Return the number that a text of an environment holds; anything else as it is, for `number_problems` to tell."""
    if isinstance(text, str):
        with suppress(ValueError):
            return float(text)
    return text


def number_problems(settings: Any) -> list[str]:
    """Return what is wrong with the numbers of a dataclass object."""
    problems = (
        each.metadata["bounds"].problem(each.name, getattr(settings, each.name))
        for each in fields(settings)
        if is_number(each)
    )
    return [each for each in problems if each is not None]
