"""The health endpoint: `monite/health` for readiness and `monite/health/live` for liveness, where `MONITE_AUTH["HEALTH"]` wants it."""

from django.contrib.auth.decorators import login_not_required
from django.db.transaction import non_atomic_requests
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from monite_auth.adapter import answer_health_request
from monite_auth_django.conf import conf
from monite_auth_django.current import broker
from monite_auth_django.responses import response

__all__ = ["health", "live"]


@csrf_exempt  # it changes nothing, and says 405 itself
@login_not_required
@non_atomic_requests  # a probe needs no database
def health(request: HttpRequest) -> HttpResponse:
    """Answer a probe for readiness."""
    return _answer(request, is_live=False)


@csrf_exempt
@login_not_required
@non_atomic_requests
def live(request: HttpRequest) -> HttpResponse:
    """Answer a probe for liveness."""
    return _answer(request, is_live=True)


def _answer(request: HttpRequest, *, is_live: bool) -> HttpResponse:
    wanted = conf.HEALTH
    if not wanted:
        raise Http404
    knows = wanted is not True and bool(wanted(request))
    return response(answer_health_request(broker(), str(request.method), live=is_live, details=knows))
