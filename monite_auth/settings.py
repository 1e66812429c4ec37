"""Everything that can be set, checked once at start-up.

Settings that are wrong are all told at once when the application starts, each with how to mend it. Code that runs later can
rely on them.
"""

import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from monite_auth.configuration.addresses import DEFAULT_PORTS, base_url_problem, is_local, is_this_machine
from monite_auth.configuration.credentials import (
    SHORTEST_KEY,
    Credentials,
    parse_keys,
    read_keys,
    read_secret,
    secret_problem,
)
from monite_auth.configuration.demo import DEMO_CLIENT_ID, DEMO_CLIENT_SECRET
from monite_auth.configuration.discretion import discreet
from monite_auth.configuration.event_words import parse_event_words
from monite_auth.configuration.flags import parse_flag
from monite_auth.configuration.numbers import is_number, number, number_problems, parse_number
from monite_auth.configuration.precedence import overridden
from monite_auth.configuration.security_model import SecurityModel
from monite_auth.configuration.setting_names import as_set
from monite_auth.configuration.unknown_settings import warn_of_meaningless
from monite_auth.errors import ConfigurationError
from monite_auth.monite_api.allowed_calls import parse_allowed
from monite_auth.monite_api.environments import API_VERSION, ENVIRONMENTS, REQUESTS_PER_SECOND
from monite_auth.stores.registry import is_known, unknown_scheme
from monite_auth.tokens import DEFAULT_TIMING, LONGEST_EXPIRY_MARGIN, MaskedUrl, Secret, TokenTiming

__all__ = ["SETTING_NAMES", "SecurityModel", "Settings", "overridden"]

SettingsType = TypeVar("SettingsType")


def _discreet_init(cls: type[SettingsType]) -> type[SettingsType]:
    """Make the `__init__` of a dataclass discreet: its arguments are locals of its frame."""
    cls.__init__ = discreet(cls.__init__)  # type: ignore[method-assign]  # of this very class
    return cls


@_discreet_init
@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to reach Monite and how to behave. All durations are seconds; docs/settings.md has more on the numbers.

    The account, and where Monite is:
        `client_id`, `client_secret`: from Monite's partner portal; they differ between sandbox and production.
        `client_secret_file`: instead of the secret, the path of a file that has it. It is read again when Monite refuses the
        secret, so that a new one needs no restart.
        `environment`: `sandbox`, `eu` or `us`; or `base_url`: the API's address, `/v1` included.
        `api_version`: the `x-monite-version` header, a date.
        `account`: the name of the account in a store, by default the client ID. When Monite gives you a new pair of ID
        and secret for the same account, set it to the client ID that you had first: sessions, tokens and pending
        revocations go on.
        `security_model`: how it is decided what a person may do: a SecurityModel, or its word.

    How tokens are kept:
        `store_url`: where tokens live: `memory://` is this process; `sqlite:///path` serves the processes of one
        host, `redis://…`, `rediss://…` and `postgresql://…` those of many.
        `store_keys`: the keys of a shared store. The first one seals tokens; the others, and the client secret, open them as
        well. Without any, the client secret seals. As one text: separated by commas.
        `store_keys_file`: instead, the path of a file that has them, one on each line. It is read again with the secret's
        file, and when a store has to be opened.
        `journal_directory`: where each process keeps the logouts that a shared store could not record, sealed, until the store
        has heard of them: a directory of this host. Without one, they die with the process.
        `token_scope`: `user`: one token per user and tenant, shared by their sessions; `session`: one each.
        `outage_trust`: while a shared store is down, a process serves those sessions that it has itself seen alive in the store
        within so many seconds; 0 is nobody. A logout in another process holds here after that time at the latest.

    Patience and pace:
        `connect_timeout`, `read_timeout`: of one request to Monite.
        `deadline`: how long a caller of `token()` waits at most, retries included.
        `revoke_within`: how long a logout tries to revoke at Monite before it returns; 0: all of it is done in the background. For
        servers that freeze between requests.
        `requests_per_second`: Monite's limit for this client ID, shared by all that use it.
        `call_patience`: how long a person's call waits at most for its turn in that limit, where calls take turns; 0: none does.
        `lease`: how long one attempt to mint keeps others from trying.

    The lives of tokens:
        `expiry_margin`: how long before its end a token is no longer used, since a request with it has to arrive in time.
        `renewal_share`: the last part of a token's life, in which it is renewed while it still works: 0.2 is the last fifth.
        `renewal_jitter`: how much that part varies, so that tokens minted together are not renewed together: 0.1 is ±10 %.
        `renewal_margin`: a token is never renewed later than so long before its end, unless it lives less than twice as long.
        `min_browser_ttl`: the life that is left, at least, in a token that goes to a browser. Monite's React SDK
        asks again after 8 minutes, takes a token as stale after 9, and does not ask earlier.

    Monite's API for the app's own pages, which have no token (docs/browser.md):
        `api_longest_body`: bytes that a browser may send in one call.
        `api_calls_per_session`: calls of one session that may be under way at once, in each process.
        `api_allow`: what pages may do there at most, as `object_type` or `object_type.action`, such as "counterpart
        payable.read"; as one text: separated by spaces or commas. Without any, what the person may do.

    Roles and sessions:
        `role_ttl`: how long a person's role is kept; a role that was changed in Monite counts after that.
        `session_memory`: for how long an ended session is remembered; at least as long as the application's
        session cookies live (both Django's and Starlette's do for 14 days). A session that began longer ago, and that the
        store does not know, has to log in again.
        `require_sessions`: refuse principals with neither a session id nor the time of their login, whose logouts cannot be
        final.

    Events for auditors (docs/events.md):
        `events`: where they go: `log`, `otel` or both; as one text: separated by spaces or commas. By default nowhere.
        `event_users`: what users and their organizations are called there: `digest`, a keyed digest, or `id`, the application's.
        `event_key`: the key of all digests there. Without one it is derived from the client secret, so that a rotation changes all.

    Raises ConfigurationError, with all that is wrong.
    """

    client_id: str
    client_secret: Secret | str = ""
    client_secret_file: str = ""
    environment: str = ""
    base_url: str = ""
    api_version: str = API_VERSION
    security_model: SecurityModel | str = SecurityModel.MONITE_MANAGED
    store_url: str = field(default="memory://", repr=False)
    store_keys: tuple[Secret | str, ...] | str = ()
    store_keys_file: str = ""
    journal_directory: str = ""
    token_scope: Literal["user", "session"] = "user"  # noqa: S105 - a word, no password
    outage_trust: float = number(60, largest=24 * 3600, allows_zero=True)
    connect_timeout: float = number(3)
    read_timeout: float = number(5)
    deadline: float = number(10)
    revoke_within: float = number(0, largest=60, allows_zero=True)
    requests_per_second: float = number(REQUESTS_PER_SECOND, largest=1_000_000, unit="requests")
    call_patience: float = number(2, largest=60, allows_zero=True)
    lease: float = number(5)
    expiry_margin: float = number(DEFAULT_TIMING.expiry_margin, largest=LONGEST_EXPIRY_MARGIN)
    renewal_share: float = number(DEFAULT_TIMING.renewal_share, largest=0.5, unit="")
    renewal_jitter: float = number(DEFAULT_TIMING.renewal_jitter, largest=1, unit="", allows_zero=True)
    renewal_margin: float = number(DEFAULT_TIMING.renewal_margin, allows_zero=True)
    min_browser_ttl: float = number(600, largest=24 * 3600)
    api_longest_body: float = number(50_000_000, largest=10_000_000_000, unit="bytes")
    api_calls_per_session: float = number(32, largest=10_000, unit="calls")
    api_allow: tuple[str, ...] | str = ()
    role_ttl: float = number(60)
    session_memory: float = number(14 * 24 * 3600, largest=366 * 24 * 3600)
    account: str = ""
    require_sessions: bool = False
    events: tuple[str, ...] | str = ()
    event_users: Literal["digest", "id"] = "digest"
    event_key: Secret | str = ""
    credentials: Credentials = field(init=False, repr=False, compare=False)
    """The secret and the keys as they are right now."""

    def __post_init__(self) -> None:
        problems = [*self._credential_problems(), *self._address_problems(), *number_problems(self)]
        try:
            date.fromisoformat(self.api_version)
        except (TypeError, ValueError):
            problems.append(f'api_version is a date such as "{API_VERSION}", not {self.api_version!r}.')
        if self.token_scope not in ("user", "session"):
            problems.append(f'token_scope is "user" or "session", not {self.token_scope!r}.')
        try:
            object.__setattr__(self, "security_model", SecurityModel(self.security_model))
        except ValueError:
            known = ", ".join(f'"{each}"' for each in SecurityModel)
            problems.append(f"security_model is one of {known}, not {self.security_model!r}.")
        try:
            object.__setattr__(self, "api_allow", parse_allowed(self.api_allow))
        except ValueError as error:
            problems.append(f"api_allow is wrong: {error}")
        problems += [*self._store_problems(), *self._journal_problems(), *self._session_problems()]
        problems += self._event_problems()
        if problems:
            raise ConfigurationError(*problems)

    @property
    def secret(self) -> Secret:
        """The client secret as it is right now, whichever way it was given."""
        return self.credentials.secret

    @property
    def account_name(self) -> str:
        """The name of the account that everything of ours in a store belongs to: Monite's origin, and the account there."""
        url = urlsplit(self.base_url)
        origin = f"{url.scheme}://{url.netloc.lower()}".removesuffix(f":{DEFAULT_PORTS[url.scheme]}")
        return f"{origin} {self.account or self.client_id}"

    @property
    def timing(self) -> TokenTiming:
        """When tokens are renewed, and when they are no longer used."""
        return TokenTiming(
            expiry_margin=self.expiry_margin,
            renewal_share=self.renewal_share,
            renewal_jitter=self.renewal_jitter,
            renewal_margin=self.renewal_margin,
        )

    @property
    def is_monite_managed(self) -> bool:
        """Whether calls carry a person's own token, so that Monite enforces their role."""
        return self.security_model is SecurityModel.MONITE_MANAGED

    @property
    def is_local(self) -> bool:
        """Whether Monite is an emulator, on this machine or near it, which no proxy of the environment can reach."""
        return is_local(self.base_url)

    @property
    def sealing_keys(self) -> tuple[Secret, ...]:
        """The keys of a shared store as they are right now: the first seals, all open."""
        return self.credentials.sealing_keys

    def _store_problems(self) -> list[str]:
        given: object = self.store_url
        url = given.reveal() if isinstance(given, Secret) else str(given)
        scheme, separator, _ = url.partition("://")
        if not separator or not is_known(scheme):
            return [unknown_scheme()]
        object.__setattr__(self, "store_url", MaskedUrl(url))
        return []

    def _journal_problems(self) -> list[str]:
        given: object = self.journal_directory
        if not isinstance(given, str | Path) or "\0" in str(given):
            return [f"journal_directory is the path of a directory, not {given!r}."]
        # As an absolute path: daemons change their directory.
        object.__setattr__(self, "journal_directory", str(Path(given).absolute()) if given else "")
        return []

    def _event_problems(self) -> list[str]:
        problems = []
        try:
            object.__setattr__(self, "events", parse_event_words(self.events))
        except ValueError as error:
            problems.append(f"events has {error}")
        if self.event_users not in ("digest", "id"):
            problems.append(f'event_users is "digest" or "id", not {self.event_users!r}.')
        given: object = self.event_key
        given = given.reveal() if isinstance(given, Secret) else given
        object.__setattr__(self, "event_key", Secret(given if isinstance(given, str) else ""))
        if not isinstance(given, str) or 0 < len(given) < SHORTEST_KEY:
            problems.append(f"event_key is a text of {SHORTEST_KEY} characters at least: a random one.")
        return problems

    def _session_problems(self) -> list[str]:
        problems = []
        flag = parse_flag(self.require_sessions)
        if flag is None:
            problems.append(f"require_sessions is true or false, not {self.require_sessions!r}.")
        else:
            object.__setattr__(self, "require_sessions", flag)
        account = str(self.account).strip()
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
        secret, keys = Secret(""), tuple[Secret, ...]()
        try:
            secret = self._read_secret()
        except ConfigurationError as error:
            problems += error.problems
        try:
            keys = self._read_keys()
        except ConfigurationError as error:
            problems += error.problems
        secret_file = self.client_secret_file if secret else ""
        keys_file = self.store_keys_file if keys else ""
        credentials = Credentials(secret, keys, secret_file=secret_file, keys_file=keys_file)
        object.__setattr__(self, "credentials", credentials)
        return problems

    def _read_secret(self) -> Secret:
        """Return the client secret, from the setting or its file; raise ConfigurationError."""
        given: object = self.client_secret
        given = given.reveal() if isinstance(given, Secret) else given
        object.__setattr__(self, "client_secret", Secret(given if isinstance(given, str) else ""))
        if self.client_secret_file:
            if given:
                raise ConfigurationError("client_secret and client_secret_file are both set: leave one out.")
            return read_secret(self.client_secret_file)
        problem = secret_problem(given)
        if problem:
            raise ConfigurationError(problem)
        return Secret(str(given))

    def _read_keys(self) -> tuple[Secret, ...]:
        """Return the keys of the store, from the setting or its file; raise ConfigurationError."""
        keys = parse_keys(self.store_keys)
        object.__setattr__(self, "store_keys", keys)
        if not self.store_keys_file:
            return keys
        if keys:
            raise ConfigurationError("store_keys and store_keys_file are both set: leave one out.")
        return read_keys(self.store_keys_file)

    def _address_problems(self) -> list[str]:
        known = ", ".join(ENVIRONMENTS)
        if self.base_url:
            if self.environment and self.base_url != ENVIRONMENTS.get(str(self.environment)):
                return ["environment and base_url are both set: leave one out."]
            is_demo = (self.client_id, self.secret) == (DEMO_CLIENT_ID, Secret(DEMO_CLIENT_SECRET))
            problem = base_url_problem(self.base_url, is_demo=is_demo)
            if problem:
                return [problem]
            object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
            if self.is_local and not is_this_machine(urlsplit(self.base_url).hostname):
                self.credentials.pin_secret()
            return []
        environment: object = self.environment or "sandbox"
        if not isinstance(environment, str) or environment not in ENVIRONMENTS:
            return [f"environment {environment!r} is unknown: use one of {known}, or set base_url."]
        object.__setattr__(self, "environment", environment)
        object.__setattr__(self, "base_url", ENVIRONMENTS[environment])
        return []

    @classmethod
    @discreet
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Read `MONITE_CLIENT_ID`, `MONITE_CLIENT_SECRET`, `MONITE_ENVIRONMENT` and so on; `overrides` win.

        A `MONITE_…` variable that is no setting is named in the log, once per process. Raises ConfigurationError.
        """
        given = os.environ if environ is None else environ
        warn_of_meaningless(given, SETTING_NAMES)
        return cls.from_mapping(given, prefix="MONITE_", **overrides)

    @classmethod
    @discreet
    def from_mapping(cls, values: Mapping[str, Any], *, prefix: str = "", **overrides: Any) -> Self:
        """Read settings from upper-case keys: `CLIENT_ID` and so on, each behind `prefix`; `overrides` win.

        Other keys are ignored: an environment holds more than our settings. Raises ConfigurationError, which names settings
        as they stand in `values` if there is a prefix.
        """
        given: dict[str, Any] = {}
        for each in fields(cls):
            value = values.get(prefix + each.name.upper()) if each.init else None
            if value is None or value == "":
                continue
            given[each.name] = parse_number(value) if is_number(each) else value
        try:
            return cls(**{"client_id": "", **overridden(given, overrides)})
        except ConfigurationError as error:
            if not prefix:
                raise
            names = {each.name for each in fields(cls) if each.init} - overrides.keys()
            raise ConfigurationError(*(as_set(each, names, prefix) for each in error.problems)) from None


SETTING_NAMES = frozenset(each.name.upper() for each in fields(Settings) if each.init)
"""The names of all settings as an environment has them, without the `MONITE_` before."""
