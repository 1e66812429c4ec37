"""The exception for a broken promise."""

__all__ = ["Violation"]


class Violation(Exception):
    """A promise was broken. `check` names it."""

    def __init__(self, check: str, what: str) -> None:
        super().__init__(check, what)
        self.check = check

    def __str__(self) -> str:
        return "[{}] {}".format(*self.args)
