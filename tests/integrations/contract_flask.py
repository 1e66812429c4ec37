"""The contract's site in Flask."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask, request, session

from monite_auth import Settings, TokenBroker
from monite_auth_flask import MoniteAuth, current_monite, monite_blueprint
from tests.integrations.contract_site import PARTNER_ORIGIN, PEOPLE, Answer, Form

PATHS = {
    "login": "/login",
    "switch": "/switch",
    "logout": "/logout",
    "me": "/me",
    "token": "/monite/token",
}


def login() -> str:
    session.clear()
    return switch()


def switch() -> str:
    session["user_id"] = request.args["user"]
    return "in"


def logout() -> str:
    session.clear()
    return "out"


def me() -> tuple[Any, int]:
    answer = current_monite.client.get("/entity_users/me")
    return answer.json(), answer.status_code


async def alogin() -> str:
    return login()


async def aswitch() -> str:
    return switch()


async def alogout() -> str:
    return logout()


async def ame() -> tuple[Any, int]:
    answer = await current_monite.aclient.get("/entity_users/me")
    return answer.json(), answer.status_code


VIEWS: dict[Form, tuple[Callable[[], Any], ...]] = {
    "sync": (login, switch, logout, me),
    "async": (alogin, aswitch, alogout, ame),
}


def app_of(broker: TokenBroker, form: Form) -> Flask:
    app = Flask(__name__)
    app.secret_key = "s"
    enter, change, leave, ask = VIEWS[form]
    app.add_url_rule("/login", view_func=enter, methods=["POST"])
    app.add_url_rule("/switch", view_func=change, methods=["POST"])
    app.add_url_rule("/logout", view_func=leave, methods=["POST"])
    app.add_url_rule("/me", view_func=ask)
    MoniteAuth(app, broker=broker)
    app.register_blueprint(monite_blueprint(allowed_origins=[PARTNER_ORIGIN]), url_prefix="/monite")
    return app


class FlaskClient:
    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()

    def send(self, method: str, page: str, *, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        answer = self._client.open(
            PATHS[page], method=method, query_string=dict(query), headers=dict(headers)
        )
        found = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, found, answer.text)

    @property
    def cookie(self) -> str:
        found = self._client.get_cookie("session")
        assert found is not None
        return found.value

    @cookie.setter
    def cookie(self, value: str | None) -> None:
        self._client.delete_cookie("session")
        if value is not None:
            self._client.set_cookie("session", value)


class FlaskSite:
    origin = "http://localhost"
    old_cookie = "session_ended"

    def __init__(self, broker: TokenBroker, app: Flask) -> None:
        self.broker = broker
        self._app = app

    def client(self) -> FlaskClient:
        return FlaskClient(self._app)

    def user_id(self, name: str) -> str:
        return name

    @contextmanager
    def sessions_expired(self) -> Iterator[None]:
        lifetime = self._app.permanent_session_lifetime
        self._app.permanent_session_lifetime = timedelta(seconds=-1)
        yield
        self._app.permanent_session_lifetime = lifetime


@contextmanager
def flask_site(settings: Settings, form: Form) -> Iterator[FlaskSite]:
    with TokenBroker(settings, PEOPLE) as broker:
        yield FlaskSite(broker, app_of(broker, form))
