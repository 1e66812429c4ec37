"""Checks for production: shared tokens, and the real Monite."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's name

from monite_auth.adapter import is_local
from monite_auth.errors import ConfigurationError
from monite_auth_django.conf import conf

__all__ = ["check"]


def check() -> Iterator[CheckMessage]:
    """Yield a message for each problem."""
    values = conf.core_values()
    if _is_memory(values):
        yield Warning(
            "Monite tokens live in the memory of each process: a logout is heard of in one worker only, and pending "
            "revocations die with it.",
            hint='Set MONITE_AUTH["STORE_URL"], or MONITE_STORE_URL, to django://default (your own database), to sqlite:///… '
            "(one host), or to redis://… or postgresql://… (many).",
            id="monite_auth.W001",
        )
    if _is_emulator(values):
        yield Warning(
            "Monite's base URL is on this machine, or http: an emulator.",
            hint='Leave BASE_URL out, and set ENVIRONMENT (or MONITE_ENVIRONMENT) to "sandbox", "eu" or "us".',
            id="monite_auth.W003",
        )


def _is_memory(values: dict[str, Any]) -> bool:
    try:
        store = conf.STORE
    except ConfigurationError:  # E008 says it
        return False
    if store is not None:
        return not store.is_shared
    return str(values.get("STORE_URL", "memory://")).startswith("memory:")


def _is_emulator(values: dict[str, Any]) -> bool:
    try:
        return is_local(str(values.get("BASE_URL", "")))
    except ValueError:  # E003 says it
        return False
