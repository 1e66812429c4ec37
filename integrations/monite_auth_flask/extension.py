"""The extension: one broker for each app, `current_monite` for each request, and errors as answers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from flask import Flask, current_app
from werkzeug.local import LocalProxy

from monite_auth import MoniteAccess, TokenBroker
from monite_auth.adapter import Authorize, DirectoryLike, LazyBroker
from monite_auth.errors import ConfigurationError
from monite_auth.events import Sink
from monite_auth.stores import Store
from monite_auth_flask.answers import add_error_handlers
from monite_auth_flask.cli import commands
from monite_auth_flask.config import settings_of
from monite_auth_flask.directory import authorize_of, directory_of
from monite_auth_flask.hooks import Identify, RequestHooks
from monite_auth_flask.login import LoginSignals
from monite_auth_flask.outbox import outbox_of

__all__ = ["MoniteAuth", "current_monite", "request_access"]

DirectoryT = TypeVar("DirectoryT", bound=DirectoryLike)
IdentifyT = TypeVar("IdentifyT", bound=Identify)
AuthorizeT = TypeVar("AuthorizeT", bound=Authorize)


@dataclass
class Given:
    """What the app gives to the extension, at once or by a decorator later; see MoniteAuth."""

    directory: DirectoryLike | None
    identify: Identify | None
    authorize: Authorize | None
    store: Store | None
    events: Sink | Iterable[Sink]
    outbox: object
    broker: TokenBroker | None


class MoniteAuth:
    """Monite access tokens for Flask apps: one, or several in a process.

        monite = MoniteAuth(app)                # or MoniteAuth(), and monite.init_app(app) later

    `directory`: who a principal is in Monite: a function (`def` or `async def`), a mapping, or a Directory; or use
    the decorator `@monite.directory`.
    `identify`: who is logged in: a function without arguments that returns a Principal or None; or use the decorator
    `@monite.identify`. It is asked before a request's view and after it. The default: Flask-Login's `current_user`
    where the app has Flask-Login, else `session["user_id"]`.
    `authorize`: what a principal may do, in the security models where the application decides; or use the decorator
    `@monite.authorize`. See TokenBroker.
    `store`: where tokens live, for all apps: a store that you have made yourself. By default, what `MONITE_STORE_URL` says.
    `events`: functions that take each Event for auditors; see TokenBroker.
    `outbox`: what opens a connection to your database, for `broker.end_user_in`; see TokenBroker. A function is called in an
    application context.
    `broker`: one that you have built yourself, for all apps. By default each app gets its own, from `MONITE_…` in
    `app.config`, and in the environment where that has nothing.

    Raises ConfigurationError for a broker beside what a broker has, and for an app that has Monite already.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        directory: DirectoryLike | None = None,
        identify: Identify | None = None,
        authorize: Authorize | None = None,
        store: Store | None = None,
        events: Sink | Iterable[Sink] = (),
        outbox: object = None,
        broker: TokenBroker | None = None,
    ) -> None:
        if broker is not None and not (
            directory is None and authorize is None and store is None and events == () and outbox is None
        ):
            raise ConfigurationError(
                "MoniteAuth got a broker, which has all that it needs, and another directory, authorize or store, or events or an outbox."
            )
        self._given = Given(directory, identify, authorize, store, events, outbox, broker)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add Monite to an app: its requests, its error handlers, its commands.

        Raises:
            ConfigurationError: the app has it already.

        """
        if "monite_auth" in app.extensions:
            raise ConfigurationError("This app has a MoniteAuth already; it takes one.")
        state = app.extensions["monite_auth"] = AppState(self._given, app)
        app.cli.add_command(commands)
        add_error_handlers(app, lambda: state.broker.settings)

    def directory(self, function: DirectoryT) -> DirectoryT:
        """Register the function that says who a principal is in Monite: an EntityUser, or None.

        Raises:
            ConfigurationError: there is a broker of the app's own, which has a directory.

        """
        if self._given.broker is not None:
            raise ConfigurationError("MoniteAuth was given a broker, which has a directory of its own.")
        self._given.directory = function
        return function

    def identify(self, function: IdentifyT) -> IdentifyT:
        """Register the function that says who is logged in: a Principal, or None."""
        self._given.identify = function
        return function

    def authorize(self, function: AuthorizeT) -> AuthorizeT:
        """Register the function that says what a principal may do: True or False.

        Raises:
            ConfigurationError: there is a broker of the app's own, which has an `authorize`, or none.

        """
        if self._given.broker is not None:
            raise ConfigurationError(
                "MoniteAuth was given a broker, which has an authorize of its own, or none."
            )
        self._given.authorize = function
        return function

    @property
    def broker(self) -> TokenBroker:
        """The current app's broker."""
        return state_of_current_app().broker


class AppState:
    """The state of one app: `app.extensions["monite_auth"]`."""

    def __init__(self, given: Given, app: Flask) -> None:
        self._given = given
        self._app = app
        self._broker = LazyBroker(self._build)
        self.hooks = RequestHooks(app, lambda: self.broker, lambda: given.identify)
        self._signals = LoginSignals(app, self.hooks)

    @property
    def broker(self) -> TokenBroker:
        """The app's broker, built when it is first needed."""
        return self._given.broker or self._broker()

    def _build(self) -> TokenBroker:
        directory = self._given.directory
        if directory is None:
            raise ConfigurationError(
                "Nothing says who a user is in Monite: put @monite.directory above a function that takes a Principal "
                "and returns its EntityUser (or None), or give MoniteAuth(directory=…)."
            )
        authorize = self._given.authorize
        return TokenBroker(
            settings_of(self._app),
            directory_of(self._app, directory),
            authorize=None if authorize is None else authorize_of(self._app, authorize),
            store=self._given.store,
            events=self._given.events,
            outbox=outbox_of(self._app, self._given.outbox),
        )


def state_of_current_app() -> AppState:
    """Return the state of the current app; raises ConfigurationError if it has no MoniteAuth."""
    state = current_app.extensions.get("monite_auth")
    if not isinstance(state, AppState):
        raise ConfigurationError("This app has no MoniteAuth: call MoniteAuth(app), or monite.init_app(app).")
    return state


def request_access() -> MoniteAccess:
    """Return the current request's MoniteAccess."""
    return state_of_current_app().hooks.access()


current_monite: MoniteAccess = LocalProxy(request_access)  # type: ignore[assignment]  # a proxy is what it stands for
"""Monite for the logged-in user; falsy for an anonymous visitor."""
