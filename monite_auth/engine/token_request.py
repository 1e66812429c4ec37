"""What a caller wants a token for: the values that go together from the first wait down to the mint."""

from typing import NamedTuple

from monite_auth.identity import Subject
from monite_auth.stores import Slot

__all__ = ["TokenRequest"]


class TokenRequest(NamedTuple):
    """A token for `subject`, in `slot`, with at least `min_life` seconds left, wanted by `deadline` (epoch seconds)."""

    slot: Slot
    subject: Subject
    min_life: float
    deadline: float
