"""Who is asking, and who they are in Monite.

A *principal* is the partner's logged-in user for one request. An *entity user* is the same person in Monite. A
*directory* answers the one question between them. Nothing here does I/O of its own.
"""

import enum
import inspect
import math
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from monite_auth.errors import ConfigurationError, NotLinked
from monite_auth.functions import AppFunction, checked_answer, kind_of
from monite_auth.processes.flows import ends_when_left

__all__ = [
    "PARTNER",
    "Bindable",
    "Directory",
    "DirectoryFunction",
    "DirectoryLike",
    "EntityUser",
    "FixedDirectory",
    "FunctionDirectory",
    "Linkable",
    "Partner",
    "Principal",
    "Subject",
    "aask_directory",
    "as_directory",
    "ask_directory",
    "checked_principal",
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
        _check_text("user_id", self.user_id)
        if self.tenant is not None:
            _check_text("tenant", self.tenant)
        if self.session_id is not None:
            _check_text("session_id", self.session_id)

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


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"Principal.{name} is text, not {type(value).__name__}: pass str(…).")
    if not value:
        raise ValueError(f"Principal.{name} is empty; a user without one is anonymous, not a principal.")


def _as_epoch_seconds(value: object) -> float:
    """Return when a login was, in epoch seconds; refuse what means something else."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(
                "Principal.authenticated_at is a datetime without a time zone, so nobody can tell which moment it is: "
                "use datetime.now(UTC), or time.time()."
            )
        value = value.timestamp()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(
            "Principal.authenticated_at is a number of epoch seconds or an aware datetime, not "
            f"{type(value).__name__}: pass float(…), or a claim such as auth_time or iat as it was decoded."
        )
    try:
        seconds = float(value)
    except OverflowError:  # JSON has numbers of any length
        seconds = math.inf
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

Subject = Principal | Partner
"""Whom a token is for. Below the broker nobody is ever None: a forgotten check cannot turn a visitor into the partner."""


def _as_uuid(name: str, value: str) -> str:
    """Return `value` in the one spelling that Monite uses, so that equal ids compare equal."""
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise ValueError(f"EntityUser.{name} is a UUID of Monite, not {value!r}.") from None


ENTITY_USER = "EntityUser(entity_user_id, entity_id)"
"""What errors call what is wanted of a directory."""


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


@runtime_checkable
class Linkable(Protocol):
    """A directory that can be told who somebody is in Monite: `users link` of the command line does."""

    def link(self, principal: Principal, entity_user: EntityUser) -> None:
        """Keep who the principal is from now on; may block. The caller calls `TokenBroker.relink` afterwards."""


class FixedDirectory:
    """A directory of a mapping: from `user_id`, or from `(user_id, tenant)`, to entity users.

    Raises ConfigurationError for keys that no principal has, and for values that are no EntityUser.
    """

    def __init__(self, people: Mapping[Any, EntityUser]) -> None:
        entries: Mapping[object, object] = people
        keys = {kind_of(key) for key in entries if not _is_key(key)}
        values = {kind_of(value) for value in entries.values() if not isinstance(value, EntityUser | None)}
        problems = [
            f"A key is {kind}; keys are user ids as Principal has them, text that is not empty, or tuples of two such "
            "texts: (user_id, tenant)."
            for kind in sorted(keys)
        ] + [f"A value is {kind}; it has to be {ENTITY_USER}." for kind in sorted(values)]
        if problems:
            raise ConfigurationError(*problems, lead="The mapping that is the directory is wrong:")
        self._people = people

    def find(self, principal: Principal) -> EntityUser | None:
        """Look `principal` up, by user and tenant first.

        Raises:
            NotLinked: there is none, but one whose user and tenant are these two texts the other way round.

        """
        user_id, tenant = principal.user_id, principal.tenant
        found = self._people.get((user_id, tenant))
        if found is None and tenant is None:
            found = self._people.get(user_id)
        if found is None and (tenant, user_id) in self._people:
            # Where ids of users and tenants are alike, this key may be somebody else's: so it is no ConfigurationError.
            raise NotLinked(
                "The directory knows no entity user for this principal. Its mapping has a key of the same two texts the "
                "other way round; keys are (user_id, tenant)."
            )
        return found

    async def afind(self, principal: Principal) -> EntityUser | None:
        """Look `principal` up."""
        return self.find(principal)


def _is_key(key: object) -> bool:
    """Say whether a principal may have this as its user id, or as its user id and tenant."""
    match key:
        case str(user_id) | (str(user_id), None):
            return user_id != ""
        case tuple((str(user_id), str(tenant))):
            return user_id != "" and tenant != ""
    return False


DirectoryFunction = Callable[[Principal], Awaitable[EntityUser | None] | EntityUser | None]
"""A directory that is one function, `def` or `async def`."""

DirectoryLike = Directory | DirectoryFunction | Mapping[Any, EntityUser]
"""Everything that an application can give as its directory; see `as_directory`."""


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


def as_directory(directory: DirectoryLike) -> Directory:
    """Return the directory that a developer meant: a Directory, a function, or a mapping.

    Raises:
        ConfigurationError: it is none of these.

    """
    match directory:
        case type():  # it has the methods of its objects, but they cannot be called
            raise ConfigurationError(
                f"directory is the class {directory.__name__}; give an object of it: {directory.__name__}(…)."
            )
        case Directory():
            return directory
        case Mapping():
            return FixedDirectory(directory)
        case _ if callable(directory):
            return FunctionDirectory(AppFunction("directory", directory))
    raise ConfigurationError(
        "directory is a function from a Principal to an EntityUser (or None), a mapping, or an object with "
        f"find() and afind(), not {type(directory).__name__}."
    )


# -- what the application answers


def ask_directory(directory: Directory, principal: Principal) -> EntityUser | None:
    """Return who the principal is in Monite; raise ConfigurationError for an answer that is no EntityUser."""
    return checked_answer("directory", directory.find(principal), EntityUser, ENTITY_USER)


async def aask_directory(directory: Directory, principal: Principal) -> EntityUser | None:
    """Return who the principal is in Monite; see `ask_directory`."""
    found: object = directory.afind(principal)  # a `def` that has its answer at once will do
    if inspect.isawaitable(found):
        with ends_when_left():
            found = await found
    return checked_answer("directory", found, EntityUser, ENTITY_USER)


def checked_principal(found: object) -> Principal | None:
    """Return what `identify` answered with; raise ConfigurationError for anything but a Principal or None.

    PARTNER is refused too: a visitor is never the partner.
    """
    return checked_answer("identify", found, Principal, "a Principal")
