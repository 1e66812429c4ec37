"""Everything that can be set, checked once at start-up.

A wrong setting is found when the application starts, all wrong ones at once, each with how to mend it; nothing
that runs later has to doubt them.
"""

import math
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from monite_auth.errors import ConfigurationError
from monite_auth.tokens import Secret

__all__ = ["ENVIRONMENTS", "SecurityModel", "Settings"]


class SecurityModel(StrEnum):
    """Who decides what a person may do in Monite; docs/security-models.md says when to choose which.

    `MONITE_MANAGED`: calls carry the person's own token, and Monite enforces their role.
    `PARTNER_MANAGED`: calls carry a partner token, and the application has to allow each of them.
    `MIXED`: as `PARTNER_MANAGED`, with people who are known in Monite as well.
    """

    MONITE_MANAGED = "monite_managed"
    PARTNER_MANAGED = "partner_managed"
    MIXED = "mixed"


ENVIRONMENTS = {
    "sandbox": "https://api.sandbox.monite.com/v1",
    "eu": "https://api.monite.com/v1",
    "us": "https://us.api.monite.com/v1",
}

STORE_SCHEMES = (
    "memory",
    "sqlite",
    "redis",
    "rediss",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
)

SHORTEST_KEY = 16
"""Characters of a key that nobody can guess; a client secret is taken as Monite made it."""

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def _seconds(default: float) -> Any:
    return field(default=default, metadata={"number": True})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to reach Monite and how to behave. All durations are seconds.

    Who we are, and where Monite is:
        `client_id`, `client_secret`: from Monite's partner portal; they differ between sandbox and production.
        `environment`: `sandbox`, `eu` or `us`; or `base_url`: the API's address, `/v1` included.
        `api_version`: the `x-monite-version` header, a date.
        `account`: what the account is called in a store, by default the client ID. When Monite gives you a new pair of ID
        and secret for the same account, set it to the client ID that you had first: sessions, tokens and pending
        revocations go on.

        `security_model`: who decides what a person may do: a SecurityModel, or its word.

    How tokens are kept:
        `store_url`: where tokens live: `memory://` is this process; `sqlite:///path` serves the processes of one
        host, `redis://…` and `rediss://…` those of many.
        `store_keys`: what seals tokens in a shared store, the first one; the others, and the client secret, open
        it as well. Without any, the client secret seals. As one text: separated by commas.
        `token_scope`: `user`: one token per user and tenant, shared by their sessions; `session`: one each.

    Patience and pace:
        `connect_timeout`, `read_timeout`: of one request to Monite.
        `deadline`: how long a caller of `token()` waits at most, retries included.
        `requests_per_second`: Monite's limit for this client ID, shared by all that use it.
        `lease`: how long one attempt to mint keeps others from trying.
        `min_browser_ttl`: the life that is left, at least, in a token that goes to a browser. Monite's React SDK
        asks again after 8 minutes, takes a token as stale after 9, and does not ask earlier.
        `session_memory`: for how long an ended session is remembered; at least as long as the application's
        session cookies live (both Django's and Starlette's do for 14 days). A session that began longer ago, and that the
        store does not know, has to log in again.
        `require_sessions`: refuse principals with neither a session id nor the time of their login, whose logouts cannot be
        final.
    """

    client_id: str
    client_secret: Secret | str
    environment: str = ""
    base_url: str = ""
    api_version: str = "2024-05-25"
    security_model: SecurityModel | str = SecurityModel.MONITE_MANAGED
    store_url: str = field(default="memory://", repr=False)
    store_keys: tuple[Secret | str, ...] | str = ()
    token_scope: Literal["user", "session"] = "user"  # noqa: S105 - a word, no password
    connect_timeout: float = _seconds(3)
    read_timeout: float = _seconds(5)
    deadline: float = _seconds(10)
    requests_per_second: float = _seconds(30)
    lease: float = _seconds(5)
    min_browser_ttl: float = _seconds(600)
    session_memory: float = _seconds(14 * 24 * 3600)
    account: str = ""
    require_sessions: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.client_secret, str):
            object.__setattr__(self, "client_secret", Secret(self.client_secret))
        problems = [*self._credential_problems(), *self._address_problems(), *self._number_problems()]
        try:
            date.fromisoformat(self.api_version)
        except (TypeError, ValueError):
            problems.append(f'api_version is a date such as "2024-05-25", not {self.api_version!r}.')
        if self.token_scope not in ("user", "session"):
            problems.append(f'token_scope is "user" or "session", not {self.token_scope!r}.')
        try:
            object.__setattr__(self, "security_model", SecurityModel(self.security_model))
        except ValueError:
            known = ", ".join(f'"{each}"' for each in SecurityModel)
            problems.append(f"security_model is one of {known}, not {self.security_model!r}.")
        problems += [*self._store_problems(), *self._session_problems()]
        if problems:
            raise ConfigurationError(*problems)

    @property
    def secret(self) -> Secret:
        """The client secret, whichever way it was given."""
        return self.client_secret if isinstance(self.client_secret, Secret) else Secret(self.client_secret)

    @property
    def account_name(self) -> str:
        """What everything of ours in a store belongs to: Monite's origin, and the account there."""
        url = urlsplit(self.base_url)
        return f"{url.scheme}://{url.netloc.lower()} {self.account or self.client_id}"

    @property
    def is_monite_managed(self) -> bool:
        """Whether calls carry a person's own token, so that Monite enforces their role."""
        return self.security_model is SecurityModel.MONITE_MANAGED

    @property
    def is_local(self) -> bool:
        """Whether Monite is on this machine: an emulator, which no proxy of the environment can reach."""
        return urlsplit(self.base_url).hostname in LOOPBACK

    @property
    def sealing_keys(self) -> tuple[Secret, ...]:
        """The keys of a shared store: the first seals, all open."""
        return (*(key for key in self.store_keys if isinstance(key, Secret)), self.secret)

    def _store_problems(self) -> list[str]:
        given = self.store_keys.split(",") if isinstance(self.store_keys, str) else self.store_keys
        keys = [Secret(key.strip()) if isinstance(key, str) else key for key in given]
        object.__setattr__(self, "store_keys", tuple(key for key in keys if key))
        problems = []
        if any(len(key.reveal()) < SHORTEST_KEY for key in self.sealing_keys[:-1]):
            problems.append(
                f"store_keys has a key of fewer than {SHORTEST_KEY} characters: make one with "
                "python -c 'import secrets; print(secrets.token_urlsafe(32))'."
            )
        scheme, separator, _ = str(self.store_url).partition("://")
        if not separator or scheme not in STORE_SCHEMES:  # the URL is not repeated: it may hold a password
            problems.append(f"store_url begins with {', '.join(f'{each}://' for each in STORE_SCHEMES)}.")
        return problems

    def _session_problems(self) -> list[str]:
        problems = []
        words = {
            "true": True,
            "1": True,
            "yes": True,
            "on": True,
            "false": False,
            "0": False,
            "no": False,
            "off": False,
        }
        value = self.require_sessions
        if isinstance(value, str):
            value = words.get(value.strip().lower(), value)
        if isinstance(value, bool):
            object.__setattr__(self, "require_sessions", value)
        else:
            problems.append(f"require_sessions is true or false, not {value!r}.")
        account = str(self.account)
        if not account.isprintable():
            problems.append(
                "account has control characters in it: it is the client ID that the account had first."
            )
        with suppress(ValueError):  # as client_id is written
            account = str(uuid.UUID(account))
        object.__setattr__(self, "account", account)
        return problems

    def _credential_problems(self) -> list[str]:
        problems = []
        try:
            object.__setattr__(self, "client_id", str(uuid.UUID(str(self.client_id))))
        except ValueError:
            what = "missing" if not self.client_id else "no UUID"
            problems.append(f"client_id is {what}: copy it from API keys in Monite's partner portal.")
        secret = self.client_secret.reveal() if isinstance(self.client_secret, Secret) else None
        if secret is None:
            problems.append(f"client_secret is text, not {type(self.client_secret).__name__}.")
        elif not secret.strip():
            problems.append("client_secret is empty: set it to the secret that was shown with the client ID.")
        elif secret != secret.strip() or not secret.isprintable():
            problems.append(
                "client_secret has white space around it or control characters in it: was a line break copied along?"
            )
        return problems

    def _address_problems(self) -> list[str]:
        known = ", ".join(ENVIRONMENTS)
        if self.base_url:
            if self.environment and self.base_url != ENVIRONMENTS.get(self.environment):
                return ["environment and base_url are both set: leave one out."]
            problem = _base_url_problem(self.base_url)
            object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
            return [problem] if problem else []
        environment = self.environment or "sandbox"
        if environment not in ENVIRONMENTS:
            return [f"environment {environment!r} is unknown: use one of {known}, or set base_url."]
        object.__setattr__(self, "environment", environment)
        object.__setattr__(self, "base_url", ENVIRONMENTS[environment])
        return []

    def _number_problems(self) -> list[str]:
        problems = []
        for each in fields(self):
            if "number" not in each.metadata:
                continue
            value = getattr(self, each.name)
            unit = "requests" if each.name == "requests_per_second" else "seconds"
            if isinstance(value, bool) or not isinstance(value, int | float):
                problems.append(f"{each.name} is a number of {unit}, not {value!r}.")
            elif not (math.isfinite(value) and 0 < value <= _LARGEST.get(each.name, 3600)):
                largest = _LARGEST.get(each.name, 3600)
                problems.append(f"{each.name} is more than 0 and at most {largest:,} {unit}, not {value!r}.")
        return problems

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Read `MONITE_CLIENT_ID`, `MONITE_CLIENT_SECRET`, `MONITE_ENVIRONMENT` and so on; `overrides` win."""
        return cls.from_mapping(os.environ if environ is None else environ, prefix="MONITE_", **overrides)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, prefix: str = "", **overrides: Any) -> Self:
        """Read settings from upper-case keys: `CLIENT_ID` and so on, each behind `prefix`.

        Keys that belong to nobody here are left alone: an environment holds more than our settings.
        """
        given: dict[str, Any] = {}
        for each in fields(cls):
            value = values.get(prefix + each.name.upper())
            if value is None or value == "":
                continue
            if "number" in each.metadata and isinstance(value, str):
                with suppress(ValueError):  # the check of numbers says it better
                    value = float(value)
            given[each.name] = value
        for required in ("client_id", "client_secret"):
            given.setdefault(required, "")
        return cls(**{**given, **overrides})


_LARGEST = {"requests_per_second": 1_000_000, "session_memory": 366 * 24 * 3600, "min_browser_ttl": 24 * 3600}
"""Beyond an hour a duration here is a slip, milliseconds given as seconds say, but for these."""


def _base_url_problem(base_url: str) -> str | None:
    try:
        url = urlsplit(base_url)
        host, _port = url.hostname, url.port
    except (ValueError, AttributeError, TypeError):
        return "base_url is no URL: write it as https://host/v1."
    # The URL itself is not repeated below: it may hold a password.
    if url.username is not None or url.password is not None:
        return "base_url holds a user name or password: take them out; tokens are what logs in."
    if url.query or url.fragment or "?" in base_url or "#" in base_url:
        return "base_url has a query or a fragment: it ends with the path, as in https://host/v1."
    if any(c.isspace() or not c.isprintable() for c in base_url):
        return "base_url has white space or control characters in it."
    if not host or url.scheme not in ("http", "https"):
        return "base_url is no web address: write it as https://host/v1."
    if url.scheme == "http" and host not in LOOPBACK:
        return "base_url is http: use https, or secrets cross the network in the open (http is for localhost only)."
    return None
