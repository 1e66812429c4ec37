"""Measures a hit beside what other libraries do for their own tokens: each has a token in its cache, and is asked for it.

They keep tokens of other kinds, for fewer users and in fewer places, so this says what a hit may cost, and not who is better.
They are installed by the dependency group `peers`; a library that is not there is left out, and named.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

from benchmarks.ground import Ground
from benchmarks.hits import look_up
from benchmarks.people import ANNA, broker_for
from benchmarks.report import Report
from benchmarks.timing import side_by_side

__all__ = ["run"]

Hit = Callable[[], object]
HOURS = 24 * 3600
SCOPE = "https://monite.example/.default"
AUTHORITY = "https://login.microsoftonline.com/00000000-0000-4000-8000-000000000001"
TOKEN = {"token_type": "Bearer", "expires_in": HOURS, "access_token": "a token of nobody"}
METADATA = {
    "issuer": f"{AUTHORITY}/v2.0",
    "authorization_endpoint": f"{AUTHORITY}/oauth2/v2.0/authorize",
    "token_endpoint": f"{AUTHORITY}/oauth2/v2.0/token",
}


class _Answer:
    """An answer of an authority, as MSAL reads it."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.status_code, self.text, self.headers = (
            200,
            json.dumps(content),
            {"Content-Type": "application/json"},
        )

    def raise_for_status(self) -> None:
        """It is fine."""


class _Authority:
    """An HTTP client for MSAL that needs no network: every question has one answer."""

    def get(self, *_: object, **__: object) -> _Answer:
        return _Answer(METADATA)

    def post(self, *_: object, **__: object) -> _Answer:
        return _Answer(TOKEN)

    def close(self) -> None:
        """Nothing is open."""


def _msal() -> Hit:
    import msal  # noqa: PLC0415 - each peer is optional

    app = msal.ConfidentialClientApplication(
        "client",
        client_credential="secret",
        authority=AUTHORITY,
        instance_discovery=False,
        http_client=_Authority(),
    )
    app.acquire_token_for_client([SCOPE])
    return lambda: app.acquire_token_for_client([SCOPE])["access_token"]


def _google_auth() -> Hit:
    import datetime as dt  # noqa: PLC0415

    from google.oauth2.credentials import Credentials  # noqa: PLC0415

    expiry = dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(hours=24)
    credentials = Credentials("a token of nobody", expiry=expiry)
    return lambda: credentials.before_request(None, "GET", "https://monite.example/", {})


def _azure_identity() -> Hit:
    from azure.identity import ClientSecretCredential  # noqa: PLC0415

    credential = ClientSecretCredential(
        AUTHORITY.rpartition("/")[2], "client", "secret", disable_instance_discovery=True
    )
    # It keeps tokens in MSAL's cache, which asks through this client.
    credential._client = _Authority()  # noqa: SLF001 - a stand-in for its network
    credential.get_token(SCOPE)
    return lambda: credential.get_token(SCOPE).token


def _authlib() -> Hit:
    from authlib.integrations.httpx_client import OAuth2Client  # noqa: PLC0415

    client = OAuth2Client(
        "client",
        "secret",
        token={**TOKEN, "expires_at": time.time() + HOURS},
        token_endpoint=METADATA["token_endpoint"],
    )

    def hit() -> object:
        client.ensure_active_token(client.token)
        return client.token["access_token"]

    return hit


def _botocore() -> Hit:
    import datetime as dt  # noqa: PLC0415

    from botocore.credentials import RefreshableCredentials  # noqa: PLC0415

    expiry = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=24)).isoformat()
    kept = {"access_key": "key", "secret_key": "secret", "token": "a token of nobody", "expiry_time": expiry}
    credentials = RefreshableCredentials.create_from_metadata(
        kept, refresh_using=lambda: kept, method="benchmark"
    )
    return lambda: credentials.get_frozen_credentials().token


PEERS: dict[str, tuple[str, Callable[[], Hit]]] = {
    "msal": ("ConfidentialClientApplication.acquire_token_for_client", _msal),
    "google-auth": ("Credentials.before_request", _google_auth),
    "azure-identity": ("ClientSecretCredential.get_token", _azure_identity),
    "authlib": ("OAuth2Client.ensure_active_token", _authlib),
    "botocore": ("RefreshableCredentials.get_frozen_credentials", _botocore),
}
"""For each library what its hit is, and how to make it."""


def run(ground: Ground, report: Report) -> None:
    """Print what a hit costs in each library that is here."""
    with broker_for(ground.emulator.api_url, "memory://") as broker:
        broker.token(ANNA)
        works: dict[str, Hit] = {
            "monite-auth": partial(broker.token, ANNA),
            "monite-auth, headers": partial(broker.headers, ANNA),
            "a dictionary": look_up(),
        }
        calls = {"monite-auth": "TokenBroker.token", "monite-auth, headers": "TokenBroker.headers"}
        calls["a dictionary"] = "a look-up with a clock check"
        missing = []
        for name, (call, make) in PEERS.items():
            try:
                works[name] = make()
            except ModuleNotFoundError:
                missing.append(name)
            else:
                calls[name] = call
        took = side_by_side(works, seconds=ground.seconds)
    rows = [
        (name, calls[name], _version(name), each, each / took["monite-auth"])
        for name, each in sorted(took.items(), key=lambda pair: pair[1])
    ]
    report.table(
        "A hit beside those of other libraries, in microseconds of the processor",
        ["library", "call", "version", "µs", "times monite-auth's"],
        rows,
        plotted=["µs"],
    )
    if missing:
        report.say(f"\nNot here: {', '.join(missing)}. `pip install --group peers` installs them.")


def _version(name: str) -> str:
    return version(name.partition(",")[0]) if name in PEERS or name.startswith("monite-auth") else ""
