"""The contract's site in Flask."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import Flask, request, session

from monite_auth import Principal, Settings, TokenBroker
from monite_auth.testing.adapters import DIRECTORY, PARTNER_ORIGIN, Answer
from monite_auth_flask import (
    MoniteAuth,
    current_monite,
    identify,
    monite_allowed,
    monite_blueprint,
    monite_required,
)
from tests.integrations.contract_site import API, PATHS, Form


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


def organization() -> str:
    session["organization"] = request.args["organization"]
    return "there"


def work() -> Any:
    may = {
        "create": current_monite.can("payable", "create"),
        "delete": current_monite.can("payable", "delete"),
        "delete own": current_monite.can("payable", "delete", own=True),
    }
    return {"headers": current_monite.headers(), "role": current_monite.role().name, "may": may}


@monite_required
def required() -> str:
    return "in"


@monite_allowed("payable", "create")
def create() -> Any:
    return current_monite.client.post("/payables", json={"document_id": "X-1"}).raise_for_status().json()


async def alogin() -> str:
    return login()


async def aswitch() -> str:
    return switch()


async def alogout() -> str:
    return logout()


async def ame() -> tuple[Any, int]:
    answer = await current_monite.aclient.get("/entity_users/me")
    return answer.json(), answer.status_code


async def aorganization() -> str:
    return organization()


async def awork() -> Any:
    may = {
        "create": await current_monite.acan("payable", "create"),
        "delete": await current_monite.acan("payable", "delete"),
        "delete own": await current_monite.acan("payable", "delete", own=True),
    }
    return {
        "headers": await current_monite.aheaders(),
        "role": (await current_monite.arole()).name,
        "may": may,
    }


@monite_required
async def arequired() -> str:
    return "in"


@monite_allowed("payable", "create")
async def acreate() -> Any:
    answer = await current_monite.aclient.post("/payables", json={"document_id": "X-1"})
    return answer.raise_for_status().json()


def in_tenant() -> Principal | None:
    return identify(tenant=session.get("organization"))


async def ain_tenant() -> Principal | None:
    return in_tenant()


VIEWS: dict[Form, tuple[Callable[[], Any], ...]] = {
    "sync": (login, switch, logout, me, organization, work, required, create, in_tenant),
    "async": (alogin, aswitch, alogout, ame, aorganization, awork, arequired, acreate, ain_tenant),
}


def app_of(settings: Settings, form: Form, *, tenants: bool, authorize: Any, store: Any, api: bool) -> Flask:
    app = Flask(__name__)
    app.secret_key = "s"
    enter, change, leave, ask, go, tell, guarded, make, who = VIEWS[form]
    app.add_url_rule("/login", view_func=enter, methods=["POST"])
    app.add_url_rule("/switch", view_func=change, methods=["POST"])
    app.add_url_rule("/logout", view_func=leave, methods=["POST"])
    app.add_url_rule("/me", view_func=ask)
    app.add_url_rule("/organization", view_func=go, methods=["POST"])
    app.add_url_rule("/work", view_func=tell)
    app.add_url_rule("/required", view_func=guarded)
    app.add_url_rule("/create", view_func=make, methods=["POST"])
    app.config.update(
        MONITE_CLIENT_ID=settings.client_id,
        MONITE_CLIENT_SECRET=settings.secret.reveal(),
        MONITE_BASE_URL=settings.base_url,
        MONITE_REQUESTS_PER_SECOND=settings.requests_per_second,
        MONITE_DEADLINE=settings.deadline,
        MONITE_OUTAGE_TRUST=settings.outage_trust,
        MONITE_SECURITY_MODEL=settings.security_model,
        MONITE_STORE_URL=settings.store_url,
        MONITE_API_LONGEST_BODY=settings.api_longest_body,
        MONITE_API_CALLS_PER_SESSION=settings.api_calls_per_session,
        MONITE_API_ALLOW=settings.api_allow,
    )
    monite = MoniteAuth(app, directory=DIRECTORY, identify=who if tenants else None, store=store)
    if authorize is not None:
        monite.authorize(authorize)
    ours = monite_blueprint(api=True) if api else monite_blueprint(allowed_origins=[PARTNER_ORIGIN])
    app.register_blueprint(ours, url_prefix="/monite")
    return app


class FlaskClient:
    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()

    def send(self, method: str, page: str, *, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        answer = self._client.open(
            PATHS[page], method=method, query_string=dict(query), headers=dict(headers)
        )
        return _neutral(answer)

    def call(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        # Buffered: the answer is closed, as a server does.
        answer = self._client.open(API + path, method=method, headers=dict(headers), data=body, buffered=True)
        return _neutral(answer)

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


def _neutral(answer: Any) -> Answer:
    return Answer(
        answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.data
    )


class FlaskSite:
    origin = "http://localhost"
    old_cookie = "session_ended"

    def __init__(self, app: Flask) -> None:
        self._app = app

    @property
    def broker(self) -> TokenBroker:
        found: TokenBroker = self._app.extensions["monite_auth"].broker
        return found

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
def flask_site(settings: Settings, form: Form, **options: Any) -> Iterator[FlaskSite]:
    site = FlaskSite(app_of(settings, form, **options))
    with site.broker:
        yield site
