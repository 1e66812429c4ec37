"""`path("monite/", include("monite_auth_django.urls"))` serves `monite/token`, named `monite:token`.

With `MONITE_AUTH["HEALTH"]`, it serves `monite/health` and `monite/health/live`, too.
With `MONITE_AUTH["API"]`, it serves Monite's API as `monite/api/…`, too: on the event loop under ASGI, else in the server's thread.
"""

from django.urls import path, register_converter
from django.urls.converters import PathConverter

from monite_auth.adapter import is_on_event_loop
from monite_auth_django.api import aapi, api
from monite_auth_django.health import health, live
from monite_auth_django.views import token


class PathOnEventLoop(PathConverter):
    """The path of a request that is served on an event loop. No other request matches."""

    def to_python(self, value: str) -> str:
        """See Django's converters."""
        if not is_on_event_loop():
            raise ValueError("It is served in a thread.")
        return value


register_converter(PathOnEventLoop, "monite_path_on_event_loop")

app_name = "monite"
urlpatterns = [
    path("token", token, name="token"),
    path("health", health, name="health"),
    path("health/live", live, name="live"),
    path("api/<monite_path_on_event_loop:path>", aapi, name="api"),
    path("api/<path:path>", api, name="api"),
]
