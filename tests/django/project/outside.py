"""A middleware outside of ours that changes sessions there."""

import asyncio

from django.contrib.auth import alogout, logout
from django.http import HttpResponse

from tests.django.project.both import Both

OUTSIDE = "tests.django.project.outside.Outside"


class Outside(Both):
    """Does what the header `x-outside` says: `flush before` the view, `flush after` it, `flush instead` of it, …"""

    def serve(self, request):
        how, _, when = request.headers.get("x-outside", " ").partition(" ")
        if when in ("before", "instead"):
            WAYS[how](request)
        answer = HttpResponse("instead") if when == "instead" else self.get_response(request)
        if when == "after":
            WAYS[how](request)
        return answer

    async def aserve(self, request):
        how, _, when = request.headers.get("x-outside", " ").partition(" ")
        if when == "limit":
            return await self._limit(request, int(how))
        if when in ("before", "instead"):
            await AWAYS[how](request)
        answer = HttpResponse("instead") if when == "instead" else await self.get_response(request)
        if when == "after":
            await AWAYS[how](request)
        return answer

    async def _limit(self, request, status):
        """Cancel the view when it hangs, and answer instead."""
        request.hangs = asyncio.Event()
        serving = asyncio.ensure_future(self.get_response(request))
        await request.hangs.wait()
        serving.cancel()
        await asyncio.wait([serving])
        assert serving.cancelled()
        return HttpResponse("took too long", status=status)


def _clear(request):
    request.session.clear()


def _forget(request):
    del request.session["_auth_user_id"]


def _look(request):
    bool(request.user.is_authenticated)


WAYS = {
    "flush": lambda request: request.session.flush(),
    "clear": _clear,
    "forget": _forget,
    "logout": logout,
    "look": _look,
}


async def _aclear(request):
    request.session.clear()


async def _aforget(request):
    await request.session.apop("_auth_user_id")


async def _alook(request):
    await request.auser()


AWAYS = {
    "flush": lambda request: request.session.aflush(),
    "clear": _aclear,
    "forget": _aforget,
    "logout": alogout,
    "look": _alook,
}
