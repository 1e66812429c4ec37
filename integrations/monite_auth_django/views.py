"""The token endpoint, for Monite's browser SDK. Where it has Monite's API through the app, it gets a placeholder."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_protect

from monite_auth.adapter import (
    aanswer_token_request,
    answer_placeholder_request,
    answer_token_request,
)
from monite_auth_django.conf import conf
from monite_auth_django.responses import response

__all__ = ["answer", "atoken", "headers_of", "token"]


@login_not_required  # it says 401 itself; LoginRequiredMiddleware would send the SDK to a page
@csrf_protect
def token(request: HttpRequest) -> HttpResponse:
    """Answer `GET|POST token` with the user's token for their browser, or with a refusal."""
    return answer(request)


@login_not_required
@csrf_protect
async def atoken(request: HttpRequest) -> HttpResponse:
    """Answer `GET|POST token`; see `token`."""
    monite, headers = await request.amonite(), headers_of(request)
    if conf.API:
        return response(answer_placeholder_request(monite, str(request.method), headers))
    return response(await aanswer_token_request(monite, request.method, headers, conf.ALLOWED_ORIGINS))


def answer(request: HttpRequest) -> HttpResponse:
    """Return the answer of the token endpoint, for a view that has its own CSRF protection."""
    headers = headers_of(request)
    if conf.API:
        return response(answer_placeholder_request(request.monite, str(request.method), headers))
    return response(answer_token_request(request.monite, request.method, headers, conf.ALLOWED_ORIGINS))


def headers_of(request: HttpRequest) -> dict[str, str]:
    """Return the request's headers, with names in lower case."""
    # `get_host` knows which of a proxy's headers the project trusts.
    return {name.lower(): value for name, value in request.headers.items()} | {"host": request.get_host()}
