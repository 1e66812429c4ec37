"""A call that the application makes as a person, and its turn in the request budget."""

from monite_auth.engine.api_client import Tokens
from monite_auth.engine.asking import Turn, rate_limited
from monite_auth.engine.runtime import Runtime
from monite_auth.identity import Subject
from monite_auth.settings import Settings
from monite_auth.stores import Priority
from monite_auth.tokens import AccessToken

__all__ = ["await_turn"]


async def await_turn(
    runtime: Runtime, settings: Settings, tokens: Tokens, subject: Subject, token: AccessToken
) -> AccessToken:
    """Wait for the turn of one call, for `call_patience` seconds at the most; return the token to call with.

    `token`: what the call has got. After a wait the subject's token is asked for again, since the session may have been logged out
    meanwhile.

    Raises RateLimited when the turn comes too late, and what `token()` raises.
    """
    turn, until = Turn(runtime), runtime.clock() + settings.call_patience
    while (wait := await turn.take(Priority.CALL, until=until, longest_sleep=0)) > 0:
        if wait > until - runtime.clock():
            raise rate_limited(settings, wait)
        await runtime.sleep(wait)
        token = await tokens.token(runtime, subject)
    return token
