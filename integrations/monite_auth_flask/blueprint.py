"""The blueprint to register, for Monite's browser SDK: `GET|POST token`, and Monite's API where pages are to have no token."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState

from monite_auth.adapter import (
    ApiRequest,
    BrowserApi,
    answer_health_request,
    answer_placeholder_request,
    answer_token_request,
    parse_origins,
    read_body,
)
from monite_auth.errors import ConfigurationError
from monite_auth_flask.answers import as_response
from monite_auth_flask.config import serves_api
from monite_auth_flask.extension import request_access, state_of_current_app

__all__ = ["monite_blueprint"]

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
"""The methods that come as far as our views, which refuse what they do not know in the words of all adapters. OPTIONS stays
Flask's: what allows other origins to have tokens (Flask-CORS) builds on its answer."""


def monite_blueprint(
    *,
    api: bool | None = None,
    allowed_origins: Collection[str] = (),
    health: bool | Callable[[], bool] = False,
) -> Blueprint:
    """Return a blueprint that serves `token`: `app.register_blueprint(monite_blueprint(), url_prefix="/monite")`.

    `api`: serve Monite's API, too, as `api/…`: the browser then needs no token and gets none (docs/browser.md). Where it is left
    out, `app.config["MONITE_API"]` says so, when the blueprint is registered. `allowed_origins`: other origins whose pages may have the
    user's token, such as "https://app.example.com"; the app's CORS settings must let them, too.
    `health`: serve `health` for readiness and `health/live` for liveness, too. A function says of the current request whether whoever
    asks may know the reasons, too; with True nobody may.

    Raises ConfigurationError for what is no origin. Registering it does for origins beside the API, which is for the app's own pages, and
    for a `MONITE_API` that is neither True nor False.
    """
    others = parse_origins(allowed_origins)
    blueprint = Blueprint("monite", __name__)
    browser_api = BrowserApi()

    def is_on(config: Mapping[str, Any]) -> bool:
        return serves_api(config) if api is None else api

    # Not an `async def`, whatever the directory is: that would make asgiref a dependency of every app.
    def token() -> Response:
        if is_on(current_app.config):
            return as_response(answer_placeholder_request(request_access(), request.method, _headers()))
        return as_response(answer_token_request(request_access(), request.method, _headers(), others))

    def call(path: str) -> Response:
        environ = request.environ
        shows_end = bool(environ.get("wsgi.input_terminated"))
        query = environ.get("QUERY_STRING", "")
        asked = ApiRequest(request.method, path, query, _headers(), shows_end=shows_end)
        # Not `request.stream`, which is for forms: MAX_CONTENT_LENGTH and other limits of those hold there.
        read = _read_before if "stream" in request.__dict__ else environ["wsgi.input"].read
        broker = state_of_current_app().broker
        return as_response(browser_api.call(broker, asked, read_body(asked, read), request_access))

    def probe(*, live: bool = False) -> Response:
        knows = health is not True and callable(health) and health()
        broker = state_of_current_app().broker
        return as_response(answer_health_request(broker, request.method, live=live, details=knows))

    def add_api(state: BlueprintSetupState) -> None:
        if not is_on(state.app.config):
            return
        if others:
            raise ConfigurationError(
                "allowed_origins beside api=True or MONITE_API: Monite's API is for the app's own pages. Leave one of them out."
            )
        # A path with two slashes is refused. Werkzeug would send the browser to the one that has them merged.
        state.add_url_rule(
            "/api/<path:path>", endpoint="api", view_func=call, methods=METHODS, merge_slashes=False
        )

    blueprint.add_url_rule("/token", view_func=token, methods=METHODS)
    blueprint.record(add_api)
    if health:
        blueprint.add_url_rule("/health", endpoint="health", view_func=probe, methods=METHODS)
        blueprint.add_url_rule(
            "/health/live", endpoint="live", view_func=partial(probe, live=True), methods=METHODS
        )
    return blueprint


def _headers() -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _read_before(_size: int) -> bytes:
    """Stand for a body that the app has read already: it would look like an empty one where it comes in chunks."""
    raise OSError("Something in the app has read the body.")
