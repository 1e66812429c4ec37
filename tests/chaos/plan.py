"""What is decided beforehand: the settings, the people, and what each session does.

All of it follows from the seed, so that a worker knows a session by its number. What the processes make of it, and
when, is up to the machine: a seed repeats the violence, not the accidents.
"""

import json
import random
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Self

from monite_auth import EntityUser, Principal, Settings
from monite_auth.tokens import SAFETY

EMPLOYER = "b4ce5a1e-0000-4000-8000-000000000001"
"""The entity that everybody works for; the emulator knows it from the beginning (BAKERY_ID)."""

CREDENTIALS = ("c11e0000-0000-4000-8000-00000000c405", "a secret of the chaos, worth nothing")
"""Of a client that exists in one emulator, for a minute."""

TOKEN_LIFE = 1800
"""Seconds: nothing expires by itself, so every token that is dead at the end was revoked."""

Visit = Literal["token", "fresh", "call"]


class Session(NamedTuple):
    """One login: who it is, what it does, and how it ends.

    `stays`: it never logs out. `handed_over`: another worker may end it. `races`: it asks for a token while it logs
    out. `haunted`: somebody tries its cookie again later.
    """

    number: int
    principal: Principal
    entity_user: EntityUser
    visits: tuple[Visit, ...]
    stays: bool
    handed_over: bool
    races: bool
    haunted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a worker is told. Durations are seconds.

    `hurried`: revocations of a drainer that was killed are due again after `HURRIED_LEASE`, and none is put off for
    longer than `HURRIED_POSTPONEMENT`, since a test in CI cannot wait for half a minute.
    """

    seed: int
    store_url: str
    api_url: str
    hurried: bool
    token_scope: Literal["user", "session"] = "user"
    people: int = 60
    lanes: int = 8
    lease: float = 1.0
    read_timeout: float = 1.5
    connect_timeout: float = 1.0
    deadline: float = 4.0
    requests_per_second: int = 400
    store_patience: float = 1.0

    HURRIED_LEASE = 3.0
    HURRIED_POSTPONEMENT = 2.0

    @property
    def settings(self) -> Settings:
        client_id, client_secret = CREDENTIALS
        return Settings(
            client_id=client_id,
            client_secret=client_secret,
            base_url=self.api_url,
            store_url=self.store_url,
            token_scope=self.token_scope,
            lease=self.lease,
            read_timeout=self.read_timeout,
            connect_timeout=self.connect_timeout,
            deadline=self.deadline,
            requests_per_second=self.requests_per_second,
        )

    @property
    def freshness(self) -> float:
        """A min_ttl that only a token of the last moment has: whoever asks for it makes an older one superseded."""
        return TOKEN_LIFE - SAFETY - 0.3

    def session(self, number: int) -> Session:
        chance = random.Random(f"{self.seed}/{number}")
        person = chance.randrange(self.people)
        kinds: tuple[Visit, ...] = ("token", "fresh", "call")
        visits = tuple(chance.choices(kinds, (5, 3, 2), k=chance.randint(1, 3)))
        return Session(
            number=number,
            principal=Principal(f"user-{person}", session_id=f"session-{number}"),
            entity_user=entity_user(person),
            visits=visits,
            stays=person < self.people // 3 and chance.random() < 0.1,
            handed_over=chance.random() < 0.7,
            races=chance.random() < 0.5,
            haunted=chance.random() < 0.5,
        )

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_text()))


def entity_user(person: int) -> EntityUser:
    return EntityUser(str(uuid.UUID(int=0xC4A05 << 32 | person, version=4)), EMPLOYER)
