"""What an emulator can be told at its start, and what each option can be. The bounds are said here alone."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError

from monite_auth.emulator.traffic.limits import LimitWindow

__all__ = ["MoniteSettings", "check"]

#: The longest life of a token in seconds. With the time of the clock added, it is still exact in JSON.
LONGEST_LIFE = 10**12

Kept = Annotated[int, Field(ge=0, le=sys.maxsize, description="a whole number, at least 0")]


class MoniteSettings(BaseModel):
    """What can be told anew at any time. It is a part of a snapshot."""

    model_config = ConfigDict(strict=True, extra="forbid")

    token_life: Annotated[
        int | float,
        Field(
            gt=0, le=LONGEST_LIFE, description=f"a number of seconds, more than 0 and at most {LONGEST_LIFE}"
        ),
    ]
    requests_per_second: Annotated[
        int, Field(ge=1, description="a whole number, at least 1 (a fault can refuse everything)")
    ]
    limit_window: Annotated[LimitWindow, Field(description="'fixed' or 'sliding'")]
    dead_token_status: Annotated[
        int, Field(ge=400, le=499, description="a status from 400 to 499, such as 401")
    ]


class _Options(MoniteSettings):
    seed: Annotated[
        bool | InstanceOf[Path] | InstanceOf[Mapping[str, Any]],
        Field(description="True, False, the pathlib.Path of a seed file, or a mapping"),
    ]
    random_seed: Annotated[int | None, Field(description="a whole number or None")]
    tokens_kept: Kept
    requests_kept: Kept


def check(**values: object) -> None:
    """Refuse options that cannot be. Those that are not given are not looked at.

    Raises:
        ValueError: the sentence has the option, what it can be, and what was given.

    """
    try:
        _Options.model_validate(values)
    except ValidationError as error:
        for each in error.errors(include_input=False, include_url=False):
            name = str(each["loc"][0])
            if name in values:
                can_be = _Options.model_fields[name].description
                raise ValueError(f"{name} is {can_be}, and not {values[name]!r}") from None
