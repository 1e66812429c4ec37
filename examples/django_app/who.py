"""Tells monite-auth who is logged in and which organization is active: `MONITE_AUTH["IDENTIFY"]`."""

from django.http import HttpRequest

import monite_auth_django
from monite_auth import Principal


def who(request: HttpRequest) -> Principal | None:
    return monite_auth_django.identify(request, tenant=request.session.get("organization"))
