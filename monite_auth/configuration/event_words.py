"""Where events for auditors go: the words of the setting `events`."""

import re

__all__ = ["EVENT_WORDS", "parse_event_words"]

EVENT_WORDS = ("log", "otel")
"""The sinks that a word can name. Functions are given to the broker."""


def parse_event_words(given: object) -> tuple[str, ...]:
    """Return the words, each once. `given`: a text with spaces or commas between them, or a collection of them.

    Raises ValueError for a wrong word.
    """
    if isinstance(given, str):
        words = [each for each in re.split(r"[\s,]+", given) if each]
    elif isinstance(given, tuple | list | set | frozenset) and all(isinstance(each, str) for each in given):
        words = sorted(given) if isinstance(given, set | frozenset) else list(given)
    else:
        raise ValueError(f"no words: {given!r}.")
    for word in words:
        if word not in EVENT_WORDS:
            raise ValueError(f"{word!r} in it: it is one of {', '.join(EVENT_WORDS)}, or both.")
    return tuple(dict.fromkeys(words))
