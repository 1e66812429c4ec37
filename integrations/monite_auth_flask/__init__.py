"""monite-auth for Flask.

    monite = MoniteAuth(app)                    # or MoniteAuth(), and init_app in the application's factory
    app.register_blueprint(monite_blueprint(), url_prefix="/monite")


    @monite.directory
    def entity_user(principal): ...

Every view then has `current_monite`, a MoniteAccess. Settings are the `MONITE_…` keys of `app.config`.
"""

try:
    import flask as _flask
except ImportError as error:
    raise ImportError(
        "monite_auth_flask needs Flask; install it with: pip install 'monite-auth[flask]'", name=error.name
    ) from error

from monite_auth_flask.answers import forward
from monite_auth_flask.blueprint import monite_blueprint
from monite_auth_flask.decorators import monite_allowed, monite_required
from monite_auth_flask.extension import MoniteAuth, current_monite
from monite_auth_flask.identify import identify

del _flask

__all__ = [
    "MoniteAuth",
    "current_monite",
    "forward",
    "identify",
    "monite_allowed",
    "monite_blueprint",
    "monite_required",
]
