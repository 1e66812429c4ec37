"""The token endpoint, of no framework: each adapter hands in what was asked and translates the answer."""

from collections.abc import Collection, Mapping

from monite_auth.access import MoniteAccess
from monite_auth.adapter.answers import Answer, refuse, refuse_token_request, token_answer
from monite_auth.errors import MoniteAuthError

__all__ = ["aanswer_token_request", "answer_token_request"]

# Errors are answered here and not left to the app's own handlers, which speak to people: this is read by Monite's
# browser SDK.


def answer_token_request(
    access: MoniteAccess, method: str, headers: Mapping[str, str], allowed_origins: Collection[str] = ()
) -> Answer:
    """Answer `GET|POST token`: the principal's token for their browser, or why not; `headers` in lower case."""
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
    """Answer `GET|POST token`; see `answer_token_request`."""
    refusal = refuse_token_request(method, headers, allowed_origins=allowed_origins)
    if refusal is not None:
        return refusal
    try:
        return token_answer(await access.atoken(min_ttl=access.broker.settings.min_browser_ttl))
    except MoniteAuthError as error:
        return refuse(error)
