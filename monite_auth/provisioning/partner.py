"""Requests to Monite's API as the partner itself: records and lists, and errors that say what was being done."""

from monite_auth.engine.api_client import ApiClient, Tokens
from monite_auth.engine.runtime import Runtime
from monite_auth.identity import PARTNER
from monite_auth.monite_api.records import Record, age, is_deleted, next_page
from monite_auth.monite_api.requests import Call
from monite_auth.provisioning.answers import checked, read_answer, read_page
from monite_auth.settings import Settings

__all__ = ["PartnerApi"]


class PartnerApi:
    """Monite's API as the partner, over a runtime of the broker. All calls together end within the deadline of `token()`."""

    def __init__(self, runtime: Runtime, settings: Settings, tokens: Tokens) -> None:
        self.runtime = runtime
        self._client = ApiClient(runtime, settings, tokens, PARTNER)
        self.longest = self._client.longest
        """Seconds that all calls take together at most."""

    def check_time(self, doing: str) -> None:
        """Raise MoniteUnavailable if no time is left."""
        self._client.time_left(_failed(doing))

    async def ask(self, doing: str, call: Call) -> Record:
        """Send `call` and return the JSON object of the answer; `doing` says in an error what it was for.

        Raises RateLimited, MoniteUnavailable, and what `read_answer` does.
        """
        return read_answer(doing, call, await self._client.send(call, failed=_failed(doing)))

    async def create(self, doing: str, path: str, body: Record, entity_id: str | None = None) -> Record:
        """Create a record and return it; raises what `ask` does."""
        return checked(doing, await self.ask(doing, Call("POST", path, entity_id, body=body)))

    async def records(
        self, doing: str, path: str, entity_id: str | None = None, **query: str
    ) -> list[Record]:
        """Return the records of all pages that are not deleted, the oldest first; raises what `ask` does."""
        found: list[Record] = []
        asked = query
        while True:
            page = read_page(doing, await self.ask(doing, Call("GET", path, entity_id, asked)))
            found += page.records
            if page.token is None:
                return sorted((each for each in found if not is_deleted(each)), key=age)
            asked = next_page(page.token)


def _failed(doing: str) -> str:
    return f"Monite could not be asked to {doing}"
