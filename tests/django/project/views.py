"""Views of the test project, each sync and async where it matters."""

from django.contrib.auth import (
    alogin,
    alogout,
    aupdate_session_auth_hash,
    get_user_model,
    login,
    logout,
    update_session_auth_hash,
)
from django.http import HttpResponse, JsonResponse
from django.views import View
from rest_framework.decorators import api_view
from rest_framework.response import Response

from monite_auth_django.decorators import monite_allowed, monite_required


def user_named(request):
    return get_user_model().objects.get(username=request.GET["user"])


def log_in(request):
    login(request, user_named(request))
    return HttpResponse("in")


async def alog_in(request):
    await alogin(request, await get_user_model().objects.aget(username=request.GET["user"]))
    return HttpResponse("in")


def log_out(request):
    logout(request)
    return HttpResponse("still in" if request.monite else "out")


async def alog_out(request):
    await alogout(request)
    return HttpResponse("still in" if await request.amonite() else "out")


def flush(request):
    request.session.flush()
    return HttpResponse("out")


async def aflush(request):
    await request.session.aflush()
    return HttpResponse("out")


def clear(request):
    request.session.clear()
    return HttpResponse("out")


async def aclear(request):
    request.session.clear()
    return HttpResponse("out")


def forget(request):
    del request.session["_auth_user_id"]
    return HttpResponse("out")


async def aforget(request):
    await request.session.apop("_auth_user_id")
    return HttpResponse("out")


def log_out_by_hand(request):
    request.monite.logout()
    return HttpResponse("out")


async def alog_out_by_hand(request):
    await request.monite.alogout()
    return HttpResponse("out")


def change_password(request):
    request.user.set_password("another")
    request.user.save()
    update_session_auth_hash(request, request.user)
    return HttpResponse("changed")


async def achange_password(request):
    user = await request.auser()
    user.set_password("another")
    await user.asave()
    request.user = user
    await aupdate_session_auth_hash(request, user)
    return HttpResponse("changed")


def put(request):
    request.session["basket"] = [1]
    return HttpResponse("put")


async def aput(request):
    await request.session.aset("basket", [1])
    return HttpResponse("put")


def nothing(request):
    return HttpResponse("nothing")


async def anothing(request):
    return HttpResponse("nothing")


def facts_of(monite):
    principal = monite.principal
    return JsonResponse(
        {
            "logged_in": bool(monite),
            "user": principal and principal.user_id,
            "session": principal and principal.session_id,
        }
    )


def facts(request):
    return facts_of(request.monite)


async def afacts(request):
    return facts_of(await request.amonite())


def me(request):
    answer = request.monite.client.get("/entity_users/me")
    return JsonResponse(answer.json(), status=answer.status_code)


async def ame(request):
    monite = await request.amonite()
    answer = await monite.aclient.get("/entity_users/me")
    return JsonResponse(answer.json(), status=answer.status_code)


def headers(request):
    return JsonResponse(request.monite.headers())


async def aheaders(request):
    await request.monite.atoken(min_ttl=1)
    await request.monite.aentity_user()
    return JsonResponse(await request.monite.aheaders())


async def asked_too_early(request):
    return HttpResponse(str(bool(request.monite)))


async def asked_too_late(request):
    monite = await request.amonite()
    return HttpResponse(str(monite.can("payable", "read")))


@monite_required
def required(request):
    return me(request)


@monite_required
async def arequired(request):
    answer = await request.monite.aclient.get("/entity_users/me")
    return JsonResponse(answer.json())


def organization(request):
    request.session["organization"] = request.GET["organization"]
    return HttpResponse("there")


async def aorganization(request):
    await request.session.aset("organization", request.GET["organization"])
    return HttpResponse("there")


def work(request):
    monite = request.monite
    may = {
        "create": monite.can("payable", "create"),
        "delete": monite.can("payable", "delete"),
        "delete own": monite.can("payable", "delete", own=True),
    }
    return JsonResponse({"headers": monite.headers(), "role": monite.role().name, "may": may})


async def awork(request):
    monite = request.monite
    may = {
        "create": await monite.acan("payable", "create"),
        "delete": await monite.acan("payable", "delete"),
        "delete own": await monite.acan("payable", "delete", own=True),
    }
    return JsonResponse({"headers": await monite.aheaders(), "role": (await monite.arole()).name, "may": may})


@monite_allowed("payable", "create")
def create(request):
    return JsonResponse(request.monite.client.post("/payables", json={"document_id": "X-1"}).json())


@monite_allowed("payable", "create")
async def acreate(request):
    answer = await request.monite.aclient.post("/payables", json={"document_id": "X-1"})
    return JsonResponse(answer.json())


class Page(View):
    def get(self, request):
        return me(request)


class APage(View):
    async def get(self, request):
        return await ame(request)


@api_view(["GET"])
def rest(request):
    return Response(request.monite.client.get("/entity_users/me").json())
