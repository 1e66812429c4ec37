"""What an application's pages may do at most: words such as `counterpart` or `payable.read`."""

import re

from monite_auth.monite_api.vocabulary import ObjectType, member, parse_permission

__all__ = ["parse_allowed"]


def parse_allowed(given: object) -> tuple[str, ...]:
    """Return the words, checked. `given`: a text with spaces or commas between them, or a collection of them.

    Raises ValueError for a wrong word, and suggests the nearest right one.
    """
    if isinstance(given, str):
        words = re.split(r"[\s,]+", given.strip())
    elif isinstance(given, tuple | list | set | frozenset) and all(isinstance(each, str) for each in given):
        words = sorted(given) if isinstance(given, set | frozenset) else list(given)
    else:
        raise ValueError(f"{given!r} is no text, and no list of words.")
    return tuple([_checked(word) for word in words if word])


def _checked(word: str) -> str:
    object_type, dot, action = word.partition(".")
    if not dot:
        return str(member(ObjectType, object_type))
    kind, what = parse_permission(object_type, action)
    return f"{kind}.{what}"
