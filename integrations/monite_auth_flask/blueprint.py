"""The blueprint to register: `GET|POST token`, for Monite's browser SDK."""

from collections.abc import Collection

from flask import Blueprint, Response, request

from monite_auth.adapter import answer_token_request, parse_origins
from monite_auth_flask.answers import as_response
from monite_auth_flask.extension import request_access

__all__ = ["monite_blueprint"]


def monite_blueprint(*, allowed_origins: Collection[str] = ()) -> Blueprint:
    """Return a blueprint that serves `token`: `app.register_blueprint(monite_blueprint(), url_prefix="/monite")`.

    `allowed_origins`: other origins whose pages may have the user's token, such as "https://app.example.com"; the
    app's CORS settings must let them, too. Raises ConfigurationError for what is no origin.
    """
    blueprint = Blueprint("monite", __name__)
    others = parse_origins(allowed_origins)

    def token() -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        return as_response(answer_token_request(request_access(), request.method, headers, others))

    # Not an `async def`, whatever the directory is: that would make asgiref a dependency of every app.
    # Of those, the endpoint itself refuses all but two, in the words of all adapters. OPTIONS stays Flask's: what allows
    # other origins (Flask-CORS) builds on its answer.
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    blueprint.add_url_rule("/token", view_func=token, methods=methods)
    return blueprint
