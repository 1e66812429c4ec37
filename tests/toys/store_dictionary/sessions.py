"""The beginnings and endings of sessions; see SessionOperations."""

from monite_auth.identity import Partner, Principal
from monite_auth.stores import Everything
from monite_auth.tokens import AccessToken
from tests.toys.store_dictionary.state import Part

__all__ = ["Sessions"]


class Sessions(Part):
    async def begin_session(self, principal: Principal, *, ago: float = 0.0) -> None:
        with self.state.lock:
            user, session = principal.user_id, principal.session_id
            if session is None or self.ended_at(user, session):
                return
            began = self.clock() - ago
            self.know(user, session, began=began)
            self.state.began[user, session] = min(began, self.state.began[user, session])
            if began < max(self.state.ended.get((user, None), 0.0), self.state.everything_ended):
                self.end_known([(user, session)], 0.0)
                self.take_away(user, session)

    async def end_session(self, principal: Principal, *, ago: float = 0.0) -> int:
        with self.state.lock:
            user, session = principal.user_id, principal.session_id
            if session is not None:
                self.state.ended[user, session] = self.clock()
                self.state.known.pop((user, session), None)
            elif principal.began_at is not None:
                self.state.ended[user, principal.began_at] = self.clock()
                self.end_before(user, ago)
            return self.take_away(user, session)

    async def end_user(self, user: str, *, ago: float = 0.0) -> int:
        with self.state.lock:
            self.end_known([key for key in self.state.known if key[0] == user], ago)
            self.end_before(user, ago)
            return self.take_away(user)

    async def end_everything(self, *, ago: float = 0.0) -> Everything:
        with self.state.lock:
            ended = self.end_known(list(self.state.known), ago)
            self.state.everything_ended = max(self.state.everything_ended, self.clock() - ago)
            users = {slot.user for slot in self.state.places}
            return Everything(ended, sum(map(self.take_away, users)))

    def end_before(self, user: str, ago: float) -> None:
        self.state.ended[user, None] = max(self.state.ended.get((user, None), 0.0), self.clock() - ago)

    def end_known(self, sessions: list[tuple[str, str]], ago: float) -> int:
        ended = [key for key in sessions if not ago or self.state.began[key] <= self.clock() - ago]
        for key in ended:
            del self.state.known[key]
            self.state.ended[key] = self.clock()
        return len(ended)

    async def relink(self, user: str | Partner) -> int:
        with self.state.lock:
            for slot, place in self.state.places.items():
                if slot.user == user:
                    place.cooldown = None
            return self.take_away(user)

    async def revoke(self, token: AccessToken) -> int:
        with self.state.lock:
            holders = 0
            for place in self.state.places.values():
                if place.token is not None and place.token.fingerprint == token.fingerprint:
                    holders += 1
                    token = max(token, place.token, key=lambda each: each.expires_at)
                    place.token = None
                place.superseded = [
                    each for each in place.superseded if each.fingerprint != token.fingerprint
                ]
            self.revoke_later(token)
            return holders
