"""Measures a call to Monite with the token attached against the same call with a fixed header."""

import httpx

from benchmarks.ground import Ground
from benchmarks.people import ANNA, broker_for
from benchmarks.report import Report
from benchmarks.timing import microseconds

__all__ = ["run"]


class Nowhere(httpx.BaseTransport):
    """Answers without a network, so that only httpx and monite-auth are measured."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer at once."""
        return httpx.Response(200, request=request)


def run(ground: Ground, report: Report) -> None:
    """Print the cost of the token on top of httpx."""
    with broker_for(ground.emulator.api_url, "memory://") as broker:
        headers = broker.headers(ANNA)
        with (
            httpx.Client(base_url=ground.emulator.api_url, headers=headers, transport=Nowhere()) as plain,
            broker.client(ANNA, transport=Nowhere()) as ours,
        ):
            fixed = microseconds(lambda: plain.get("/payables"), seconds=ground.seconds)
            attached = microseconds(lambda: ours.get("/payables"), seconds=ground.seconds)
        made = microseconds(lambda: broker.client(ANNA), seconds=ground.seconds)
    report.table(
        "A call on a hit, in microseconds, no network",
        ["", "httpx, fixed header", "broker.client", "more", "making a client"],
        [("GET", fixed, attached, attached - fixed, made)],
    )
