"""Session ids for users of an API, from their credentials: `request.auth`, as Django REST framework sets it.

Such a request has no session of Django's. A logout is final only for a session with an id, so the id is taken from the
credentials, where they last as long as the login.
"""

import hashlib

from django.db.models import Model
from django.http import HttpRequest

from monite_auth import Principal

__all__ = ["api_principal"]


def api_principal(request: HttpRequest, user_id: str, tenant: str | None) -> Principal:
    """Return the principal of a user who has no session of Django's.

    A stored token (DRF's TokenAuthentication, knox) is a session of its own. The session of a JWT is its claim `sid`, and
    `auth_time` is the time of the login. `jti` is not used, because a refresh gives the same login another one. `iat`, which a
    refresh may renew too, is used only where nothing else is there.
    """
    auth = getattr(request, "auth", None)
    if isinstance(auth, Model):
        # Its primary key may be the token itself, as in DRF.
        name = f"{auth._meta.label}:{auth.pk}"  # noqa: SLF001 - Django's documented name
        return Principal(user_id, tenant, session_id=hashlib.sha256(name.encode()).hexdigest())
    claim = getattr(auth, "get", None)
    if claim is None:
        return Principal(user_id, tenant)
    if sid := claim("sid"):
        return Principal(user_id, tenant, session_id=str(sid), authenticated_at=claim("auth_time"))
    return Principal(user_id, tenant, authenticated_at=claim("auth_time") or claim("iat"))
