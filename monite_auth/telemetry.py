"""What happened, as numbers: OpenTelemetry metrics, where the `otel` extra is installed, else nothing.

No attribute names a user, and none can hold a token: outcomes come from short fixed lists.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opentelemetry import metrics

__all__ = ["Silence", "Telemetry", "telemetry"]


class Telemetry(Protocol):
    """Counts what the flows do."""

    def minted(self, outcome: str, seconds: float) -> None:
        """One attempt to mint is over. Outcomes: granted, unusable, refused, astray, badcredentials, throttled, fault."""

    def revoked(self, outcome: str) -> None:
        """One attempt to revoke is over. Outcomes: revoked, gone, refused, badcredentials, throttled, fault."""

    def ended(self, reach: str) -> None:
        """Tokens were taken away. Reaches: session, user, relink, partner, token, everything."""

    def store_failed(self) -> None:
        """The shared store did not answer."""

    def owed(self, by: int) -> None:
        """The number of operations that the shared store has still to hear of has changed `by` so many."""


class Silence:
    """Counts nothing."""

    def minted(self, outcome: str, seconds: float) -> None:
        """Do nothing."""

    def revoked(self, outcome: str) -> None:
        """Do nothing."""

    def ended(self, reach: str) -> None:
        """Do nothing."""

    def store_failed(self) -> None:
        """Do nothing."""

    def owed(self, by: int) -> None:
        """Do nothing."""


def telemetry() -> Telemetry:
    """Return the process's telemetry."""
    try:
        from opentelemetry import metrics  # noqa: PLC0415 - an extra
    except ImportError:
        return Silence()
    return _Metrics(metrics.get_meter("monite_auth"))


class _Metrics:
    def __init__(self, meter: "metrics.Meter") -> None:
        self._mints = meter.create_histogram(
            "monite_auth.mint.duration", unit="s", description="Attempts to mint a token, by outcome."
        )
        self._revocations = meter.create_counter(
            "monite_auth.revocations", description="Attempts to revoke a token, by outcome."
        )
        self._store_failures = meter.create_counter(
            "monite_auth.store.failures", description="Times that the shared store did not answer."
        )
        self._journal = meter.create_up_down_counter(
            "monite_auth.journal.length",
            description="Logouts and other changes that the store has not heard of.",
        )
        self._endings = meter.create_counter("monite_auth.endings", description="Logouts, by reach.")

    def minted(self, outcome: str, seconds: float) -> None:
        self._mints.record(seconds, {"outcome": outcome})

    def revoked(self, outcome: str) -> None:
        self._revocations.add(1, {"outcome": outcome})

    def ended(self, reach: str) -> None:
        self._endings.add(1, {"reach": reach})

    def store_failed(self) -> None:
        self._store_failures.add(1)

    def owed(self, by: int) -> None:
        self._journal.add(by)
