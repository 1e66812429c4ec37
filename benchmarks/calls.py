"""Measures a call to Monite with the token attached against the same call with a fixed header."""

import httpx

from benchmarks.people import ANNA, broker_for
from benchmarks.table import microseconds, table
from monite_auth.emulator import Emulator

__all__ = ["run"]


class Nowhere(httpx.BaseTransport):
    """Answers without a network, so that only httpx and monite-auth are measured."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer at once."""
        return httpx.Response(200, request=request)


def run(emulator: Emulator) -> None:
    """Print the cost of the token on top of httpx."""
    with broker_for(emulator.api_url, "memory://") as broker:
        headers = broker.headers(ANNA)
        with (
            httpx.Client(base_url=emulator.api_url, headers=headers, transport=Nowhere()) as plain,
            broker.client(ANNA, transport=Nowhere()) as ours,
        ):
            fixed = microseconds(lambda: plain.get("/payables"))
            attached = microseconds(lambda: ours.get("/payables"))
        made = microseconds(lambda: broker.client(ANNA))
    table(
        "A call on a hit, in microseconds, no network",
        ["", "httpx, fixed header", "broker.client", "more", "making a client"],
        [("GET", fixed, attached, attached - fixed, made)],
    )
