"""The token endpoint, without a framework: `GET|POST token`, for Monite's browser SDK.

An adapter hands in the request's method and headers, and translates the answer. Errors are answered here and not left to
the app's own error pages, because a program reads them.
"""

from collections.abc import Collection, Mapping

from monite_auth.adapter.access import MoniteAccess
from monite_auth.adapter.answers import Answer, json_answer, problem, refuse
from monite_auth.adapter.origins import is_origin_of_host
from monite_auth.errors import MoniteAuthError, NotLoggedIn
from monite_auth.monite_api.grants import token_body
from monite_auth.tokens import AccessToken, Secret

__all__ = [
    "aanswer_token_request",
    "answer_placeholder_request",
    "answer_token_request",
    "refuse_token_request",
    "token_answer",
]

PLACEHOLDER = "this-is-no-token-the-server-attaches-it"
"""What a browser has in the place of a token where it calls Monite's API through the app."""

PLACEHOLDER_LIFE = 24 * 3600
"""Seconds for which it says that it is good. It does not expire, but SDKs ask for a number."""


def answer_token_request(
    access: MoniteAccess, method: str, headers: Mapping[str, str], allowed_origins: Collection[str] = ()
) -> Answer:
    """Return the principal's token for their browser, or a refusal; raises nothing of ours.

    `headers`: those of the request, with names in lower case. `allowed_origins`: see `parse_origins`.
    """
    refusal = refuse_token_request(method, headers, allowed_origins=allowed_origins)
    if refusal is not None:
        return refusal
    try:
        return token_answer(access.token(min_ttl=access.broker.settings.min_browser_ttl))
    except MoniteAuthError as error:
        return refuse(error)


async def aanswer_token_request(
    access: MoniteAccess, method: str, headers: Mapping[str, str], allowed_origins: Collection[str] = ()
) -> Answer:
    """Return the principal's token for their browser, or a refusal; see `answer_token_request`."""
    refusal = refuse_token_request(method, headers, allowed_origins=allowed_origins)
    if refusal is not None:
        return refusal
    try:
        return token_answer(await access.atoken(min_ttl=access.broker.settings.min_browser_ttl))
    except MoniteAuthError as error:
        return refuse(error)


def answer_placeholder_request(access: MoniteAccess, method: str, headers: Mapping[str, str]) -> Answer:
    """Return something that is no token, for the browser of whoever is logged in, where the API is served beside this endpoint.

    Monite's SDK asks for a token and puts it into each call; the app leaves it out again. `headers`: those of the request, with
    names in lower case.
    """
    refusal = refuse_token_request(method, headers)
    if refusal is not None:
        return refusal
    if access.principal is None:
        return refuse(NotLoggedIn("Nobody is logged in, so there is no one to call Monite for."))
    return json_answer(200, token_body(Secret(PLACEHOLDER), PLACEHOLDER_LIFE))


def token_answer(token: AccessToken) -> Answer:
    """Return the token as Monite's browser SDK wants it: `{access_token, token_type, expires_in}`, in whole seconds."""
    # Rounded down: never promise life that is not there.
    return json_answer(200, token_body(token.value, int(token.expires_in)))


def refuse_token_request(
    method: str, headers: Mapping[str, str], *, allowed_origins: Collection[str] = ()
) -> Answer | None:
    """Return the refusal of a request to the token endpoint, or None when it may be answered.

    Browsers say where a request comes from (`Sec-Fetch-Site`; older ones, `Origin`). Only the app's own pages get
    a token, and those of `allowed_origins` (see `parse_origins`). `headers` has names in lower case.
    """
    if method not in ("GET", "POST"):
        return problem(405, "method_not_allowed", "Use GET or POST.", Allow="GET, POST")
    origin = headers.get("origin")
    if origin is not None and origin in allowed_origins:
        return None
    site = headers.get("sec-fetch-site")
    if site is not None:
        is_own = site in ("same-origin", "none")  # none: the user typed the address, so no page asks
    else:
        is_own = origin is None or is_origin_of_host(origin, headers.get("host", ""))
    return None if is_own else problem(403, "cross_site", "Tokens are for the app's own pages only.")
