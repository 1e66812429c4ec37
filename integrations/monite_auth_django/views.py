"""The token endpoint, for Monite's browser SDK."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_protect

from monite_auth.adapter import aanswer_token_request, answer_token_request
from monite_auth_django.conf import conf
from monite_auth_django.responses import response

__all__ = ["answer", "atoken", "token"]


@login_not_required  # it says 401 itself; LoginRequiredMiddleware would send the SDK to a page
@csrf_protect
def token(request: HttpRequest) -> HttpResponse:
    """Answer `GET|POST token` with the user's token for their browser, or with a refusal."""
    return answer(request)


@login_not_required
@csrf_protect
async def atoken(request: HttpRequest) -> HttpResponse:
    """Answer `GET|POST token`; see `token`."""
    monite = await request.amonite()
    return response(
        await aanswer_token_request(monite, request.method, _headers(request), conf.ALLOWED_ORIGINS)
    )


def answer(request: HttpRequest) -> HttpResponse:
    """Return the answer of the token endpoint, for a view that has its own CSRF protection."""
    return response(
        answer_token_request(request.monite, request.method, _headers(request), conf.ALLOWED_ORIGINS)
    )


def _headers(request: HttpRequest) -> dict[str, str]:
    # `get_host` knows which of a proxy's headers the project trusts.
    return {name.lower(): value for name, value in request.headers.items()} | {"host": request.get_host()}
