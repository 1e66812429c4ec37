"""Requests to Monite's API as the partner itself: records and pages, and errors that say what was being done."""

from monite_auth.engine.api_client import ApiClient, Tokens
from monite_auth.engine.runtime import Runtime
from monite_auth.identity import PARTNER
from monite_auth.monite_api.wire import Call
from monite_auth.provisioning.calls import Record, read_answer, read_page
from monite_auth.settings import Settings

__all__ = ["PartnerApi"]


class PartnerApi:
    """Monite's API as the partner, over a runtime of the broker; all calls together end within the deadline of `token()`."""

    def __init__(self, runtime: Runtime, settings: Settings, tokens: Tokens) -> None:
        self.runtime = runtime
        self._client = ApiClient(runtime, settings, tokens, PARTNER)
        self.longest = self._client.longest
        """Seconds that all calls take together at most."""

    def check_time(self, doing: str) -> None:
        """Raise MoniteUnavailable if no time is left."""
        self._client.time_left(_failed(doing))

    async def ask(self, doing: str, call: Call) -> Record:
        """Send `call` and return its answer; `doing` says in an error what it was for.

        Raises RateLimited, MoniteUnavailable, and what `read_answer` does.
        """
        return read_answer(doing, call, await self._client.send(call, failed=_failed(doing)))

    async def records(
        self, doing: str, path: str, entity_id: str | None = None, **query: str
    ) -> list[Record]:
        """Return the records of all pages that are not deleted, the oldest first."""
        records: list[Record] = []
        page: str | None = None
        while True:
            # The token of a page brings the query that it continues.
            asked = {"pagination_token": page} if page is not None else query
            answer = await self.ask(doing, Call("GET", path, entity_id, asked))
            found, page = read_page(doing, answer)
            records += found
            if page is None:
                living = (each for each in records if each.get("status") != "deleted")
                return sorted(living, key=lambda each: (str(each.get("created_at")), each["id"]))


def _failed(doing: str) -> str:
    return f"Monite could not be asked to {doing}"
