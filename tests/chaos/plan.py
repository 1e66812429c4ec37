"""The plan of an experiment: the settings, the people, and what each session does.

All of it follows from the seed, so a worker knows a session by its number. When things happen is up to the machine: a
seed repeats the faults, not the races.
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

Use = Literal["token", "fresh", "call"]
"""How a session uses the broker: any token, one that was minted just now, or a call of the API."""


class Session(NamedTuple):
    """One login: the user, what they do, and how it ends.

    `stays`: it never logs out. `handed_over`: another worker may end it. `races`: it asks for a token while it logs
    out. `used_after_end`: somebody tries to use it later.
    """

    number: int
    principal: Principal
    entity_user: EntityUser
    uses: tuple[Use, ...]
    stays: bool
    handed_over: bool
    races: bool
    used_after_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a worker is told. Durations are in seconds.

    `short_drains`: no revocation is put off for longer than `SHORT_POSTPONEMENT`, and a part of the store of which nobody has asked
    counts as back after `SHORT_QUIET`, since a test in CI cannot wait for minutes.
    """

    seed: int
    store_url: str
    api_url: str
    short_drains: bool
    journal_directory: str = ""
    token_scope: Literal["user", "session"] = "user"
    people: int = 60
    visitors: int = 8
    lease: float = 1.0
    read_timeout: float = 1.5
    connect_timeout: float = 1.0
    deadline: float = 4.0
    requests_per_second: int = 400
    store_patience: float = 1.0

    SHORT_POSTPONEMENT = 2.0
    SHORT_QUIET = 6.0

    @property
    def settings(self) -> Settings:
        client_id, client_secret = CREDENTIALS
        return Settings(
            client_id=client_id,
            client_secret=client_secret,
            base_url=self.api_url,
            store_url=self.store_url,
            journal_directory=self.journal_directory,
            token_scope=self.token_scope,
            lease=self.lease,
            read_timeout=self.read_timeout,
            connect_timeout=self.connect_timeout,
            deadline=self.deadline,
            requests_per_second=self.requests_per_second,
        )

    @property
    def freshness(self) -> float:
        """A min_ttl, seconds, that only a token of the last moment has, so that asking for it supersedes an older one."""
        return TOKEN_LIFE - SAFETY - 0.3

    def session(self, number: int) -> Session:
        chance = random.Random(f"{self.seed}/{number}")
        person = chance.randrange(self.people)
        kinds: tuple[Use, ...] = ("token", "fresh", "call")
        uses = tuple(chance.choices(kinds, (5, 3, 2), k=chance.randint(1, 3)))
        return Session(
            number=number,
            principal=Principal(f"user-{person}", session_id=f"session-{number}"),
            entity_user=entity_user(person),
            uses=uses,
            stays=person < self.people // 3 and chance.random() < 0.1,
            handed_over=chance.random() < 0.7,
            races=chance.random() < 0.5,
            used_after_end=chance.random() < 0.5,
        )

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls(**json.loads(path.read_text()))


def entity_user(person: int) -> EntityUser:
    return EntityUser(str(uuid.UUID(int=0xC4A05 << 32 | person, version=4)), EMPLOYER)
