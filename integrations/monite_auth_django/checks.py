"""System checks: what would fail later, or be unsafe, said by `manage.py check` with how to mend it.

monite_auth.E001  the middleware is missing, or comes too early
monite_auth.E002  an app is missing in INSTALLED_APPS
monite_auth.E003  a setting is missing or wrong
monite_auth.E004  a secret is a placeholder
monite_auth.E005  the base URL is http
monite_auth.E006  there is no directory, or no function to identify, or to authorize where one is asked
monite_auth.E007  MONITE_AUTH has an unknown key
monite_auth.W001  deployment: tokens live in the memory of each process
monite_auth.W002  the client secret stands in the settings module
monite_auth.W003  deployment: Monite is on this machine
monite_auth.W004  the environment has a MONITE_… variable that means nothing
"""

import os
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import ENVIRONMENT_VARIABLE, settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.utils.module_loading import import_string

from monite_auth import SecurityModel, Settings
from monite_auth.configuration.addresses import is_local
from monite_auth.configuration.unknown_settings import did_you_mean, meaningless
from monite_auth.errors import ConfigurationError
from monite_auth.identity import as_directory
from monite_auth.settings import SETTING_NAMES
from monite_auth_django.conf import conf
from monite_auth_django.literals import is_placeholder, modules_with_literal

__all__ = ["check_deployment", "check_project"]

OURS = "monite_auth_django.middleware.MoniteAuthMiddleware"
BEFORE_OURS = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)
APPS = ("django.contrib.auth", "django.contrib.contenttypes", "monite_auth_django")


def check_project(**_: Any) -> list[CheckMessage]:
    """Check what is the same in development and in production."""
    return [
        *_middleware(),
        *_apps(),
        *_unknown_keys(),
        *_unknown_variables(),
        *_placeholders(),
        *_core_settings(),
        *_origins(),
        *_functions(),
        *_literal_secret(),
    ]


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Check what only matters in production (`manage.py check --deploy`)."""
    values = conf.core_values()
    found: list[CheckMessage] = []
    if str(values.get("STORE_URL", "memory://")).startswith("memory:"):
        found.append(
            Warning(
                "Monite tokens live in the memory of each process: a logout is heard of in one worker only, and pending "
                "revocations die with it.",
                hint='Set MONITE_AUTH["STORE_URL"], or MONITE_STORE_URL, to sqlite:///… (one host) or redis://… (many).',
                id="monite_auth.W001",
            )
        )
    if _is_emulator(values):
        found.append(
            Warning(
                "Monite's base URL is on this machine, or http: an emulator.",
                hint='Leave BASE_URL out, and set ENVIRONMENT (or MONITE_ENVIRONMENT) to "sandbox", "eu" or "us".',
                id="monite_auth.W003",
            )
        )
    return found


def _middleware() -> Iterator[CheckMessage]:
    order = list(settings.MIDDLEWARE)
    if OURS not in order:
        if not any(_is_ours(path) for path in order):
            yield Error(
                "MoniteAuthMiddleware is not in MIDDLEWARE: there is no request.monite.",
                hint=f"Add '{OURS}' after '{BEFORE_OURS[1]}'.",
                id="monite_auth.E001",
            )
        return
    for other in BEFORE_OURS:
        if conf.identifies_by_default and (other not in order or order.index(other) > order.index(OURS)):
            what = "is not in MIDDLEWARE" if other not in order else "comes after MoniteAuthMiddleware"
            yield Error(
                f"{other.rpartition('.')[2]} {what}: nobody would be logged in for Monite.",
                hint=f"Put '{OURS}' after '{other}' in MIDDLEWARE.",
                id="monite_auth.E001",
            )


def _is_ours(path: str) -> bool:
    """Say whether a middleware's path is of a subclass of ours; others may be anything."""
    from monite_auth_django.middleware import MoniteAuthMiddleware  # noqa: PLC0415

    try:
        found = import_string(path)
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, MoniteAuthMiddleware)


def _apps() -> Iterator[CheckMessage]:
    for name in APPS:
        if not apps.is_installed(name):
            yield Error(
                f"{name} is not in INSTALLED_APPS.",
                hint=f"Add '{name}', and run manage.py migrate.",
                id="monite_auth.E002",
            )


def _unknown_keys() -> Iterator[CheckMessage]:
    for name in conf.unknown_names:
        near = did_you_mean(str(name).removeprefix("MONITE_"), conf.known_names)
        yield Error(
            f'MONITE_AUTH["{name}"] means nothing.',
            hint=f'Did you mean "{near}"?' if near else f"Known are: {', '.join(sorted(conf.known_names))}.",
            id="monite_auth.E007",
        )


def _unknown_variables() -> Iterator[CheckMessage]:
    for name, advice in meaningless(os.environ, SETTING_NAMES).items():
        yield Warning(f"{name} in the environment means nothing.", hint=advice, id="monite_auth.W004")


def _placeholders() -> Iterator[CheckMessage]:
    values = conf.core_values()
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        if is_placeholder(values.get(name, "")):
            yield Error(
                f"{name} is a placeholder.",
                hint=f"Set MONITE_{name} in the environment to what Monite's partner portal shows under API keys.",
                id="monite_auth.E004",
            )


def _core_settings() -> Iterator[CheckMessage]:
    values = conf.core_values()
    try:
        conf.core_settings()
    except ConfigurationError as error:
        for problem in error.problems:
            name, _, rest = problem.partition(" ")
            if name in ("client_id", "client_secret") and is_placeholder(values.get(name.upper(), "")):
                continue  # E004 says it
            is_http = name == "base_url" and rest.startswith("is http:")
            sentence, _, advice = problem.partition(": ")
            yield Error(
                f"{sentence.rstrip('.')}.",
                hint=f"{advice[:1].upper()}{advice[1:] or 'See the documentation.'} "
                f'It is MONITE_AUTH["{name.upper()}"], or MONITE_{name.upper()} in the environment.',
                id="monite_auth.E005" if is_http else "monite_auth.E003",
            )


def _origins() -> Iterator[CheckMessage]:
    try:
        _ = conf.ALLOWED_ORIGINS
    except ConfigurationError as error:
        yield Error(
            error.problems[0],
            hint='MONITE_AUTH["ALLOWED_ORIGINS"] is a list such as ["https://app.example.com"]; leave it out if all your '
            "pages come from here.",
            id="monite_auth.E003",
        )


def _functions() -> Iterator[CheckMessage]:
    try:
        directory = conf.directory()
        if not directory and not hasattr(directory, "find"):
            yield Error(
                "There is no directory: nobody is known in Monite.",
                hint='Leave MONITE_AUTH["DIRECTORY"] out to use the model MoniteLink, or name a function.',
                id="monite_auth.E006",
            )
        else:
            yield from _directory(directory)
        if not callable(conf.IDENTIFY):
            yield Error(
                'MONITE_AUTH["IDENTIFY"] is not callable.',
                hint="Name a function from the request to a Principal or None.",
                id="monite_auth.E006",
            )
        yield from _authorize()
    except ConfigurationError as error:
        yield Error(error.problems[0], hint="Correct the path, or leave it out.", id="monite_auth.E006")


def _directory(found: Any) -> Iterator[CheckMessage]:
    try:
        as_directory(found)
    except ConfigurationError as error:
        for problem in error.problems:
            yield Error(problem, hint='It is MONITE_AUTH["DIRECTORY"].', id="monite_auth.E006")


def _authorize() -> Iterator[CheckMessage]:
    function = conf.AUTHORIZE
    model = conf.core_values().get("SECURITY_MODEL", Settings.security_model)
    if function is not None and not callable(function):
        yield Error(
            'MONITE_AUTH["AUTHORIZE"] is not callable.',
            hint="Name a function from a Principal, an ObjectType and an Action to True or False.",
            id="monite_auth.E006",
        )
    if model in tuple(SecurityModel) and (function is None) != (model == SecurityModel.MONITE_MANAGED):
        yield Error(
            f'In the security model {model} MONITE_AUTH["AUTHORIZE"] is '
            + ("missing: every call to Monite would be refused." if function is None else "never asked."),
            hint='Let MONITE_AUTH["SECURITY_MODEL"] and MONITE_AUTH["AUTHORIZE"] agree, or leave out both.',
            id="monite_auth.E006",
        )


def _literal_secret() -> Iterator[CheckMessage]:
    secret = conf.core_values().get("CLIENT_SECRET", "")
    settings_module = getattr(settings, "SETTINGS_MODULE", None) or os.environ.get(ENVIRONMENT_VARIABLE)
    for module in modules_with_literal(settings_module, secret):
        yield Warning(
            f"The client secret of Monite stands in {module}, and so in version control.",
            hint="Make a new secret in Monite's partner portal, delete CLIENT_SECRET from the module and set "
            "MONITE_CLIENT_SECRET in the environment: it is read from there.",
            id="monite_auth.W002",
        )


def _is_emulator(values: dict[str, Any]) -> bool:
    try:
        return is_local(str(values.get("BASE_URL", "")))
    except ValueError:  # E003 says it
        return False
