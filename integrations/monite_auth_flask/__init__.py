"""monite-auth for Flask.

    monite = MoniteAuth(app)                    # or MoniteAuth(), and init_app in the application's factory
    app.register_blueprint(monite_blueprint(), url_prefix="/monite")


    @monite.directory
    def entity_user(principal): ...

Every view then has `current_monite`, a MoniteAccess. Settings are the `MONITE_…` keys of `app.config`.
"""

from monite_auth.adapter import missing_framework

try:
    import flask as _flask
except ImportError as error:
    raise missing_framework("monite_auth_flask", "Flask", "'monite-auth[flask]'", error) from error

from monite_auth_flask.answers import forward
from monite_auth_flask.blueprint import monite_blueprint
from monite_auth_flask.decorators import monite_allowed, monite_required
from monite_auth_flask.extension import MoniteAuth, current_monite
from monite_auth_flask.identify import identify

del _flask, missing_framework

__all__ = [
    "MoniteAuth",
    "current_monite",
    "forward",
    "identify",
    "monite_allowed",
    "monite_blueprint",
    "monite_required",
]
