"""Django REST framework: a token view for its users, and permission classes.

    path("api/monite/token", MoniteTokenView.as_view())

    class InvoiceView(APIView):
        permission_classes = [monite_permission("payable", "read")]

DRF authenticates inside its views. So `monite_required` and `monite_auth_django.urls`, which stand outside of them, do not know a
user of TokenAuthentication or of a JWT. Inside, `request.monite` acts for them.
"""

from typing import Any

from django.http import HttpResponse

from monite_auth.adapter import missing_framework

try:
    from rest_framework.permissions import BasePermission
    from rest_framework.request import Request
    from rest_framework.views import APIView
except ImportError as error:
    raise missing_framework(
        "monite_auth_django.rest_framework", "Django REST framework", "djangorestframework", error
    ) from error

from monite_auth.rbac import Action, ObjectType, parse_permission
from monite_auth_django.access import attach
from monite_auth_django.views import answer

__all__ = ["MonitePermission", "MoniteTokenView", "monite_permission"]


class MonitePermission(BasePermission):
    """Lets in whoever is logged in and linked to an entity user; others get DRF's answer, or a 403 of ours."""

    def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002 - BasePermission's
        """See BasePermission."""
        monite = _access(request)
        if not monite:
            return False
        monite.entity_user()  # or NotLinked, which the middleware answers
        return True


def monite_permission(
    object_type: ObjectType | str, action: Action | str, *, own: bool = False
) -> type[MonitePermission]:
    """Return a permission class that lets in whoever may do this in Monite, as `request.monite.can` says.

    `own`: the permission is about objects that they created themselves. A wrong word is an error at import.
    """
    asked = parse_permission(object_type, action)

    class Allowed(MonitePermission):
        def has_permission(self, request: Request, view: Any) -> bool:
            if not super().has_permission(request, view):
                return False
            request.monite.demand(*asked, own=own)
            return True

    return Allowed


class MoniteTokenView(APIView):
    """Answers `GET|POST token` as `monite_auth_django.urls` does, for users whom DRF has authenticated."""

    permission_classes = ()  # it says 401 itself, in the words that Monite's browser SDK reads

    def get(self, request: Request) -> HttpResponse:
        """Answer with the user's token for their browser, or with a refusal."""
        _access(request)
        return answer(request._request)  # noqa: SLF001 - DRF's documented way to Django's request

    post = get


def _access(request: Request) -> Any:
    """Return `request.monite` for the user that DRF has found, even if it was asked before that."""
    _ = request.user  # DRF puts it at Django's request, too
    attach(request._request)  # noqa: SLF001
    return request.monite
