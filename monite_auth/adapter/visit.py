"""One request, from its beginning to its end: who arrived, who acted, who has left, and who has logged in.

This is the one state machine of all adapters. It does no I/O and knows no framework. An adapter says who is there, and
carries out what comes back with `endings.end` and `endings.begin`:

    visit = Visit()
    visit.arrive("session", bound_principal(session))     # when the request comes in
    visit.arrive("identify", await identify(request))
    …                                                      # the view runs
    gone = visit.leave("session", bound_principal(session))  # before the response starts
    await aend(broker, gone)

An *identity source* names people: the framework's session, by its binding, or the app's own `identify`. The rules:

| event                                       | what follows                                                          |
| ------------------------------------------- | --------------------------------------------------------------------- |
| a source named somebody and no longer does  | their session ends (`leave`), whatever another source says            |
| a source was not asked at the end           | its people stay: no word is no logout                                 |
| the app ended a session itself              | it is not ended again (`note_logout`)                                 |
| an ending failed                            | the log says so, and it is not tried again within this request        |
| a session is there that did not arrive      | somebody has logged in (`has_begun`), and the broker is told once     |
| the user only changes the tenant            | nothing: a session is the same in all of the user's tenants           |
"""

from typing import Literal

from monite_auth.adapter.sessions import session_of
from monite_auth.identity import Principal

__all__ = ["IdentitySource", "Visit"]

IdentitySource = Literal["session", "identify"]
"""What names people: the session's binding, or the app's own function."""

Session = tuple[str, str | None]


class Visit:
    """The people of one request. Each session ends once at the most, and each login is told once."""

    __slots__ = ("_ended", "_known", "_named")

    def __init__(self) -> None:
        self._named: dict[IdentitySource, dict[Session, Principal]] = {"session": {}, "identify": {}}
        """Whom each source has named, and not been found to miss since."""
        self._known: set[Session] = set()
        """Sessions that are no news: they arrived, or the broker was told of their login."""
        self._ended: set[Session] = set()

    def arrive(self, source: IdentitySource, *principals: Principal | None) -> None:
        """Note whom a source names as the request comes in."""
        named = self._named[source]
        for each in principals:
            if each is not None:
                session = session_of(each)
                named[session] = each
                self._known.add(session)

    def act(self, source: IdentitySource, *principals: Principal | None) -> None:
        """Note whom a source names later, when a view asks."""
        named = self._named[source]
        for each in principals:
            if each is not None:
                named[session_of(each)] = each

    def leave(self, source: IdentitySource, *current: Principal | None) -> list[Principal]:
        """Note whom a source names now; return those whose session is over because it no longer names them.

        Call it before the response starts, and again when the request is over: each session comes back once.
        """
        here = {session_of(each): each for each in current if each is not None}
        named, self._named[source] = self._named[source], here
        if not named or named.keys() <= here.keys():
            return []
        gone = {
            session: each
            for session, each in named.items()
            if session not in here and session not in self._ended
        }
        self._ended |= gone.keys()
        return list(gone.values())

    def has_open(self, source: IdentitySource) -> bool:
        """Return whether a source has named anybody whose session is still open. If not, it need not be asked again."""
        named = self._named[source]
        return bool(named) and not named.keys() <= self._ended

    def leave_all(self) -> list[Principal]:
        """Return everybody whose session is still open, because all of them are over now."""
        here = {**self._open("session"), **self._open("identify")}
        self._ended |= here.keys()
        return list(here.values())

    def has_begun(self, current: Principal | None) -> bool:
        """Return whether this login has happened within the request, and nobody has told the broker; asked once."""
        if current is None or current.session_id is None:
            return False
        session = session_of(current)
        is_news = session not in self._known | self._ended
        self._known.add(session)
        return is_news

    @property
    def has_people(self) -> bool:
        """Whether anybody is here whose session is still open."""
        return self.has_open("session") or self.has_open("identify")

    def note_login(self, principal: Principal) -> None:
        """Note that the broker was told of a login."""
        self._known.add(session_of(principal))

    def note_logout(self, principal: Principal) -> None:
        """Note that the app ended a session itself."""
        self._ended.add(session_of(principal))

    def _open(self, source: IdentitySource) -> dict[Session, Principal]:
        named = self._named[source]
        return {session: each for session, each in named.items() if session not in self._ended}
