"""Who is logged in, and for which organization they are at work: `MONITE_AUTH["IDENTIFY"]`."""

from django.http import HttpRequest

import monite_auth_django
from monite_auth import Principal


def who(request: HttpRequest) -> Principal | None:
    return monite_auth_django.identify(request, tenant=request.session.get("organization"))
