"""The beginnings and endings of sessions; see SessionOperations."""

from monite_auth.identity import Partner, Principal
from monite_auth.stores import Everything
from monite_auth.tokens import AccessToken
from tests.toys.store_dictionary.state import Part

__all__ = ["Sessions"]


class Sessions(Part):
    async def begin_session(self, principal: Principal) -> None:
        with self.state.lock:
            user, session = principal.user_id, principal.session_id
            if session is not None and not self.ended_at(user, session):
                self.state.known[user, session] = self.clock() + self.session_memory

    async def end_session(self, principal: Principal) -> int:
        with self.state.lock:
            user, session = principal.user_id, principal.session_id
            if session is not None:
                self.state.ended[user, session] = self.clock()
                self.state.known.pop((user, session), None)
            elif principal.began_at is not None:
                self.state.ended[user, principal.began_at] = self.state.ended[user, None] = self.clock()
            return self.take_away(user, session)

    async def end_user(self, user: str) -> int:
        with self.state.lock:
            self.end_known([key for key in self.state.known if key[0] == user])
            self.state.ended[user, None] = self.clock()
            return self.take_away(user)

    async def end_everything(self) -> Everything:
        with self.state.lock:
            known = list(self.state.known)
            self.end_known(known)
            self.state.everything_ended = self.clock()
            users = {slot.user for slot in self.state.places}
            return Everything(len(known), sum(map(self.take_away, users)))

    def end_known(self, sessions: list[tuple[str, str]]) -> None:
        for key in sessions:
            del self.state.known[key]
            self.state.ended[key] = self.clock()

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
