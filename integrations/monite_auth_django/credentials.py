"""Which session a user has who came with an API's credentials: `request.auth`, as Django REST framework has it.

Such a request has no session of Django's. Without an id of any kind a logout of it could not be final, so the id is taken from
what the user came with, where that lasts as long as the login does.
"""

import hashlib

from django.db.models import Model
from django.http import HttpRequest

from monite_auth import Principal

__all__ = ["api_principal"]


def api_principal(request: HttpRequest, user_id: str, tenant: str | None) -> Principal:
    """Return the principal of a user who has no session of Django's.

    A stored token (DRF's TokenAuthentication, knox) is a session of its own. Of a JWT it is the claim `sid`, and `auth_time` says when
    they logged in. `jti` is no session, since a refresh gives the same login another one; and `iat`, which a refresh may renew too,
    has to do where there is nothing else.
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
