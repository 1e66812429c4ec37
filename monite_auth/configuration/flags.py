"""Settings that are true or false."""

__all__ = ["parse_flag"]

_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off"}


def parse_flag(value: object) -> bool | None:
    """Return what a setting says, a bool or a word of an environment; None where it is neither true nor false."""
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _TRUE else False if word in _FALSE else None
    return value if isinstance(value, bool) else None
