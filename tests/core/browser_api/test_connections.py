"""Calls of many pages at once, over real connections to one server in Monite's place."""

import pytest

from monite_auth import EntityUser, Settings, TokenBroker
from monite_auth.adapter import ApiRequest, BrowserApi, MoniteAccess
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from monite_auth.testing.adapters.upstream import upstream
from tests.core.browser_api.upstream import ACCOUNT, ANNA, OWN_PAGE

MANY = 101
"""One more than HTTP libraries open to a host, as a rule."""

READ = ApiRequest("GET", "/payables", "", OWN_PAGE)


@pytest.fixture
def broker():
    with upstream() as monite:
        settings = Settings(
            base_url=monite.url,
            requests_per_second=1_000_000,
            api_calls_per_session=1_000,
            deadline=1,
            **ACCOUNT,
        )
        yield TokenBroker(settings, {"anna": EntityUser(ANNA_ID, BAKERY_ID)})


def test_pages_that_do_not_read_their_answers_keep_nobody_else_waiting(broker):
    api = BrowserApi()
    with broker:
        unread = [api.call(broker, READ, None, lambda: MoniteAccess(broker, ANNA)) for _ in range(MANY)]
        assert {answer.status for answer in unread} == {200}
        for answer in unread:
            answer.body.close()


async def test_pages_that_do_not_read_their_answers_keep_no_other_task_waiting(broker):
    api = BrowserApi()

    async def find_access():
        return MoniteAccess(broker, ANNA)

    async with broker:
        unread = [await api.acall(broker, READ, None, find_access) for _ in range(MANY)]
        assert {answer.status for answer in unread} == {200}
        for answer in unread:
            await answer.body.aclose()
