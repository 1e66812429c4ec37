"""Reads the setting `MONITE_AUTH`; nothing else in the package reads it.

The names are those of `monite_auth.Settings` in upper case, and a few of Django's side. Each is looked up in `MONITE_AUTH`
first, then in the environment as `MONITE_…`. Nothing is cached, so that `override_settings` takes effect.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from inspect import isclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from monite_auth import Directory, EntityUser, Principal, Settings
from monite_auth.adapter import SETTING_NAMES, Authorize, app_settings, discreet, kind_of, parse_origins
from monite_auth.errors import ConfigurationError
from monite_auth.events import Sink
from monite_auth.stores import Store
from monite_auth_django.directory import ProjectDirectory

__all__ = ["Conf", "conf"]

LINK_DIRECTORY = "monite_auth_django.directory.LinkDirectory"
IDENTIFY = "monite_auth_django.identify.identify"

Identify = Callable[[HttpRequest], Awaitable[Principal | None] | Principal | None]


class Conf:
    """The settings; a property has the name of its setting."""

    @property
    def MONITE_AUTH(self) -> dict[str, Any]:  # noqa: N802 - the setting's name
        """The dict as the project has it."""
        return dict(getattr(settings, "MONITE_AUTH", None) or {})

    @property
    def DIRECTORY(self) -> Any:  # noqa: N802
        """Who a principal is in Monite: a Directory, a function or a mapping, or the dotted path of one.

        By default, the model MoniteLink.
        """
        return self._named("DIRECTORY", LINK_DIRECTORY)

    @property
    def IDENTIFY(self) -> Identify:  # noqa: N802
        """Who is logged in: a function from the request to a Principal, or its dotted path; `def` or `async def`."""
        found: Identify = self._named("IDENTIFY", IDENTIFY)
        return found

    @property
    def identifies_by_default(self) -> bool:
        """Whether Django's own login says who is logged in."""
        return bool(self.MONITE_AUTH.get("IDENTIFY", IDENTIFY) == IDENTIFY)

    @property
    def AUTHORIZE(self) -> Authorize | None:  # noqa: N802
        """What a principal may do, where the application decides; a function or its dotted path. See TokenBroker."""
        found: Authorize | None = self._named("AUTHORIZE", None)
        return found

    @property
    def STORE(self) -> Store | None:  # noqa: N802
        """Where tokens live: a store, or its dotted path. None, the default, means what `STORE_URL` says.

        Raises:
            ConfigurationError: it is neither.

        """
        found = self._named("STORE", None)
        is_store = all(hasattr(found, name) for name in ("is_shared", "of", "operations"))
        if found is None or (is_store and not isclass(found)):
            return found
        raise ConfigurationError(
            f'MONITE_AUTH["STORE"] is a store, such as RedisStore(…), or its dotted path, not {kind_of(found)}.'
        )

    @property
    def EVENT_SINKS(self) -> list[Sink]:  # noqa: N802
        """Functions that take each event for auditors, or their dotted paths; beside where `EVENTS` says.

        Raises:
            ConfigurationError: one is neither.

        """
        given = self.MONITE_AUTH.get("EVENT_SINKS", ())
        if isinstance(given, str) or not isinstance(given, Collection):
            raise ConfigurationError(f'MONITE_AUTH["EVENT_SINKS"] is a list, not {kind_of(given)}.')
        found = [self._imported("EVENT_SINKS", each) for each in given]
        for each in found:
            if not callable(each):
                raise ConfigurationError(
                    f'MONITE_AUTH["EVENT_SINKS"] has {kind_of(each)}: each is a function that takes an Event, or its dotted path.'
                )
        return found

    @property
    def HEALTH(self) -> bool | Callable[[HttpRequest], bool]:  # noqa: N802
        """Whether `monite/health` and `monite/health/live` answer probes; or who may know the reasons, too.

        True, or a function from the request to a bool, or its dotted path.

        Raises:
            ConfigurationError: it is neither.

        """
        found = self._named("HEALTH", None)
        if found is None:
            return False
        if not isinstance(found, bool) and not callable(found):
            raise ConfigurationError(
                f'MONITE_AUTH["HEALTH"] is True, or a function from the request to a bool, not {kind_of(found)}.'
            )
        return found  # type: ignore[no-any-return]  # what the function returns is the project's matter

    @property
    def ALLOWED_ORIGINS(self) -> Collection[str]:  # noqa: N802
        """Other origins whose pages may have a user's token, such as "https://app.example.com"."""
        return parse_origins(self.MONITE_AUTH.get("ALLOWED_ORIGINS", ()))

    @property
    def API(self) -> bool:  # noqa: N802
        """Whether `monite/api/…` is Monite's API for the app's own pages, which then need no token (docs/browser.md).

        Raises:
            ConfigurationError: it is neither True nor False, or other origins are to have tokens.

        """
        found = self.MONITE_AUTH.get("API", False)
        if not isinstance(found, bool):
            raise ConfigurationError(f'MONITE_AUTH["API"] is True or False, not {kind_of(found)}.')
        if found and self.ALLOWED_ORIGINS:
            raise ConfigurationError(
                "MONITE_AUTH has ALLOWED_ORIGINS beside API: Monite's API is for the app's own pages. Leave one of them out."
            )
        return found

    @property
    def unknown_names(self) -> list[str]:
        """Keys of `MONITE_AUTH` that mean nothing."""
        return [name for name in self.MONITE_AUTH if name not in self.known_names]

    @property
    def known_names(self) -> frozenset[str]:
        """All keys that `MONITE_AUTH` may have."""
        return SETTING_NAMES | {
            "DIRECTORY",
            "IDENTIFY",
            "AUTHORIZE",
            "STORE",
            "EVENT_SINKS",
            "HEALTH",
            "ALLOWED_ORIGINS",
            "API",
        }

    def core_values(self) -> dict[str, Any]:
        """Return the values of the core's settings, secrets masked; `MONITE_AUTH` wins over the environment."""
        return app_settings(self.MONITE_AUTH)

    @discreet
    def core_settings(self) -> Settings:
        """Return the core's settings; raises ConfigurationError with everything that is wrong."""
        named = {f"MONITE_{name}": value for name, value in self.core_values().items()}  # as errors call them
        return Settings.from_mapping(named, prefix="MONITE_")

    def directory(self) -> Directory | Mapping[Any, EntityUser]:
        """Return the directory, made if it is a class or a function."""
        found = self.DIRECTORY
        made: Any = found() if isclass(found) else found
        if callable(made) and not isinstance(made, Directory):
            return ProjectDirectory(made)
        return made  # type: ignore[no-any-return]  # whatever it is, the core looks at it

    def _named(self, name: str, default: str | None) -> Any:
        return self._imported(name, self.MONITE_AUTH.get(name, default))

    def _imported(self, name: str, found: Any) -> Any:
        if not isinstance(found, str):
            return found
        try:
            return import_string(found)
        except ImportError as error:
            raise ConfigurationError(
                f'MONITE_AUTH["{name}"] is the dotted path of something that can be imported, not {found!r}: {error}.'
            ) from error


conf = Conf()
