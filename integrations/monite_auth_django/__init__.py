"""monite-auth for Django.

    INSTALLED_APPS += ["monite_auth_django"]
    MIDDLEWARE += ["monite_auth_django.middleware.MoniteAuthMiddleware"]   # after AuthenticationMiddleware
    MONITE_AUTH = {"STORE_URL": "redis://…"}                               # and MONITE_* in the environment
    urlpatterns += [path("monite/", include("monite_auth_django.urls"))]

Every request then has `request.monite`, a MoniteAccess, and `await request.amonite()` for event loops. Who a user is in
Monite is kept in `monite_auth_django.models.MoniteLink`.
"""

from monite_auth.adapter import missing_framework

try:
    import django as _django
except ImportError as error:
    raise missing_framework("monite_auth_django", "Django", "'monite-auth[django]'", error) from error

from monite_auth_django.current import broker
from monite_auth_django.endings import aend_user, end_user
from monite_auth_django.identify import aidentify, identify
from monite_auth_django.requests import MoniteHttpRequest
from monite_auth_django.responses import forward

del _django, missing_framework

__all__ = [
    "MoniteHttpRequest",
    "aend_user",
    "aidentify",
    "broker",
    "end_user",
    "forward",
    "identify",
]
