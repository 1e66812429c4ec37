"""Every error of monite-auth, in one tree.

    MoniteAuthError
    ├── ConfigurationError        500  a setting is wrong; raised at start-up
    │   └── InvalidRole           500  a role is written wrongly, or Monite's answer is not one
    ├── BlockingCallError         500  a blocking call on the event loop that it would wait for
    ├── NotLoggedIn               401  nobody is logged in
    ├── SessionEnded              401  this session has logged out
    ├── NotLinked                 403  the directory does not know this user in Monite
    ├── NotPermitted              403  the application, or the person's role, does not allow this call
    │   └── NoTokenToGive         403  calls carry a partner token here, which is handed to nobody
    ├── EntityUserRejected        403  Monite refuses tokens for this entity user
    ├── CredentialsRejected       502  Monite refuses the client ID and secret
    ├── ProvisioningFailed        502  Monite refuses to find or create a person, a role or an entity
    ├── TokenTooShort             502  Monite's tokens live shorter than what was asked for
    ├── BodySpent                 503  a token was replaced, but the request's body cannot be sent again
    ├── RateLimited               503  the request limit is used up for longer than the caller waits
    ├── MoniteUnavailable         503  Monite did not answer, or not sensibly
    └── StoreUnavailable          503  the token store did not answer
        └── StoreReadOnly         503  the token store answers, and takes no writes

An error says what happened, to what, and what to do next, in words for the application's developer. What an end
user may read is `public_message`. No error holds a secret, and none carries an HTTP library's exception as its
cause, since those hold whole requests.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

__all__ = [
    "BlockingCallError",
    "BodySpent",
    "ConfigurationError",
    "CredentialsRejected",
    "EntityUserRejected",
    "InvalidRole",
    "MoniteAuthError",
    "MoniteUnavailable",
    "NoTokenToGive",
    "NotLinked",
    "NotLoggedIn",
    "NotPermitted",
    "ProvisioningFailed",
    "RateLimited",
    "SessionEnded",
    "StoreReadOnly",
    "StoreUnavailable",
    "TokenTooShort",
]


class MoniteAuthError(Exception):
    """Base of every error of this package.

    `status_hint` is the HTTP status that fits when the error ends a request of the partner's app.
    `code` is a stable name for programs. `request_id` is Monite's `x-request-id`, to quote to its support.
    `retry_after` is how many seconds to wait before it is worth trying again.
    """

    status_hint: ClassVar[int] = 500
    code: ClassVar[str] = "error"
    public_message: ClassVar[str] = "Something went wrong on our side."

    def __init__(
        self, message: str, *, request_id: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message} (Monite request {self.request_id})" if self.request_id else message

    def __reduce__(self) -> tuple[Callable[..., "MoniteAuthError"], tuple[object, ...]]:
        """Return how to make the same error in another process: queues and process pools pickle what a job raises."""
        return _made_anew, (type(self), self.args, self.__dict__)


def _made_anew(
    kind: type[MoniteAuthError], args: tuple[object, ...], facts: dict[str, Any]
) -> MoniteAuthError:
    # Not by `kind(…)`, whose arguments are not `args`: some are keywords, and the message is made of them.
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


class ConfigurationError(MoniteAuthError, ValueError):
    """Settings are missing or wrong. `problems` has one sentence for each, saying how to mend it."""

    code = "configuration"

    def __init__(self, *problems: str, lead: str = "monite-auth is not configured correctly:") -> None:
        self.problems = problems
        super().__init__(f"{lead} {problems[0]}" if len(problems) == 1 else "\n- ".join([lead, *problems]))


class InvalidRole(ConfigurationError):
    """A role is wrong. `role` is its name, where it is known; `problems` has one sentence for each mistake."""

    code = "invalid_role"

    def __init__(self, *problems: str, role: str | None = None) -> None:
        self.role = role
        lead = "This is not a role:" if role is None else f"The role {role!r} is not valid:"
        super().__init__(*problems, lead=lead)


class BlockingCallError(MoniteAuthError, RuntimeError):
    """A blocking method was called on the thread of the event loop whose task it would have to wait for."""

    code = "blocking_call"


class NotLoggedIn(MoniteAuthError):
    """Nobody is logged in, so there is no one to act for in Monite."""

    status_hint = 401
    code = "not_logged_in"
    public_message = "Please log in."


class SessionEnded(MoniteAuthError):
    """The session has logged out; it gets no more tokens."""

    status_hint = 401
    code = "session_ended"
    public_message = "Your session has ended. Please log in again."


class NotLinked(MoniteAuthError):
    """The directory knows no entity user for this principal."""

    status_hint = 403
    code = "not_linked"
    public_message = "Your account is not set up for invoices and payments yet."


class NotPermitted(MoniteAuthError):
    """The application's policy, or the person's role in Monite, does not allow this. Nothing was sent."""

    status_hint = 403
    code = "not_permitted"
    public_message = "You are not allowed to do this."


class NoTokenToGive(NotPermitted):
    """In this security model calls carry a partner token, root over every entity, and nobody is handed one."""

    code = "no_token_to_give"
    public_message = "Tokens are not available here."


class EntityUserRejected(MoniteAuthError):
    """Monite refuses tokens for this entity user. `monite_status` and `monite_message` are its answer."""

    status_hint = 403
    code = "entity_user_rejected"
    public_message = "Your account is not allowed to use invoices and payments."

    def __init__(
        self,
        message: str,
        *,
        monite_status: int,
        monite_message: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id, retry_after=retry_after)
        self.monite_status = monite_status
        self.monite_message = monite_message


class CredentialsRejected(MoniteAuthError):
    """Monite refuses the client ID and secret."""

    status_hint = 502
    code = "credentials_rejected"
    public_message = "Invoices and payments are not available right now."


class ProvisioningFailed(MoniteAuthError):
    """A person, their role or their entity could not be found, created, changed or removed in Monite.

    `fields` are those that it is about, in Monite's words: `("login",)`, `("entity.address.city",)`; what they were sent
    with is not repeated. `monite_status` is the status of Monite's answer, 0 where Monite was not asked.
    """

    status_hint = 502
    code = "provisioning_failed"
    public_message = "Your account could not be set up for invoices and payments."

    def __init__(
        self,
        message: str,
        *,
        fields: tuple[str, ...] = (),
        monite_status: int = 0,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id, retry_after=retry_after)
        self.fields = fields
        self.monite_status = monite_status


class TokenTooShort(MoniteAuthError):
    """A fresh token lives shorter than the `min_ttl` that was asked for."""

    status_hint = 502
    code = "token_too_short"
    public_message = "Invoices and payments are not available right now."


class BodySpent(MoniteAuthError):
    """Monite no longer accepted the token. It is replaced, but the body was a stream and is spent: send it anew."""

    status_hint = 503
    code = "body_spent"
    public_message = "Something went wrong on the way. Please try again."


class RateLimited(MoniteAuthError):
    """Monite's request limit is used up for longer than the caller may wait."""

    status_hint = 503
    code = "rate_limited"
    public_message = "Too much is going on right now. Please try again in a moment."


class MoniteUnavailable(MoniteAuthError):
    """Monite did not answer in time, or answered with something that is not a token."""

    status_hint = 503
    code = "monite_unavailable"
    public_message = "Invoices and payments are not available right now. Please try again in a moment."


class StoreUnavailable(MoniteAuthError):
    """The token store did not answer, and nothing else can. Logouts do not raise this: they are kept and repeated.

    `part` names what failed, where it was only a part of the store, a node or a record: other users are not concerned. `left`
    names what an operation on all of the store has not reached because of that.
    """

    status_hint = 503
    code = "store_unavailable"
    public_message = "Something went wrong on our side. Please try again in a moment."

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        part: str | None = None,
        left: Sequence[str] = (),
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.part = part
        self.left = tuple(left)


class StoreReadOnly(StoreUnavailable):
    """The token store answers, and takes no writes: it is full, or may not be written. Stores raise it; callers see it seldom."""

    code = "store_read_only"
