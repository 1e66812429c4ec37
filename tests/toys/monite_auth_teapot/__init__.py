"""monite-auth for Teapot.

    MoniteAuth(app, broker)
    app.route("/monite/token", token_view())

Every request then has `monite(request)`, a MoniteAccess.
"""

from tests.toys.monite_auth_teapot.api import api_view
from tests.toys.monite_auth_teapot.endpoint import token_view
from tests.toys.monite_auth_teapot.extension import MoniteAuth
from tests.toys.monite_auth_teapot.guards import monite_allowed, monite_required
from tests.toys.monite_auth_teapot.identify import identify
from tests.toys.monite_auth_teapot.state import monite

__all__ = ["MoniteAuth", "api_view", "identify", "monite", "monite_allowed", "monite_required", "token_view"]
