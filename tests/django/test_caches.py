"""Django's caches around the whole project: nobody gets an answer that was made for another user."""

import io
import itertools

import pytest
from django.conf import settings as project
from django.core.cache import cache
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path
from django.views.decorators.cache import cache_control, cache_page

from monite_auth import Principal
from monite_auth.emulator import ANNA_ID, VIKTOR_ID, Fault
from monite_auth_django import broker
from monite_auth_django.decorators import monite_required
from tests.django.conftest import code, log_in
from tests.django.project import views
from tests.django.project.urls import urlpatterns as usual

MIDDLEWARE = [
    "django.middleware.cache.UpdateCacheMiddleware",
    *project.MIDDLEWARE,
    "django.middleware.cache.FetchFromCacheMiddleware",
]


def who(request):
    """Identify users by a header, as a proxy in front sets it. There is no cookie that a cache could vary on."""
    user = request.headers.get("x-user")
    return Principal(user, session_id=request.headers["x-session"]) if user else None


@pytest.fixture
def cached(visitor):
    """A visitor of a project that caches every page unless the page forbids it."""
    cache.clear()
    with override_settings(MIDDLEWARE=MIDDLEWARE, ROOT_URLCONF=__name__, CACHE_MIDDLEWARE_SECONDS=600):
        yield visitor.another()
    cache.clear()


@pytest.fixture
def by_header(cached, monite_settings):
    """The same, with users identified by a header."""
    with override_settings(MONITE_AUTH={**monite_settings, "IDENTIFY": who}):
        yield lambda page, user, **more: cached(
            page, headers={"x-user": str(user.pk), "x-session": user.username} if user else {}, **more
        )
        cached.close()


@monite_required
def guarded(request):
    return HttpResponse("only for who is linked")


@monite_required
async def aguarded(request):
    return HttpResponse("only for who is linked")


def may(request):
    return JsonResponse({"may": request.monite.can("payable", "create")})


async def amay(request):
    return JsonResponse({"may": await request.monite.acan("payable", "create")})


numbers = itertools.count()


def counted(request):
    return HttpResponse(str(next(numbers)))


async def acounted(request):
    return counted(request)


def test_the_cache_works_where_monite_is_not_used(cached):
    assert cached("counted").content == cached("counted").content


# -- by sessions


@pytest.mark.parametrize(
    "page", ["me", "headers", "required", "guarded", "may", "page_cached", "monite/token"]
)
def test_promise_1_no_page_that_used_monite_is_answered_from_a_cache(cached, anna, viktor, page):
    other = cached.another()
    log_in(cached, "anna")
    log_in(other, "viktor")
    pages = [cached(page), other(page), cached(page)]
    for answer in pages:
        assert answer.status_code == 200
        assert answer["cache-control"] == "private, no-store"
        assert {"Cookie", "Authorization"} <= set(answer["vary"].replace(",", "").split())
    if page != "guarded":
        assert pages[0].content != pages[1].content
    cached("log_out")
    for nobody in (cached, cached.another()):
        assert nobody(page).content not in [answer.content for answer in pages[::2]]


def test_promise_3_a_token_that_was_revoked_meanwhile_does_not_come_out_of_a_cache(cached, emulator, anna):
    log_in(cached)
    first = cached("monite/token").json()["access_token"]
    broker().relink(str(anna.pk))
    second = cached("monite/token").json()["access_token"]
    assert second != first
    old = cached.client.cookies["sessionid"].value
    cached("log_out")
    cached.client.cookies["sessionid"] = old
    assert cached("monite/token").status_code == 401


# -- by a header


@pytest.mark.parametrize("page", ["me", "headers", "may", "page_cached", "monite/token"])
def test_promise_1_no_page_is_answered_from_a_cache_where_no_cookie_tells_users_apart(
    by_header, anna, viktor, page
):
    contents = [by_header(page, user).content for user in (anna, viktor, anna)]
    assert contents[0] != contents[1]
    answer = by_header(page, anna)
    assert (answer.status_code, answer["cache-control"]) == (200, "private, no-store")
    assert by_header(page, None).status_code == (200 if page == "may" else 401)


def test_promise_1_each_user_gets_their_own_token(by_header, emulator, anna, viktor):
    for user, entity_user in ((anna, ANNA_ID), (viktor, VIKTOR_ID), (anna, ANNA_ID)):
        given = by_header("monite/token", user).json()["access_token"]
        assert emulator.monite.ledger.find(given).entity_user_id == entity_user


# -- refusals


@pytest.mark.parametrize("page", ["me", "required", "guarded", "monite/token"])
def test_no_refusal_is_cached(cached, emulator, anna, monite_settings, page):
    refusal = cached(page)
    assert (refusal.status_code, refusal["cache-control"]) == (401, "private, no-store")
    assert "Cookie" in refusal["vary"]
    with override_settings(MONITE_AUTH={**monite_settings, "DEADLINE": 5}):
        log_in(cached)
        if page != "guarded":
            order = emulator.monite.faults.add(Fault(kind="throttle", path="/auth/token", retry_after=60))
            refusal = cached(page)
            assert (code(refusal), refusal["cache-control"]) == ("rate_limited", "private, no-store")
            emulator.monite.faults.remove(order.id)
        cached.close()
    assert cached(page).status_code == 200


# -- a view's own Cache-Control


def said(request):
    request.monite.token()
    return HttpResponse("said")


async def asaid(request):
    await request.monite.atoken()
    return HttpResponse("said")


def test_a_views_own_cache_control_is_kept_but_made_private(cached, anna):
    log_in(cached)
    said = cached("said")["cache-control"].replace(" ", "").split(",")
    assert set(said) == {"max-age=60", "private"}
    assert set(cached("public")["cache-control"].replace(" ", "").split(",")) == {"max-age=60", "public"}


# -- streams


def stream(request):
    parts = (str(bool(request.monite and request.monite.token())) for _ in range(1))
    return StreamingHttpResponse(parts, headers=request.GET.dict())


async def astream(request):
    async def parts():
        monite = await request.amonite()
        yield str(bool(monite and await monite.atoken()))

    return StreamingHttpResponse(parts(), headers=request.GET.dict())


@pytest.mark.parametrize(
    "headers", ["", "?Content-Length=4", "?ETag=v7", "?Last-Modified=Thu, 26 Nov 2026 02:00:00 GMT"]
)
def test_a_stream_that_may_still_use_a_token_is_not_cached(cached, anna, headers):
    assert "cache-control" not in cached("stream").headers
    log_in(cached)
    answer = cached(f"stream{headers}")
    assert answer["cache-control"] == "private, no-store"
    assert {"Cookie", "Authorization"} <= set(answer["vary"].replace(",", "").split())


def test_a_streamed_file_can_be_cached(cached, anna):
    log_in(cached)
    assert "private" not in cached("logo").get("cache-control", "")


def logo(request):
    return FileResponse(io.BytesIO(b"logo"), headers={"Content-Length": "4"})


async def alogo(request):
    return FileResponse(io.BytesIO(b"logo"), headers={"ETag": '"1"'})


def both(name, sync, asyncronous):
    return [path(name, sync), path(f"a/{name}", asyncronous)]


minute = cache_control(max_age=60)
public = cache_control(max_age=60, public=True)

urlpatterns = [
    *usual,
    *both("counted", counted, acounted),
    *both("guarded", guarded, aguarded),
    *both("may", may, amay),
    *both("said", minute(said), minute(asaid)),
    *both("public", public(said), public(asaid)),
    *both("stream", stream, astream),
    *both("logo", logo, alogo),
    # `cache_page` does not support `async def`, so under ASGI this is a `def` as well.
    *both("page_cached", cache_page(600)(views.me), cache_page(600)(views.me)),
]
