"""Who is asking, and who they are in Monite.

A *principal* is the partner's logged-in user for one request. An *entity user* is the same person in Monite. A
*directory* answers the one question between them. Nothing here does I/O of its own.
"""

import enum
import math
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from monite_auth.callables import AppFunction
from monite_auth.errors import ConfigurationError

__all__ = [
    "PARTNER",
    "Bindable",
    "Directory",
    "EntityUser",
    "FixedDirectory",
    "FunctionDirectory",
    "Partner",
    "Principal",
    "as_directory",
]


LEEWAY = 300.0
"""Seconds by which the clock that dated a login may be ahead of ours: hosts and identity providers differ by less.

Stores remember endings for as much longer: then whoever is forgotten there has a date that is too old."""


WHOLE_SECOND = 0.999999
"""What a second's date may be short of, in seconds."""

MILLISECONDS = 1e11
"""What is beyond this (the year 5138) was counted in milliseconds: so many had passed by 1973."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The partner's logged-in user, for one request.

    `user_id`: the user's stable id in the partner's app, as text.
    `tenant`: which of the user's organizations is active, where there are several.
    `session_id`: names the login session, and stays the same for as long as that lasts; a logout ends exactly the calls
    that carry it.
    `authenticated_at`: when the session logged in: epoch seconds, or an aware datetime. A session that is older than an
    `end_user` is refused.

    Give at least one of the last two: without both, a call that comes after a logout looks like a new login.
    Raises TypeError and ValueError for what cannot be meant.
    """

    user_id: str
    tenant: str | None = None
    session_id: str | None = field(default=None, repr=False)  # in many frameworks it is as good as a password
    authenticated_at: float | datetime | None = None

    def __post_init__(self) -> None:
        if self.authenticated_at is not None:
            object.__setattr__(self, "authenticated_at", _as_epoch_seconds(self.authenticated_at))
        for name in ("user_id", "tenant", "session_id"):
            value = getattr(self, name)
            if value is None and name != "user_id":
                continue
            if not isinstance(value, str):
                raise TypeError(f"Principal.{name} is text, not {type(value).__name__}: pass str(…).")
            if not value:
                raise ValueError(
                    f"Principal.{name} is empty; a user without one is anonymous, not a principal."
                )

    @property
    def began_at(self) -> float | None:
        """When the session logged in, epoch seconds; None where nobody says."""
        assert not isinstance(self.authenticated_at, datetime)
        return self.authenticated_at

    @property
    def began_by(self) -> float | None:
        """The last moment that the date can mean: NumericDates (RFC 7519) are whole seconds, with the rest cut off.

        Who logs in within the second in which all sessions were ended must not be locked out by that.
        """
        at = self.began_at
        return at if at is None or at != int(at) else at + WHOLE_SECOND

    @property
    def can_end(self) -> bool:
        """Whether a logout can be final: whether anything tells this session from the user's next one."""
        return self.session_id is not None or self.authenticated_at is not None


def _as_epoch_seconds(value: object) -> float:
    """Return when a login was, in epoch seconds; refuse what means something else."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(
                "Principal.authenticated_at is a datetime without a time zone, so nobody can tell which moment it is: "
                "use datetime.now(UTC), or time.time()."
            )
        value = value.timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(
            "Principal.authenticated_at is a number of epoch seconds or an aware datetime, not "
            f"{type(value).__name__}: pass float(…), or a claim such as auth_time or iat as it was decoded."
        )
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError(f"Principal.authenticated_at is {seconds}, which is no moment.")
    now = time.time()
    if seconds > now + LEEWAY:
        if seconds > MILLISECONDS:
            raise ValueError(
                "Principal.authenticated_at is in milliseconds; it is epoch seconds: divide it by 1000."
            )
        raise ValueError(
            f"Principal.authenticated_at is {seconds - now:.0f} s in the future: it says when the session logged in, not "
            "when it ends. If it does, the clock of this machine, or of whoever dated the login, is wrong by more than "
            f"{LEEWAY:.0f} s."
        )
    return seconds


class Partner(enum.Enum):
    """The partner itself, where a principal could stand: root over every entity."""

    PARTNER = "partner"


PARTNER = Partner.PARTNER
"""Act as the partner. It has to be said: a principal of None is an anonymous visitor, and gets nothing."""


def _as_uuid(name: str, value: str) -> str:
    """Return `value` in the one spelling that Monite uses, so that equal ids compare equal."""
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise ValueError(f"EntityUser.{name} is a UUID of Monite, not {value!r}.") from None


@dataclass(frozen=True, slots=True)
class EntityUser:
    """A person in Monite: the entity user's UUID, and the UUID of the entity that they work for.

    `entity_user_id` is None for people whom Monite does not know, which only SecurityModel.PARTNER_MANAGED has.
    """

    entity_user_id: str | None
    entity_id: str

    def __post_init__(self) -> None:
        if self.entity_user_id is not None:
            object.__setattr__(self, "entity_user_id", _as_uuid("entity_user_id", self.entity_user_id))
        object.__setattr__(self, "entity_id", _as_uuid("entity_id", self.entity_id))


@runtime_checkable
class Directory(Protocol):
    """Answers who a principal is in Monite; `None` means that nobody has linked them yet.

    It is asked when a token has to be minted, not on every request; its answer is kept with the token. When an
    answer changes, call `TokenBroker.relink`.
    """

    def find(self, principal: Principal) -> EntityUser | None:
        """Look `principal` up; may block."""

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Look `principal` up without blocking the event loop."""


@runtime_checkable
class Bindable(Protocol):
    """A directory that asks Monite by way of the broker it belongs to."""

    def bind(self, broker: Any) -> None:
        """Take note of the broker."""


class FixedDirectory:
    """A directory of a mapping: from `user_id`, or from `(user_id, tenant)`, to entity users."""

    def __init__(self, people: Mapping[Any, EntityUser]) -> None:
        self._people = people

    def find(self, principal: Principal) -> EntityUser | None:
        """Look `principal` up, by user and tenant first."""
        found = self._people.get((principal.user_id, principal.tenant))
        return found if found is not None or principal.tenant else self._people.get(principal.user_id)

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Look `principal` up."""
        return self.find(principal)


DirectoryFunction = Callable[[Principal], Awaitable[EntityUser | None] | EntityUser | None]


class FunctionDirectory:
    """A directory of one function; how that is called is AppFunction's matter."""

    def __init__(self, function: AppFunction[EntityUser | None]) -> None:
        self.function = function

    def find(self, principal: Principal) -> EntityUser | None:
        """Call the function."""
        return self.function.call(principal)

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Call the function without blocking the event loop."""
        return await self.function.acall(principal)


def as_directory(
    directory: Directory | DirectoryFunction | Mapping[Any, EntityUser],
) -> Directory:
    """Return the directory that a developer meant: a Directory, a function, or a mapping."""
    if isinstance(directory, Directory):
        return directory
    if isinstance(directory, Mapping):
        return FixedDirectory(directory)
    if callable(directory):
        return FunctionDirectory(AppFunction("directory", directory))
    raise ConfigurationError(
        "directory is a function from a Principal to an EntityUser (or None), a mapping, or an object with "
        f"find() and afind(), not {type(directory).__name__}."
    )
