"""Shows errors as pages of this app. Without this middleware, monite-auth answers them with one plain sentence."""

import logging
from collections.abc import Callable

import httpx
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from examples.django_app.views import page
from monite_auth.errors import MoniteAuthError

log = logging.getLogger("tillwright")


class SorryMiddleware:
    """Answers errors of monite-auth and of calls to Monite with a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, MoniteAuthError):
            if exception.status_hint == 401:
                logout(request)
                return redirect("/login")
            return page(request, "sorry.html", exception.status_hint, message=exception.public_message)
        if isinstance(exception, httpx.HTTPError):
            if isinstance(exception, httpx.HTTPStatusError) and exception.response.status_code == 403:
                return page(request, "sorry.html", 403, message="Your role does not allow you to do this.")
            log.warning("%s %s: %r", request.method, request.path, exception)
            return page(
                request, "sorry.html", 502, message="Monite did not answer as it should. Please try again."
            )
        return None
