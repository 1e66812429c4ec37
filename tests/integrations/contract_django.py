"""The contract's site in Django: the project of `tests/django`, which keeps its sessions in the database."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

# This import sets Django up for the process, so it must come before all other imports of Django.
from tests.django.conftest import Visitor, close_connections, empty_database, make_user  # isort: skip

from anyio.from_thread import start_blocking_portal
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import override_settings
from django.test.utils import (
    _TestState,
    setup_databases,
    setup_test_environment,
    teardown_databases,
    teardown_test_environment,
)
from django.utils import timezone

import monite_auth_django
from monite_auth import Principal, Settings, TokenBroker
from monite_auth.testing.adapters import PARTNER_ORIGIN, Answer
from monite_auth.testing.adapters.site import ORGANIZATIONS, PEOPLE, STRANGER
from monite_auth_django.models import MoniteLink
from tests.integrations.contract_site import API, Form

PAGES = {
    "login": "log_in",
    "switch": "log_in",  # Django's `login` logs out the previous user
    "logout": "log_out",
    "me": "me",
    "organization": "organization",
    "work": "work",
    "required": "required",
    "create": "create",
    "token": "monite/token",
}


def in_tenant(request: HttpRequest) -> Principal | None:
    return monite_auth_django.identify(request, tenant=request.session.get("organization"))


async def ain_tenant(request: HttpRequest) -> Principal | None:
    return await monite_auth_django.aidentify(request, tenant=await request.session.aget("organization"))


class DjangoClient:
    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    def send(self, method: str, page: str, *, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        options = {"query_params": dict(query), "headers": dict(headers)}
        answer = self._visitor(PAGES[page], method=method.lower(), **options)
        return _neutral(answer, answer.content)

    def call(self, method: str, path: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        others = dict(headers)
        content_type = others.pop("content-type", "application/octet-stream")
        answer: Answer = self._visitor.run(
            partial(self._call, method, API + path, body, content_type, headers=others)
        )
        return answer

    def _call(self, *request: Any, **options: Any) -> Answer:
        answer = self._visitor.client.generic(*request, **options)
        return _neutral(answer, b"".join(answer))

    @property
    def cookie(self) -> str:
        return str(self._visitor.client.cookies["sessionid"].value)

    @cookie.setter
    def cookie(self, value: str | None) -> None:
        self._visitor.client.cookies.clear()
        if value is not None:
            self._visitor.client.cookies["sessionid"] = value


class AsyncDjangoClient(DjangoClient):
    async def _call(self, *request: Any, **options: Any) -> Answer:  # type: ignore[override]  # a twin
        answer = await self._visitor.client.generic(*request, **options)
        is_async = answer.streaming and answer.is_async  # the test client replaces what HEAD is not to have
        chunks = [chunk async for chunk in answer] if is_async else answer
        return _neutral(answer, b"".join(chunks))


def _neutral(answer: Any, content: bytes) -> Answer:
    found = {name.lower(): value for name, value in answer.headers.items()}
    if answer.cookies:
        found["set-cookie"] = answer.cookies.output(header="")
    return Answer(answer.status_code, found, content)


class DjangoSite:
    origin = "http://testserver"
    old_cookie = "not_logged_in"  # the row of the session is deleted

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    @property
    def broker(self) -> TokenBroker:
        return monite_auth_django.broker()

    def client(self) -> DjangoClient:
        kind = AsyncDjangoClient if self._visitor.is_async else DjangoClient
        return kind(self._visitor.another())

    def user_id(self, name: str) -> str:
        return str(get_user_model().objects.get(username=name).pk)

    @contextmanager
    def sessions_expired(self) -> Iterator[None]:
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        yield


@contextmanager
def django_site(
    settings: Settings, form: Form, *, tenants: bool, authorize: Any, store: Any, api: bool
) -> Iterator[DjangoSite]:
    """Open a site in a database made by `django_database`."""
    monite: dict[str, Any] = {
        "CLIENT_ID": settings.client_id,
        "CLIENT_SECRET": settings.secret.reveal(),
        "BASE_URL": settings.base_url,
        "REQUESTS_PER_SECOND": settings.requests_per_second,
        "DEADLINE": settings.deadline,
        "OUTAGE_TRUST": settings.outage_trust,
        "SECURITY_MODEL": settings.security_model,
        "STORE_URL": settings.store_url,
        "STORE": store,
        "API_LONGEST_BODY": settings.api_longest_body,
        "API_CALLS_PER_SESSION": settings.api_calls_per_session,
        "API_ALLOW": settings.api_allow,
        **({"API": True} if api else {"ALLOWED_ORIGINS": [PARTNER_ORIGIN]}),
    }
    if tenants:
        monite["IDENTIFY"] = in_tenant if form == "sync" else ain_tenant
    if authorize is not None:
        monite["AUTHORIZE"] = authorize
    with override_settings(MONITE_AUTH=monite), ExitStack() as stack:
        stack.callback(empty_database)
        for name, linked in PEOPLE.items():
            make_user(name, linked.entity_user_id)
        make_user(STRANGER)
        anna = get_user_model().objects.get(username="anna")
        for tenant, linked in ORGANIZATIONS.items():
            MoniteLink.objects.create(
                user=anna, tenant=tenant, entity_user_id=linked.entity_user_id, entity_id=linked.entity_id
            )
        if form == "sync":
            yield DjangoSite(Visitor())
            return
        portal = stack.enter_context(start_blocking_portal())  # one event loop, as in a server
        visitor = Visitor(portal)
        yield DjangoSite(visitor)
        visitor.close()
        portal.call(sync_to_async(close_connections))


@contextmanager
def django_database() -> Iterator[None]:
    """Create the test database, unless `tests/django` has already created it for the whole process."""
    if hasattr(_TestState, "saved_data"):
        yield
        return
    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(databases, verbosity=0)
    close_connections()
    teardown_test_environment()
