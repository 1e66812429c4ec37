"""URLs of the test project. Those that begin with `a/` are async."""

from django.contrib import admin
from django.urls import include, path

from monite_auth_django.decorators import monite_required
from monite_auth_django.views import atoken
from tests.django.project import views

PAIRS = [
    "log_in",
    "log_out",
    "log_out_by_hand",
    "flush",
    "clear",
    "forget",
    "change_password",
    "put",
    "nothing",
    "facts",
    "me",
    "headers",
    "required",
    "organization",
    "work",
    "create",
]

urlpatterns = [
    *(path(name, getattr(views, name)) for name in PAIRS),
    *(path(f"a/{name}", getattr(views, f"a{name}")) for name in PAIRS),
    path("a/asked_too_early", views.asked_too_early),
    path("a/asked_too_late", views.asked_too_late),
    path("page", monite_required(views.Page.as_view())),
    path("a/page", monite_required(views.APage.as_view())),
    path("rest", views.rest),
    path("monite/", include("monite_auth_django.urls")),
    path("a/monite/token", atoken),
    path("admin/", admin.site.urls),
]
