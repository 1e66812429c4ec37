"""What each script answers. Anything else was not said by our scripts about our records, and is an outage of the record.

Something else may have overwritten a record, a restore may have cut it, and a proxy may answer instead of Redis. Whoever unpacks an answer
relies on this, and on a record that it holds being checked by its seal.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from monite_auth.stores.redis.keyspace import SHARDS

__all__ = ["FOREIGN", "SET", "is_answer_of"]

FOREIGN = b"foreign"
"""A script's answer when its shard is not sealed with the data key that the caller has."""

SET = b"set"
"""A script's answer when the server's clock shows what the caller does not expect."""

Shape = Callable[[Any], bool]

MOMENT = 8
"""Bytes of a time, packed."""

HELD = re.compile(rb".{8}\d{1,2}\.[\w-]+", re.DOTALL)
"""What `lua/hold_value.lua` writes for a place: a time, and the shard and name of its user."""


def _is_text(answer: Any) -> bool:
    return isinstance(answer, bytes)


def _is_name(answer: Any) -> bool:
    return isinstance(answer, bytes) and answer.isascii()


def _is_number(answer: Any) -> bool:
    """Say whether it is written as `text` in `lua/common.lua` writes a number, or as a whole one."""
    try:
        return isinstance(answer, bytes) and math.isfinite(float(answer))
    except ValueError:
        return False


def _is_ago(answer: Any) -> bool:
    """Say whether it is a number, or nothing."""
    return _is_number(answer) or answer == b""


def _is_count(answer: Any) -> bool:
    return isinstance(answer, int)


def _is_shard(answer: Any) -> bool:
    return isinstance(answer, int) and 0 <= answer < SHARDS


def _is_nothing(answer: Any) -> bool:
    return answer is None


def _is_held(answer: Any) -> bool:
    return isinstance(answer, bytes) and HELD.fullmatch(answer) is not None and _shard_of(answer) < SHARDS


def _shard_of(held: bytes) -> int:
    return int(held[MOMENT:].partition(b".")[0])


def _word(*words: bytes) -> Shape:
    return lambda answer: isinstance(answer, bytes) and answer in words


def _either(*shapes: Shape) -> Shape:
    return lambda answer: any(each(answer) for each in shapes)


def _row(*shapes: Shape) -> Shape:
    """Return the shape of a list with exactly these."""
    return lambda answer: (
        isinstance(answer, list)
        and len(answer) == len(shapes)
        and all(shape(each) for shape, each in zip(shapes, answer, strict=True))
    )


def _rows(*shapes: Shape) -> Shape:
    """Return the shape of a list with these, any number of times."""
    return lambda answer: (
        isinstance(answer, list)
        and len(answer) % len(shapes) == 0
        and all(shapes[index % len(shapes)](each) for index, each in enumerate(answer))
    )


def _first(first: Shape, others: Shape) -> Shape:
    """Return the shape of a list that begins with one thing, and goes on with others."""
    return lambda answer: (
        isinstance(answer, list) and bool(answer) and first(answer[0]) and others(answer[1:])
    )


def _is_peeked(answer: Any) -> bool:
    """Say whether it is what `lua/peek.lua` answers. This is the hot path."""
    return answer is None or _is_token(answer) or answer == FOREIGN


def _is_token(answer: Any) -> bool:
    """Say whether `split_answer` can split it."""
    return isinstance(answer, bytes) and len(answer) > MOMENT


_of_a_user = _word(FOREIGN, SET)
_of_shards = _row(_of_a_user, _is_shard)

ANSWERS: dict[str, Shape] = {
    "abandon": _either(_is_count, _of_a_user),
    "account": _row(_either(_is_nothing, _is_text), _rows(_is_name, _is_text), _rows(_is_name)),
    "adopt": _row(_either(_is_nothing, _is_text), _is_text),
    "backlog": _is_count,
    "begin": _either(_is_count, _of_a_user),
    "budget": _row(_is_count, _is_number, _is_ago),
    "claim": _either(
        _row(_word(b"claimed", b"ended", b"old")),
        _row(_word(b"hit"), _is_text, _is_number),
        _row(_word(b"busy"), _is_number),
        _row(_word(b"cooldown"), _is_number, _is_text, _word(b"everyone", b"place")),
        _of_a_user,
    ),
    "clock": _row(_is_number, _is_number),
    "commit": _either(lambda answer: answer in (0, 1, 2), _of_a_user),
    "condemn": _row(_is_count, _rows(_is_name, _is_held)),
    "cooldown": _is_count,
    "delete_note": _either(_is_count, _of_a_user),
    "discard": _either(_is_count, _of_a_user),
    "due": _either(
        _row(_is_number, _is_count, _is_ago, _rows(_is_shard, _is_text, _is_text)),
        _of_shards,
    ),
    "end": _either(_row(_is_count, _is_count), _of_a_user),
    "enqueue": _either(_is_count, _of_a_user),
    "envelope": _rows(_is_name, _is_text),
    "everything": _either(_row(_word(b"users"), _rows(_is_shard, _is_name)), _of_shards),
    "get_note": _either(_is_nothing, _is_text),
    "hold_value": _is_count,
    "holders": _rows(_is_count),
    "holds_value": _either(_is_count, _of_a_user),
    "info": _is_text,
    "live": _is_count,
    "overview": _row(_is_count, _is_ago),
    "peek": _is_peeked,
    "pending": _first(_is_number, _rows(_is_text, _is_text)),
    "peek_in_turn": _either(_is_nothing, _word(FOREIGN), _row(_is_token, _is_count, _is_number, _is_ago)),
    "postpone": _is_count,
    "put_note": _either(_is_count, _of_a_user),
    "release_value": _is_count,
    "remembered": _first(_is_ago, _rows(_row(_is_ago, _rows(_is_name), _rows(_is_name, _is_ago)))),
    "session_state": _word(b"alive", b"unknown", b"ended", b"old", FOREIGN, SET),
    "settle": _is_count,
    "status": _either(_row(_is_count, _is_number), _of_a_user),
    "take": _either(_is_count, _of_a_user),
    "users": _row(_is_count, _rows(_is_shard, _is_name)),
}


def is_answer_of(script: str, answer: Any) -> bool:
    """Say whether this is something that a script answers."""
    return ANSWERS[script](answer)
