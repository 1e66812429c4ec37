"""Monite's API for the project's own pages, beside whatever else Django does with a request. The contract has the rest."""

import gzip
import io

import pytest
from django.conf import settings as project
from django.db import connections
from django.urls import reverse

from monite_auth.errors import ConfigurationError
from monite_auth.testing.adapters.site import CALL
from monite_auth.testing.adapters.upstream import Reply, upstream
from monite_auth_django.checks import check_project
from tests.django.conftest import log_in
from tests.integrations.contract_django import AsyncDjangoClient, DjangoClient
from tests.waiting import until

FILE = "receivables/0f7e1a52-6c1d-4b0e-9a53-d0c0ffee0001"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def monite():
    with upstream() as running:
        yield running


@pytest.fixture
def served(settings, monite_settings, monite):
    """The project, with the API switched on. A session has one call at a time, so one that is not over refuses the next."""
    served = {**monite_settings, "BASE_URL": monite.url, "API": True, "API_CALLS_PER_SESSION": 1}
    settings(MONITE_AUTH=served)
    return served


class Page:
    def __init__(self, visitor):
        self.visitor = visitor
        log_in(visitor)
        self._client = (AsyncDjangoClient if visitor.is_async else DjangoClient)(visitor)

    def call(self, method="GET", path="payables", body=b"", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.call(method, path, headers={**CALL, **named}, body=body)


@pytest.fixture
def page(served, visitor, anna):
    return Page(visitor)


@pytest.fixture
def page_with(served, settings, visitor, anna):
    """Return the page of a project that has another middleware around all others."""

    def made(middleware):
        settings(MIDDLEWARE=[middleware, *project.MIDDLEWARE])
        return Page(visitor)

    return made


def test_without_the_setting_there_is_no_api(visitor, anna):
    assert Page(visitor).call().status == 404


def test_its_address_has_a_name():
    assert reverse("monite:api", kwargs={"path": "payables"}) == "/monite/api/payables"


def test_origins_beside_it_are_refused_by_the_check_and_where_they_would_count(served, settings, client):
    settings(MONITE_AUTH={**served, "ALLOWED_ORIGINS": ["https://app.example.com"]})
    (message,) = check_project()
    assert (message.id, "own pages" in message.msg, bool(message.hint)) == ("monite_auth.E003", True, True)
    with pytest.raises(ConfigurationError, match="ALLOWED_ORIGINS beside API"):
        client.get("/monite/token")


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_the_setting_is_true_or_false(served, settings, value):
    settings(MONITE_AUTH={**served, "API": value})
    (message,) = check_project()
    assert message.id == "monite_auth.E003"
    assert 'MONITE_AUTH["API"] is True or False' in message.msg


def test_a_correct_configuration_passes_all_checks(served):
    assert check_project() == []


def test_it_needs_no_csrf_token_and_leaves_the_body_to_monite(served, visitor, anna, monite):
    page = Page(visitor.another(enforce_csrf_checks=True))
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert page.call("POST", body=b"a=1&csrfmiddlewaretoken=x", **form).status == 200
    assert monite.last.beginning == b"a=1&csrfmiddlewaretoken=x"


def test_whoever_is_not_logged_in_gets_a_401_and_no_page(served, settings, visitor):
    settings(MIDDLEWARE=[*project.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"])
    client = (AsyncDjangoClient if visitor.is_async else DjangoClient)(visitor)
    answer = client.call("GET", "payables", headers={**CALL, "accept": "text/html"}, body=b"")
    assert answer.refusal == (401, "not_logged_in")


def test_nobody_is_asked_who_is_logged_in_for_a_page_of_another_site(served, settings, visitor, anna):
    asked = []
    settings(MONITE_AUTH={**served, "IDENTIFY": asked.append})
    client = (AsyncDjangoClient if visitor.is_async else DjangoClient)(visitor)
    for site, code in (("cross-site", "cross_site"), ("same-origin", "not_logged_in")):
        assert asked == []
        answer = client.call("GET", "payables", headers={**CALL, "sec-fetch-site": site}, body=b"")
        assert answer.refusal[1] == code
    assert asked


def test_no_transaction_is_open_while_monite_is_called(page, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    assert page.call().status == 200  # an async view could not be called at all


def test_no_address_is_changed_by_a_redirect(page_with):
    page = page_with("django.middleware.common.CommonMiddleware")
    for path in ("payables/", "payables//", "/payables", "nothing", "auth/token", ""):
        assert page.call(path=path).status in (200, 404), path


def test_what_is_packed_is_not_packed_twice_and_what_is_not_may_be(page_with, monite):
    content = b'{"data": "' + b"x" * 5000 + b'"}'
    packed = gzip.compress(content)
    page = page_with("django.middleware.gzip.GZipMiddleware")
    monite.reply = lambda _call: Reply(headers={**JSON, "Content-Encoding": "gzip"}, body=packed)
    answer = page.call(accept_encoding="gzip")
    assert (answer.headers["content-encoding"], answer.content) == ("gzip", packed)
    monite.reply = lambda _call: Reply(headers=JSON, body=content)
    answer = page.call(accept_encoding="gzip")
    assert gzip.decompress(answer.content) == content
    assert answer.headers.get("content-length", str(len(answer.content))) == str(len(answer.content))


def test_a_response_that_a_middleware_sends_instead_leaves_no_call_open(page_with, monite):
    monite.reply = lambda _call: Reply(headers={**JSON, "ETag": '"1"'}, body=[b"{}"] * 10)
    page = page_with("django.middleware.http.ConditionalGetMiddleware")
    assert page.call().headers["etag"] == '"1"'
    for _ in range(3):
        until(lambda: page.call(if_none_match='"1"').status == 304)


def test_a_session_is_stored_before_the_stream_begins(page, monite):
    monite.reply = lambda _call: Reply(headers={"Content-Type": "application/pdf"}, body=[b"%PDF", b"-1.7"])
    answer = page.call(path=FILE)
    assert answer.content == b"%PDF-1.7"
    assert answer.headers["cache-control"] == "private, no-store"


class Chunked(io.BytesIO):
    """The `wsgi.input` of a server that takes bodies in chunks."""


@pytest.mark.parametrize(("shows_end", "status"), [(True, 200), (False, 411)])
def test_a_body_in_chunks_needs_a_server_that_shows_its_end(served, client, anna, monite, shows_end, status):
    client.force_login(anna)
    environ = {
        "wsgi.input": Chunked(b"some body"),
        "wsgi.input_terminated": shows_end,
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    answer = client.generic("POST", "/monite/api/payables", headers=CALL, **environ)
    assert answer.status_code == status
    assert [call.beginning for call in monite.calls] == [b"some body"] * shows_end


def test_an_empty_length_is_none_as_some_servers_have_it(served, client, anna, monite):
    client.force_login(anna)
    answer = client.get("/monite/api/payables", headers=CALL, CONTENT_LENGTH="", CONTENT_TYPE="")
    assert answer.status_code == 200
    assert "content-length" not in monite.last.headers
