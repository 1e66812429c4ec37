"""Checks of MONITE_AUTH and of the MONITE_… variables: names, values, and the functions and stores that they name."""

from collections.abc import Iterator

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name

from monite_auth import SecurityModel, Settings
from monite_auth.adapter import as_directory, did_you_mean, unknown_variables
from monite_auth.errors import ConfigurationError
from monite_auth_django.checks.literals import is_placeholder
from monite_auth_django.conf import conf

__all__ = ["check"]


def check() -> Iterator[CheckMessage]:
    """Yield a message for each problem."""
    yield from _names()
    yield from _core_settings()
    yield from _origins()
    yield from _api()
    yield from _events_and_health()
    yield from _store()
    yield from _functions()


def _names() -> Iterator[CheckMessage]:
    for name in conf.unknown_names:
        near = did_you_mean(str(name).removeprefix("MONITE_"), conf.known_names)
        yield Error(
            f'MONITE_AUTH["{name}"] means nothing.',
            hint=f'Did you mean "{near}"?' if near else f"Known are: {', '.join(sorted(conf.known_names))}.",
            id="monite_auth.E007",
        )
    for name, advice in unknown_variables().items():
        yield Warning(f"{name} in the environment means nothing.", hint=advice, id="monite_auth.W004")


def _core_settings() -> Iterator[CheckMessage]:
    values = conf.core_values()
    try:
        conf.core_settings()
    except ConfigurationError as error:
        for problem in error.problems:
            variable, _, rest = problem.partition(" ")
            name = variable.removeprefix("MONITE_")
            if name in ("CLIENT_ID", "CLIENT_SECRET") and is_placeholder(values.get(name, "")):
                continue  # E004 says it
            is_http = name == "BASE_URL" and rest.startswith("is http:")
            sentence, _, advice = problem.partition(": ")
            yield Error(
                f"{sentence.rstrip('.')}.",
                hint=f"{advice[:1].upper()}{advice[1:] or 'See the documentation.'} "
                f'It is MONITE_AUTH["{name}"], or {variable} in the environment.',
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


def _api() -> Iterator[CheckMessage]:
    try:
        _ = conf.ALLOWED_ORIGINS
    except ConfigurationError:
        return  # said above
    try:
        _ = conf.API
    except ConfigurationError as error:
        yield Error(
            error.problems[0],
            hint='MONITE_AUTH["API"] is True where the app\'s own pages call Monite through the app, and have no token.',
            id="monite_auth.E003",
        )


def _events_and_health() -> Iterator[CheckMessage]:
    for name in ("EVENT_SINKS", "HEALTH"):
        try:
            getattr(conf, name)
        except ConfigurationError as error:
            yield Error(
                error.problems[0],
                hint="Correct it, or leave it out.",
                id="monite_auth.E006",
            )


def _store() -> Iterator[CheckMessage]:
    try:
        store = conf.STORE
    except ConfigurationError as error:
        yield Error(
            error.problems[0],
            hint='Name a store that you have made, or leave it out and set MONITE_AUTH["STORE_URL"].',
            id="monite_auth.E008",
        )
        return
    if store is not None and conf.MONITE_AUTH.get("STORE_URL"):
        yield Error(
            "MONITE_AUTH has both STORE and STORE_URL: tokens live in one place, and it would be STORE.",
            hint="Leave one of them out.",
            id="monite_auth.E008",
        )


def _functions() -> Iterator[CheckMessage]:
    try:
        yield from _directory()
        if not callable(conf.IDENTIFY):
            yield Error(
                'MONITE_AUTH["IDENTIFY"] is not callable.',
                hint="Name a function from the request to a Principal or None.",
                id="monite_auth.E006",
            )
        yield from _authorize()
    except ConfigurationError as error:
        yield Error(error.problems[0], hint="Correct the path, or leave it out.", id="monite_auth.E006")


def _directory() -> Iterator[CheckMessage]:
    directory = conf.directory()
    if not directory and not hasattr(directory, "find"):
        yield Error(
            "There is no directory: nobody is known in Monite.",
            hint='Leave MONITE_AUTH["DIRECTORY"] out to use the model MoniteLink, or name a function.',
            id="monite_auth.E006",
        )
        return
    try:
        as_directory(directory)
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
