"""What a fault is: the kinds that exist, and the requests that one is meant for. `in_force.py` holds those in force."""

import json
import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from monite_auth.emulator.faults.paths import can_hit, nearest

FaultKind = Literal[
    "jitter",
    "latency",
    "hang",
    "drip",
    "cut_before",
    "cut_after",
    "status",
    "throttle",
    "invalid_json",
    "truncated",
    "wrong_fields",
    "wrong_content_type",
    "wrong_order",
    "clock_skew",
    "dead_token",
]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

#: The fields by which a fault chooses its requests, and those that say more about each kind.
CHOOSING = frozenset(
    {"kind", "path", "method", "entity_user_id", "client_id", "times", "probability", "seed"}
)
USED: dict[FaultKind, frozenset[str]] = {
    "jitter": frozenset({"seconds"}),
    "latency": frozenset({"seconds"}),
    "hang": frozenset(),
    "drip": frozenset({"seconds"}),
    "cut_before": frozenset(),
    "cut_after": frozenset(),
    "status": frozenset({"status", "message", "body"}),
    "throttle": frozenset({"message", "retry_after", "retry_after_as"}),
    "invalid_json": frozenset(),
    "truncated": frozenset(),
    "wrong_fields": frozenset({"body"}),
    "wrong_content_type": frozenset({"content_type"}),
    "wrong_order": frozenset({"seconds"}),
    "clock_skew": frozenset({"seconds"}),
    "dead_token": frozenset({"status", "message"}),
}
DEAD_TOKEN_STATUSES = (400, 401, 403)

# The most seconds that an answer is held: nobody waits for a day. A clock that is wrong is wrong by a year at the most.
LONGEST = 86_400
MOST_SKEW = 366 * 86_400


def _uuid(text: str) -> str:
    """Return a UUID in the form that the ledger uses.

    Raises:
        ValueError: `text` is no UUID.

    """
    return str(uuid.UUID(text))


def _path(text: str) -> str:
    """Return the beginning of a path below /v1.

    Raises:
        ValueError: no path below /v1 begins so, and the fault would never hit anything.

    """
    if not can_hit(text):
        raise ValueError(
            "write the path as it is below /v1, with its first slash and without a query: /payables, or "
            f"/payables/{{id}}/cancel with {{id}} for any id. {text!r} would never hit anything; what comes nearest is "
            f"{nearest(text)}"
        )
    return text


def _writable(value: Any) -> Any:
    """Return what can be written into an answer.

    Raises:
        ValueError: it cannot, and the answer would break, and the list of the faults with it.

    """
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"this cannot be written as JSON: {error}") from None
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Call:
    """The facts of a request by which a fault chooses. The path is that below /v1."""

    method: str
    path: str
    entity_user_id: str | None = None
    client_id: str | None = None


class Fault(BaseModel):
    """A fault to inject, and the requests that it hits.

    | kind | what the client sees | the work (a mint, a revocation) |
    |---|---|---|
    | `jitter` | the right answer, up to `seconds` late: the request takes that much longer to Monite, and counts towards the limit when it arrives | is done when it arrives |
    | `latency` | the right answer, `seconds` late | is done at once |
    | `hang` | nothing, until it gives up or the fault is deleted | is done only once the fault is deleted |
    | `drip` | the right answer in small pieces, the last of them `seconds` late | is done at once |
    | `wrong_order` | the right answer, but only once the next request that the fault chooses has its answer, and at most `seconds` late | is done at once |
    | `cut_before` | the connection closes without an answer | is not done |
    | `cut_after` | the same | is done |
    | `status` | `status` with `body`, or with `message` in Monite's error shape | is not done |
    | `throttle` | 429 with `Retry-After: retry_after`, as seconds or as a date | is not done |
    | `invalid_json` | the right status and a body that is not JSON | is done |
    | `truncated` | half of the right answer, then the connection closes | is done |
    | `wrong_fields` | the right status and `body`, or the right answer without its first field | is done |
    | `wrong_content_type` | the right status and body, as `content_type` | is done |
    | `clock_skew` | the right answer, by a clock that is `seconds` ahead, or behind if negative: in `Date`, and in `Retry-After` as a date | is done |
    | `dead_token` | `status` (400, 401 or 403) as for a token that has expired | is not done |

    Raises:
        ValidationError: a field is unknown, has a value that it cannot have, or says nothing about the kind (pydantic's).

    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,  # `"times": true` would be once
        use_attribute_docstrings=True,
        json_schema_extra={"description": "A fault to inject, and the requests that it hits."},
    )

    kind: FaultKind
    path: Annotated[str, AfterValidator(_path)] = ""
    """Hit only calls whose path below /v1 begins with this: "/payables", "/payables/{id}/cancel". "" stands for every call."""
    method: Annotated[Method, BeforeValidator(_upper)] | None = None
    """Hit only calls with this method. None stands for all."""
    entity_user_id: Annotated[str, AfterValidator(_uuid)] | None = None
    """Hit only mints for this entity user, and calls with this user's tokens. None stands for everybody."""
    client_id: Annotated[str, AfterValidator(_uuid)] | None = None
    """Hit only mints and revocations with this client ID, and calls with tokens that were minted with it. None stands for all."""
    times: int | None = Field(default=None, ge=1)
    """Hit the next so many requests. None stands for all, until the fault is deleted."""
    probability: float = Field(default=1.0, gt=0, le=1)
    """Hit each of them with this probability."""
    seed: int | None = None
    """Decide by a sequence of random numbers that is the same for the same seed. None stands for another one each time."""
    seconds: float = Field(default=1.0, allow_inf_nan=False)
    """How late the answer is, or how wrong the clock: see the kind."""
    status: int | None = Field(default=None, ge=400, le=599)
    message: Annotated[str | None, AfterValidator(_writable)] = None
    body: Annotated[Any, AfterValidator(_writable)] = None
    content_type: str = Field(default="text/html", pattern=r"^[!-~]([ -~]*[!-~])?$")
    retry_after: int = Field(default=1, ge=0, le=LONGEST)
    retry_after_as: Literal["seconds", "date"] = "seconds"

    @model_validator(mode="after")
    def _fits_the_kind(self) -> Self:
        used = USED[self.kind]
        for name in sorted(self.model_fields_set - CHOOSING - used):
            if getattr(self, name) is not None:
                others = ", ".join(sorted(used)) or "what chooses the requests"
                raise ValueError(f"{self.kind} does not use {name}, only {others}")
        if self.message is not None and self.body is not None:
            raise ValueError("give message or body: the body is sent instead of the message")
        if self.kind == "dead_token" and self.status not in {None, *DEAD_TOKEN_STATUSES}:
            raise ValueError(f"status of dead_token is 400, 401 or 403, and not {self.status}")
        least, most = (-MOST_SKEW, MOST_SKEW) if self.kind == "clock_skew" else (0, LONGEST)
        if not least <= self.seconds <= most:
            raise ValueError(f"seconds of {self.kind} goes from {least} to {most}")
        return self

    def shown(self) -> dict[str, Any]:
        """Return the fault as JSON, with the fields that its kind uses."""
        return self.model_dump(mode="json", include={*CHOOSING, *USED[self.kind]})
