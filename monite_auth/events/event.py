"""What an event says: plain text and numbers, ready for JSON. No event holds a token, a secret, or the id of a session."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields

__all__ = ["EVENTS", "Event", "Sink"]

EVENTS = {
    "token.minted": "Monite gave a token: from now until `expires_at`, or until it is revoked, it opens Monite; `why`: granted",
    "mint.failed": "Monite gave none; `why`: refused, astray, badcredentials, throttled, fault",
    "token.fenced": "a new token is not used, and is revoked; `why`: fenced (an ending came first), doomed (revoked before)",
    "token.revoked": "a token is dead; `why`: revoked, gone (it was dead already)",
    "revocation.failed": "it is tried again until the token expires; `why`: refused, badcredentials, throttled, fault",
    "session.ended": "a logout: the session gets no more tokens; `count` tokens are to be revoked",
    "user.ended": "every session of a user was ended",
    "user.relinked": "a user is somebody else in Monite from now on: tokens are to be revoked, sessions go on",
    "partner_token.ended": "the partner token was taken away",
    "token.ended": "one token was taken away, whoever had it",
    "account.ended": "everything of the account was ended",
    "call.refused": "the person may not do this; `why`: the permission, as object_type.action",
    "outage.began": "the token store is down; `why`: down, read_only, part",
    "outage.ended": "it is back",
    "session.served_in_outage": "a session was served from memory, since this process had seen it alive; once a minute for each",
    "session.refused_in_outage": "a session was not served: it may have ended elsewhere; once a minute for each",
    "ending.owed": "an ending holds in this process, and the store has still to hear of it; `why`: the operation",
    "secrets.changed": "this process uses another client secret, or other keys of the store, from now on",
    "events.dropped": "`count` events before this one are missing in this sink",
}
"""The names of all events, and what each says."""

WORD = re.compile(r"[!#-<>-~]+")
"""Printable ASCII without spaces, quotes and equals signs."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    `name`: one of EVENTS. `at`: epoch seconds, by this host's wall clock. `id`: nobody else's, so that a sink can tell a repetition.
    `account`: Monite's origin and the account there. `user`, `tenant`: whose, as keyed digests, or as the application's ids where
    MONITE_EVENT_USERS says so; "partner" for the partner itself. `session`: a keyed digest. `token`: its fingerprint, which joins
    its minting with its end. `why`: a word of a short list. `request_id`: Monite's. `expires_at`: when a new token dies by itself,
    epoch seconds. `count`: how many tokens, or events.
    """

    name: str
    at: float
    id: str
    account: str
    user: str | None = None
    tenant: str | None = None
    session: str | None = None
    token: str | None = None
    why: str | None = None
    request_id: str | None = None
    expires_at: float | None = None
    count: int | None = None

    def as_dict(self) -> dict[str, str | float | int]:
        """Return what is known, ready for JSON."""
        values = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in values if value is not None}

    def __str__(self) -> str:
        """Say it in one line: the name, and `field=value` for the rest. What is more than one word is quoted, as in JSON."""
        rest = ((name, str(value)) for name, value in self.as_dict().items() if name != "name")
        return " ".join([self.name, *(f"{name}={_as_word(value)}" for name, value in rest)])


def _as_word(text: str) -> str:
    """Return a text that cannot be taken for several fields, or for another line: an application's id may be any text."""
    return text if WORD.fullmatch(text) else json.dumps(text)


Sink = Callable[[Event], None]
"""Takes an event, in a thread of its own. It may block. If it raises, the event is given to it again, a few times."""
