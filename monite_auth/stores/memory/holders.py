"""Which places hand out a token: more than one where Monite has given the same again."""

from monite_auth.stores.memory.users import Place
from monite_auth.tokens import AccessToken

__all__ = ["Holders"]


class Holders:
    """Finds the places that hand a token out by the token's text, which the token has anyway. Called with the lock held."""

    def __init__(self) -> None:
        self._by_text: dict[str, Place | dict[Place, None]] = {}

    def add(self, place: Place, token: AccessToken) -> None:
        """Note that `place` hands `token` out."""
        text = token.value.reveal()
        others = self._by_text.get(text)
        if others is None or others is place:
            self._by_text[text] = place
        elif isinstance(others, dict):
            others[place] = None
        else:
            self._by_text[text] = {others: None, place: None}

    def remove(self, place: Place, token: AccessToken) -> None:
        """Note that `place` does not hand `token` out any more, if it did."""
        text = token.value.reveal()
        holders = self._by_text.get(text)
        if isinstance(holders, dict):
            holders.pop(place, None)
        if not holders or holders is place:
            self._by_text.pop(text, None)

    def of(self, token: AccessToken) -> list[Place]:
        """Return the places that hand out this token's text, in the order in which they began to."""
        holders = self._by_text.get(token.value.reveal(), {})
        return [*holders] if isinstance(holders, dict) else [holders]

    def clear(self) -> None:
        """Note that no place hands anything out."""
        self._by_text.clear()
