"""The type of a request that the middleware has seen, for the annotations of views: Django's own knows no `monite`."""

from collections.abc import Callable, Coroutine
from typing import Any

from django.http import HttpRequest

from monite_auth import MoniteAccess

__all__ = ["MoniteHttpRequest"]


class MoniteHttpRequest(HttpRequest):
    """An HttpRequest with `monite` and `amonite`, as MoniteAuthMiddleware leaves it. It is for annotations only.

        def invoices(request: MoniteHttpRequest) -> HttpResponse:
            return forward(request.monite.client.get("/payables"))

    Django makes the requests themselves, so none is an instance of this class.
    """

    monite: MoniteAccess
    amonite: Callable[[], Coroutine[Any, Any, MoniteAccess]]
