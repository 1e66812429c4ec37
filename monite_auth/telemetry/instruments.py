"""All metrics by name, with kind, unit and description: docs/telemetry.md and the dashboard are compared with this table."""

from typing import Literal, NamedTuple

__all__ = ["INSTRUMENTS", "Instrument"]

Kind = Literal["counter", "observed counter", "up-down counter", "gauge", "histogram"]


class Instrument(NamedTuple):
    """A metric. `unit`: UCUM, so that seconds are "s", and what is counted stands in braces."""

    kind: Kind
    unit: str
    description: str
    attributes: tuple[str, ...] = ()


INSTRUMENTS = {
    "monite_auth.token.hits": Instrument(
        "observed counter", "{call}", "Calls that found a valid token in the store."
    ),
    "monite_auth.token.stale_hits": Instrument(
        "observed counter", "{call}", "Those of them whose token was due for renewal."
    ),
    "monite_auth.token.wait.duration": Instrument(
        "histogram", "s", "How long callers waited for a mint, by outcome.", ("outcome",)
    ),
    "monite_auth.mint.duration": Instrument(
        "histogram", "s", "Attempts to mint a token, by outcome.", ("outcome",)
    ),
    "monite_auth.mint.committed": Instrument(
        "counter", "{token}", "New tokens, by what the store did with them.", ("outcome",)
    ),
    "monite_auth.mint.cooldowns": Instrument(
        "counter", "{cooldown}", "Failures that keep others from minting for a while.", ("code", "reach")
    ),
    "monite_auth.renewals": Instrument(
        "counter", "{renewal}", "Renewals in the background, by outcome.", ("outcome",)
    ),
    "monite_auth.revocations": Instrument(
        "counter", "{attempt}", "Attempts to revoke a token, by outcome.", ("outcome",)
    ),
    "monite_auth.revocations.pending": Instrument(
        "gauge", "{token}", "Revocations that are pending in the store."
    ),
    "monite_auth.revocations.pending.age": Instrument(
        "gauge", "s", "How long the oldest of them has been pending."
    ),
    "monite_auth.endings": Instrument(
        "counter", "{ending}", "Endings of sessions and tokens, by reach.", ("reach",)
    ),
    "monite_auth.calls.refused": Instrument("counter", "{call}", "Calls that the person may not make."),
    "monite_auth.budget.wait.duration": Instrument(
        "histogram", "s", "Waits for a turn in the request budget, by priority.", ("priority",)
    ),
    "monite_auth.hold.duration": Instrument(
        "histogram", "s", "Pauses that Monite asked for, by reason.", ("reason",)
    ),
    "monite_auth.store.failures": Instrument(
        "counter", "{failure}", "Times that the shared store did not answer."
    ),
    "monite_auth.store.wait.duration": Instrument(
        "histogram", "s", "Operations of a shared store that took 10 ms or more, by name.", ("operation",)
    ),
    "monite_auth.store.degraded_answers": Instrument(
        "counter", "{call}", "Callers that were served, or refused, without the store.", ("answer",)
    ),
    "monite_auth.journal.length": Instrument(
        "up-down counter", "{change}", "Logouts and other changes that the store has not heard of."
    ),
    "monite_auth.events.dropped": Instrument("counter", "{event}", "Events for auditors that were lost."),
}
"""What is measured, over all brokers of a process."""
