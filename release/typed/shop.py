"""An application as its author would write and check it: every adapter, with annotations, under the strictest settings.

mypy and pyright read this file against the installed package; nobody runs it.
"""

from typing import assert_type

import httpx
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from flask import Flask, Response
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request

import monite_auth_asgi
from monite_auth import (
    AccessToken,
    BrokerAuth,
    DrainReport,
    EndReport,
    EntityUser,
    Health,
    MemoryStore,
    MoniteAccess,
    Principal,
    RedisStore,
    Secret,
    SecurityModel,
    Settings,
    SQLiteStore,
    TokenBroker,
    UserStatus,
    errors,
)
from monite_auth.rbac import Role
from monite_auth.stores import Store
from monite_auth_django import MoniteHttpRequest
from monite_auth_django import forward as django_forward
from monite_auth_django.decorators import monite_required
from monite_auth_flask import MoniteAuth, current_monite, monite_blueprint
from monite_auth_starlette import MoniteAuthMiddleware, monite, monite_app
from monite_auth_starlette.fastapi import LoggedInMonite


def who(principal: Principal) -> EntityUser | None:
    return EntityUser("entity-user", "entity") if principal.user_id == "anna" else None


async def awho(principal: Principal) -> EntityUser | None:
    return who(principal)


def may(principal: Principal, object_type: str, action: str) -> bool:
    return principal.tenant is None and object_type == "payable" and action == "read"


settings = Settings(
    client_id="id", client_secret=Secret("secret"), security_model=SecurityModel.MONITE_MANAGED
)
broker = TokenBroker(settings, who)
TokenBroker(Settings.from_env(), {"anna": EntityUser("entity-user", "entity")})
TokenBroker(Settings.from_env(), awho, store=MemoryStore(), authorize=may)
stores: list[Store] = [
    MemoryStore(),
    SQLiteStore("tokens.db", keys=(Secret("key"),)),
    RedisStore("redis://127.0.0.1", keys=(Secret("key"),)),
]


def use(principal: Principal) -> str:
    token = broker.token(principal, min_ttl=60)
    assert_type(token, AccessToken)
    assert_type(token.expires_in, float)
    assert_type(broker.headers(principal), dict[str, str])
    assert_type(broker.can(principal, "payable", "create"), bool)
    assert_type(broker.role(principal), Role)
    assert_type(broker.drain(), DrainReport)
    assert_type(broker.end_everything(), EndReport)
    assert_type(broker.health(), Health)
    assert_type(broker.status("anna"), UserStatus)
    auth: BrokerAuth = broker.auth(principal)
    with httpx.Client(auth=auth) as client:
        assert_type(client.get("/payables"), httpx.Response)
    try:
        assert_type(broker.client(principal).get("/payables"), httpx.Response)
    except errors.RateLimited as error:
        return f"{error.status_hint} {error.retry_after} {error.request_id}"
    except errors.MoniteAuthError as error:
        return error.public_message
    return token.value.reveal()


async def ause(principal: Principal) -> AccessToken:
    async with broker:
        await broker.alogin(principal)
        assert_type(await broker.aheaders(principal), dict[str, str])
        await broker.alogout(principal)
        return await broker.atoken(principal)


# Starlette and FastAPI
async def page(request: Request) -> str:
    access = monite(request)
    assert_type(access, MoniteAccess)
    answer = await access.aclient.get("/payables")
    return answer.text


async def dependency(access: LoggedInMonite) -> str:
    return (await access.atoken()).authorization


app = Starlette(middleware=[Middleware(MoniteAuthMiddleware, broker=broker)])
app.mount("/monite", monite_app(api=True))
any_asgi_app = monite_auth_asgi.MoniteAuthMiddleware(app, broker=broker)


# Django
def invoices(request: MoniteHttpRequest) -> HttpResponseBase:
    assert_type(request.monite, MoniteAccess)
    assert_type(request.monite.token(), AccessToken)
    plain: HttpRequest = request
    return django_forward(request.monite.client.get("/payables", params={"user": str(plain.user)}))


@monite_required
async def ainvoices(request: MoniteHttpRequest) -> HttpResponse:
    access = await request.amonite()
    assert_type(access, MoniteAccess)
    return HttpResponse((await access.aclient.get("/payables")).content)


# Flask
flask_app = Flask(__name__)
extension = MoniteAuth(flask_app, directory=who)
flask_app.register_blueprint(monite_blueprint(), url_prefix="/monite")


@flask_app.get("/invoices")
def flask_invoices() -> Response:
    return Response(current_monite.client.get("/payables").content)
