"""Statements: their text, and what their columns hold. They are prepared under names that follow from their texts.

So a name means the same statement on every connection. That matters behind a pooler that gives each transaction another connection,
with other clients' prepared statements on it.
"""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["CHANNEL", "STORE_TIME", "Argument", "Row", "Statement", "function", "moments_of", "statement"]

Argument = str | bytes | float | bool | None
Row = tuple[Any, ...]

EPOCH = 946_684_800
"""PostgreSQL counts the microseconds since 2000-01-01, which is so many seconds after the epoch."""

CHANNEL = "monite_auth"
"""Where the names of slots are told whose mint is over (NOTIFY)."""

STORE_TIME = "(SELECT monite_auth.store_time($1, $2, $3))"
"""The store's time, in a query whose first arguments are as for a function of ours."""

_long = struct.Struct(">q").unpack
_longs = struct.Struct(">q").iter_unpack
_double = struct.Struct(">d").unpack


def _moment(value: bytes) -> float:
    (microseconds,) = _long(value)
    return EPOCH + int(microseconds) / 1_000_000


def _moments(value: bytes) -> list[float]:
    return [EPOCH + each / 1_000_000 for (each,) in _longs(value)]


def _real(value: bytes) -> float:
    (number,) = _double(value)
    return float(number)


def _number(value: bytes) -> int:
    return int.from_bytes(value, signed=True)


def _truth(value: bytes) -> bool:
    return value != b"\0"


DECODERS: dict[str, Callable[[bytes], Any]] = {
    "text": bytes.decode,
    "bytes": bytes,
    "moment": _moment,
    "moments": _moments,
    "number": _number,
    "real": _real,
    "truth": _truth,
    "nothing": lambda _: None,
}
"""What a column's bytes mean, in PostgreSQL's binary format. A moment is in seconds since the epoch. Moments are
several in one column, see `moments_of`."""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement. `patience`: how many of the store's timeouts it may take. `is_peek`: it goes over the lane of peeks."""

    name: bytes
    text: bytes
    columns: tuple[tuple[int, Callable[[bytes], Any]], ...]
    """The number of each column, and what decodes it."""
    patience: float = 1.0
    is_peek: bool = False


def statement(text: str, *columns: str, patience: float = 1.0, is_peek: bool = False) -> Statement:
    """Return a statement whose columns are of these kinds, by their names in DECODERS."""
    source = " ".join(text.split()).encode()
    digest = hashlib.sha256(source).hexdigest()[:20]
    decoders = tuple((number, DECODERS[each]) for number, each in enumerate(columns))
    return Statement(f"monite_auth_{digest}".encode(), source, decoders, patience, is_peek)


def moments_of(*moments: str) -> str:
    """Return the expression for several moments in one column. To read columns one by one takes as long as the rest of a hit."""
    return " || ".join(f"timestamptz_send({each})" for each in moments)


def function(name: str, arguments: int, *columns: str, patience: float = 1.0) -> Statement:
    """Return the statement that calls a function of ours with so many arguments."""
    places = ", ".join(f"${number + 1}" for number in range(arguments))
    return statement(f"SELECT * FROM monite_auth.{name}({places})", *columns, patience=patience)  # noqa: S608 - ours
