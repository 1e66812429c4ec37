"""One operation that the shared store has still to hear of, and what it looks like as text."""

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, cast

from monite_auth.errors import StoreUnavailable
from monite_auth.identity import PARTNER, EntityUser, Partner, Principal
from monite_auth.processes.boot_clock import BOOT
from monite_auth.stores.protocol import Operations
from monite_auth.stores.values import Lease, Slot
from monite_auth.tokens import BOOTED_AT, AccessToken, Clock, Secret, steady_clock

__all__ = ["OwedOperation", "parse", "text_of"]

DATED = frozenset(["begin_session", "end_session", "end_user", "end_everything"])
"""The operations that begin or end sessions: it counts when they happened."""

NAMES = DATED | {"relink", "revoke", "discard", "commit"}
"""The operations that may be owed. A text that names another one is not ours."""


@dataclass(frozen=True, slots=True, eq=False)
class OwedOperation:
    """An operation of the protocol, what it is about, and when it happened. Two that look alike are two.

    `at`: the seconds from the `boot` of this host until it happened. Other processes of the host put their own operations before
    or behind it.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    at: float = 0.0
    boot: str = BOOT

    @property
    def must_survive(self) -> bool:
        """Whether something would stay alive that must not, if this were lost."""
        return self.name not in ("begin_session", "discard", "commit")

    def left_by(self, error: StoreUnavailable) -> "OwedOperation":
        """Return what is left of it, after an error of a part of the store: the other parts may have carried it out."""
        left = (error.left,) if error.left else self.arguments
        return self if left == self.arguments else replace(self, arguments=left)

    async def carry_out(self, store: Operations, *, ago: float = 0.0) -> Any:
        """Carry it out in `store`, as what happened `ago` seconds ago, and return what the operation returns."""
        late = {"ago": ago} if ago > 0 and self.name in DATED else {}
        return await getattr(store, self.name)(*self.arguments, **late)

    @property
    def user(self) -> str | Partner | None:
        """Whom it is about; None if that is everybody, or whoever has a token."""
        match self.name, self.arguments:
            case (("end_everything" | "revoke"), _):
                return None
            case _, (Principal(user_id=whose) | Slot(user=whose) | Lease(slot=Slot(user=whose)) | whose, *_):
                return cast("str | Partner", whose)
        return None

    def concerns(self, user: str | Partner) -> bool:
        """Say whether it may change what is read of a user."""
        return self.user is None or self.user == user

    def revokes(self, token: AccessToken) -> bool:
        """Say whether it revokes a token, whoever has it."""
        return self.name == "revoke" and bool(self.arguments[0].fingerprint == token.fingerprint)


def text_of(operation: OwedOperation) -> str:
    """Return an operation as text. It names people and may hold a token, so it must be sealed."""
    return json.dumps([operation.name, operation.at, operation.boot, *map(_written, operation.arguments)])


def parse(text: str, *, clock: Clock) -> OwedOperation:
    """Return the operation that `text_of` wrote. `clock`: that of tokens.

    Raises ValueError for any other text.
    """
    try:
        name, at, boot, *arguments = json.loads(text)
        if name not in NAMES:
            raise ValueError(f"{name} is no operation that may be owed.")
        is_of_this_boot = boot == BOOT
        read = tuple(_read(each, clock, is_of_this_boot=is_of_this_boot) for each in arguments)
        return OwedOperation(name, read, float(at), str(boot))
    except (TypeError, KeyError) as error:
        raise ValueError("This is no owed operation.") from error


def _written(argument: Any) -> Any:
    match argument:
        case Principal(user_id, tenant, session_id, began_at):
            return {"principal": [user_id, tenant, session_id, began_at]}
        case Slot():
            return {"slot": _parts(argument)}
        case Lease():
            return {"void": _parts(argument.slot)}  # to whom the lease was given does not count here
        case AccessToken(value, expires_at, issued_at, renew_at, person, clock):
            who = None if person is None else [person.entity_user_id, person.entity_id]
            return {
                "token": [value.reveal(), expires_at, issued_at, renew_at, who],
                "at_boot": _at_boot(clock),
            }
        case Partner():
            return None
    return argument  # a user's id, the fingerprint of a token, or what is left


def _parts(slot: Slot) -> list[str | None]:
    return [None if isinstance(slot.user, Partner) else slot.user, *slot[1:]]


def _at_boot(clock: Clock) -> float:
    """Return what a clock of tokens showed when this host was booted, epoch seconds; a test's counts from there itself.

    Processes took it from the wall clock when each began, so it tells how far their clocks are apart.
    """
    return BOOTED_AT if clock is steady_clock else 0.0


def _read(written: Any, clock: Clock, *, is_of_this_boot: bool) -> Any:
    match written:
        case None:
            return PARTNER
        case str():
            return written
        case list() if all(isinstance(each, str) for each in written):
            return tuple(written)
        case {"principal": [user_id, tenant, session_id, began_at]}:
            with suppress(ValueError):  # the clock has been set back, and the date is in the future now
                return Principal(user_id, tenant, session_id, began_at)
            return Principal(user_id, tenant, session_id)
        case {"slot": [user, *rest]}:
            return Slot(PARTNER if user is None else user, *rest)
        case {"void": [user, *rest]}:
            return Lease.void(Slot(PARTNER if user is None else user, *rest))
        case {"token": [value, *times, who], "at_boot": at_boot}:
            person = None if who is None else EntityUser(*who)
            ahead = _at_boot(clock) - at_boot if is_of_this_boot else 0.0
            expires_at, issued_at, renew_at = (each + ahead for each in times)
            return AccessToken(Secret(value), expires_at, issued_at, renew_at, person, clock)
    raise ValueError("This is no argument of an owed operation.")
