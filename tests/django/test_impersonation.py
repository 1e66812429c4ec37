"""Staff who act as a customer: by replacing `request.user` (django-impersonate), by a login (django-hijack), or by hand."""

import pytest
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.utils.functional import SimpleLazyObject

from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth_django import broker
from tests.django.conftest import Visitor, code, live, log_in
from tests.django.project.both import Both
from tests.django.project.urls import urlpatterns as usual

MIDDLEWARE = list(project.MIDDLEWARE)


def user_named(name):
    return get_user_model().objects.get(username=name)


class Acting(Both):
    """Sets `request.user` to the user in the session, as homemade middleware does. It does not set `request.auser`."""

    lazily = False

    def serve(self, request):
        name = request.session.get("as")
        if name and self.lazily:
            request.user = SimpleLazyObject(lambda: user_named(name))
        elif name:
            request.user = user_named(name)
        return self.get_response(request)

    async def aserve(self, request):
        name = await request.session.aget("as")
        if name and self.lazily:
            request.user = SimpleLazyObject(lambda: user_named(name))
        elif name:
            request.user = await get_user_model().objects.aget(username=name)
        return await self.get_response(request)


class ActingLazily(Acting):
    lazily = True


def act(request):
    request.session["as"] = request.GET.get("user")
    return HttpResponse("acting")


async def aact(request):
    await request.session.aset("as", request.GET.get("user"))
    return HttpResponse("acting")


def with_middleware(*paths):
    return override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[*MIDDLEWARE[:-1], *paths, MIDDLEWARE[-1]])


@pytest.fixture(params=[Acting, ActingLazily])
def staff(request, visitor, anna, viktor):
    """Anna, who may act as Viktor."""
    with with_middleware(f"{__name__}.{request.param.__name__}"):
        staff = visitor.another()
        log_in(staff, "anna")
        assert staff("me").json()["id"] == ANNA_ID
        yield staff


def act_as(staff, name=None):
    staff("act", query_params={"user": name} if name else {})


def test_promise_1_during_an_impersonation_monite_is_asked_as_the_customer(staff):
    act_as(staff, "viktor")
    for _ in range(2):
        assert staff("me").json()["id"] == VIKTOR_ID
    act_as(staff)
    assert staff("me").json()["id"] == ANNA_ID


def test_promise_5_the_customers_token_ends_with_the_impersonation(staff, emulator):
    act_as(staff, "viktor")
    staff("me")
    act_as(staff)
    assert live(emulator, VIKTOR_ID) == 0
    assert staff("me").json()["id"] == ANNA_ID
    assert len(emulator.monite.ledger.mints(ANNA_ID)) == 1  # the staff member's own session goes on


@pytest.mark.parametrize("way", ["log_out", "flush", "clear", "forget"])
def test_promise_5_a_logout_of_the_member_of_staff_ends_both(staff, emulator, way):
    act_as(staff, "viktor")
    staff("me")
    staff(way)
    assert live(emulator, ANNA_ID) == live(emulator, VIKTOR_ID) == 0


def test_promise_5_acting_as_another_customer_ends_the_first_impersonation(staff, emulator, anna):
    get_user_model().objects.create_user("stranger")
    act_as(staff, "viktor")
    staff("me")
    act_as(staff, "stranger")
    assert code(staff("me")) == "not_linked"
    assert live(emulator, VIKTOR_ID) == 0


def test_promise_5_an_impersonation_that_ends_unseen_is_over_with_the_next_request(staff, emulator, viktor):
    act_as(staff, "viktor")
    staff("me")
    # For example because its time is up.
    with override_settings(MIDDLEWARE=MIDDLEWARE, ROOT_URLCONF=__name__):
        later = staff.another()
        later.client.cookies = staff.client.cookies
        later("put")  # does not use Monite
    assert live(emulator, VIKTOR_ID) == 0


def test_the_customers_own_session_goes_on(staff, emulator):
    own = staff.another()
    log_in(own, "viktor")
    session = own("facts").json()["session"]
    act_as(staff, "viktor")
    assert staff("facts").json()["session"] != session
    staff("me")
    act_as(staff)
    live(emulator, VIKTOR_ID)
    assert own("facts").json()["session"] == session
    assert own("me").json()["id"] == VIKTOR_ID


def test_promise_5_ending_the_customer_ends_impersonations_until_a_new_one_begins(staff, viktor):
    act_as(staff, "viktor")
    staff("me")
    broker().end_user(str(viktor.pk))
    assert code(staff("me")) == "session_ended"
    act_as(staff)
    assert staff("me").json()["id"] == ANNA_ID
    act_as(staff, "viktor")
    assert staff("me").json()["id"] == VIKTOR_ID


def test_requests_during_an_impersonation_mint_once(staff, emulator):
    act_as(staff, "viktor")
    for _ in range(3):
        staff("me")
        staff("put")
    assert len(emulator.monite.ledger.mints(VIKTOR_ID)) == 1


# -- real packages


@pytest.fixture
def desk(anna, viktor):
    """The browser of Anna, a superuser, in a project with both packages."""
    anna.is_superuser = anna.is_staff = True
    anna.save()
    with with_middleware(
        "impersonate.middleware.ImpersonateMiddleware", "hijack.middleware.HijackUserMiddleware"
    ):
        desk = Visitor()
        desk.client.force_login(anna)
        assert desk("me").json()["id"] == ANNA_ID
        yield desk


@pytest.mark.parametrize("package", ["impersonate", "hijack"])
@pytest.mark.parametrize("end", ["stop", "log_out"])
def test_promise_5_impersonations_of_real_packages_end(desk, emulator, viktor, package, end):
    if package == "impersonate":
        desk(f"impersonate/{viktor.pk}/")
    else:
        desk("hijack/acquire/", method="post", data={"user_pk": viktor.pk})
    assert desk("me").json()["id"] == VIKTOR_ID
    if end == "log_out":
        desk("log_out")
        assert live(emulator, ANNA_ID) == 0
    elif package == "impersonate":
        desk("impersonate/stop/")
    else:
        desk("hijack/release/", method="post")
    assert live(emulator, VIKTOR_ID) == 0
    assert desk("me").status_code == (401 if end == "log_out" else 200)


urlpatterns = [
    *usual,
    path("act", act),
    path("a/act", aact),
    path("impersonate/", include("impersonate.urls")),
    path("hijack/", include("hijack.urls")),
]
