"""What this process knows of Monite without asking it, for `broker.health()`."""

from monite_auth.telemetry import facts
from monite_auth.telemetry.facts import Fact

__all__ = ["Vitals"]


class Vitals:
    """The last things that one broker was told: plain values, replaced as a whole.

    `monite`: how the last attempt to mint ended (see MintTried), or None before the first.
    """

    def __init__(self) -> None:
        self.monite: str | None = None

    def tell(self, fact: Fact) -> None:
        """Remember what health needs."""
        if isinstance(fact, facts.MintTried):
            self.monite = fact.outcome
