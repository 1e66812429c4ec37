"""Logins and logouts that cannot be recorded never change the app's own answer; the log says so."""

import asyncio

import pytest

from monite_auth import MoniteAccess, Principal, errors
from monite_auth.adapter import abegin, aend, begin, end
from tests.waiting import PATIENCE

ANNA = Principal("anna", session_id="1")
VIKTOR = Principal("viktor", session_id="2")


class Broken:
    """A broker whose store answers nothing."""

    def __init__(self):
        self.asked = []

    def logout(self, principal):
        self.asked.append(principal)
        raise errors.StoreUnavailable("The store does not answer.")

    login = logout

    async def alogout(self, principal):
        self.logout(principal)

    alogin = alogout


def no_broker():
    raise errors.ConfigurationError("No setting is right.")


def logged(caplog):
    return [each.levelname for each in caplog.records]


def test_promise_7_each_ending_is_tried_and_none_raises(caplog):
    broker = Broken()
    end(lambda: broker, [ANNA, VIKTOR])
    asyncio.run(aend(lambda: broker, [ANNA, VIKTOR]))
    assert broker.asked == [ANNA, VIKTOR] * 2
    assert logged(caplog) == ["ERROR"] * 4
    assert "A logout could not be recorded" in caplog.text
    assert "StoreUnavailable: The store does not answer." in caplog.text


def test_a_login_that_cannot_be_recorded_is_one_all_the_same(caplog):
    begin(Broken, ANNA)
    asyncio.run(abegin(Broken, ANNA))
    assert logged(caplog) == ["ERROR"] * 2
    assert "A login could not be recorded" in caplog.text


def test_an_app_whose_settings_are_wrong_logs_its_users_in_and_out(caplog):
    begin(no_broker, ANNA)
    end(no_broker, [ANNA])
    assert logged(caplog) == ["ERROR"] * 2


@pytest.mark.parametrize("is_async", [True, False])
def test_promise_7_a_logout_that_the_app_asks_for_never_raises(caplog, is_async):
    access = MoniteAccess(Broken(), ANNA)
    if is_async:
        asyncio.run(access.alogout())
    else:
        access.logout()
    assert access.logged_out
    assert logged(caplog) == ["ERROR"]


@pytest.mark.parametrize("by_access", [False, True])
def test_promise_5_endings_go_on_when_the_request_that_waits_for_them_is_cancelled(by_access):
    people = [ANNA] if by_access else [ANNA, VIKTOR]
    ended = []

    async def leave():
        may_go_on, have_ended = asyncio.Event(), asyncio.Event()

        class Slow(Broken):
            async def alogout(self, principal):
                await may_go_on.wait()
                ended.append(principal)
                if ended == people:
                    have_ended.set()

        access = MoniteAccess(Slow(), ANNA)
        request = asyncio.create_task(access.alogout() if by_access else aend(Slow, people))
        await asyncio.sleep(0)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        may_go_on.set()
        await asyncio.wait_for(have_ended.wait(), PATIENCE)

    asyncio.run(leave())
    assert ended == people
