"""Tokens that Monite revokes: what an answer to `revoke_request` means."""

from typing import Any

from monite_auth.monite_api.answers import Fault, Response, json_of, request_id_of
from monite_auth.monite_api.dead_tokens import says_token_is_gone
from monite_auth.monite_api.outcomes import BadCredentials, Gone, Refused, Revoked, Throttled, read_failure
from monite_auth.monite_api.requests import Request

__all__ = ["read_revocation"]


def read_revocation(
    request: Request, answer: Response | Fault, *, now: float
) -> Revoked | Gone | BadCredentials | Refused | Throttled | Fault:
    """Return what an answer to `revoke_request` means. The token is dead only where Monite says so in its own form.

    `now`: epoch seconds, for dates in the answer.
    """
    if isinstance(answer, Fault):
        return answer
    if answer.status == 204 or (answer.status in (200, 201) and _is_confirmation(json_of(answer))):
        return Revoked()
    if 200 <= answer.status < 300:
        return Fault(f"status {answer.status}, which is not what Monite answers", request_id_of(answer))
    # 401: the bearer of this request is the very token. 403 is what firewalls say.
    if answer.status in (400, 401, 404) and says_token_is_gone(json_of(answer)):
        return Gone()
    return read_failure(request, answer, now=now)


def _is_confirmation(body: Any) -> bool:
    """Return whether this is `{"message": …}`, which Monite answers to a revocation."""
    return isinstance(body, dict) and isinstance(body.get("message"), str) and "error" not in body
