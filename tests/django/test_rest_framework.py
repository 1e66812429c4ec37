"""Django REST framework: users that it authenticates inside its views, by stored tokens or by JWTs."""

import subprocess
import sys
import time
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_out
from django.test import Client, override_settings
from django.urls import path
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication, JWTStatelessUserAuthentication
from rest_framework_simplejwt.tokens import RefreshToken

from monite_auth.emulator import ANNA_ID, VIKTOR_ID
from monite_auth_django import broker
from monite_auth_django.rest_framework import MonitePermission, MoniteTokenView, monite_permission
from tests.django.conftest import code, live, make_user
from tests.django.project.urls import urlpatterns as usual


class Api(APIView):
    authentication_classes: tuple[Any, ...] = (TokenAuthentication, JWTAuthentication, SessionAuthentication)


class Me(Api):
    permission_classes: tuple[Any, ...] = (MonitePermission,)

    def get(self, request):
        return Response(request.monite.client.get("/entity_users/me").json())


class Create(Me):
    permission_classes = (IsAuthenticated, monite_permission("payable", "create"))


class Facts(Api):
    permission_classes = ()

    def get(self, request):
        principal = request.monite.principal
        return Response({"session": principal.session_id, "since": principal.began_at})


class Logout(Api):
    def post(self, request):
        request.monite.logout()
        return Response("out")


class SignalledLogout(Api):
    """A logout that sends Django's signal, as knox does."""

    def post(self, request):
        user_logged_out.send(sender=type(request.user), request=request, user=request.user)
        return Response("out")


class GiveToken(MoniteTokenView):
    authentication_classes = Api.authentication_classes


class Stateless(Me):
    authentication_classes = (JWTStatelessUserAuthentication,)


urlpatterns = [
    *usual,
    *(
        path(f"api/{view.__name__.lower()}", view.as_view())
        for view in (Me, Create, Facts, Logout, SignalledLogout)
    ),
    path("api/token", GiveToken.as_view()),
    path("api/stateless", Stateless.as_view()),
]


@pytest.fixture(autouse=True)
def api():
    with override_settings(ROOT_URLCONF=__name__):
        yield


def refresh_token(user, **claims):
    token = RefreshToken.for_user(user)
    for name, value in claims.items():
        token[name] = value
    return token


def by_stored_token(user):
    return {"authorization": f"Token {Token.objects.get_or_create(user=user)[0].key}"}


def by_jwt(user, **claims):
    return {"authorization": f"Bearer {refresh_token(user, **claims).access_token}"}


by_any = pytest.mark.parametrize("by", [by_stored_token, by_jwt])


# -- the token view


@by_any
def test_a_user_of_drf_gets_a_token_for_their_browser(client, emulator, anna, by):
    headers = by(anna)
    for method in ("get", "post"):
        answer = getattr(client, method)("/api/token", headers=headers)
        assert answer.status_code == 200
        assert answer["cache-control"] == "private, no-store"
        assert emulator.monite.ledger.find(answer.json()["access_token"]).entity_user_id == ANNA_ID
    # This view does not use DRF's authentication.
    assert client.get("/monite/token", headers=headers).status_code == 401


def test_the_token_view_refuses_as_the_other_token_endpoint_does(client, anna):
    assert code(client.get("/api/token")) == "not_logged_in"
    headers = by_stored_token(anna)
    assert code(client.get("/api/token", headers={**headers, "sec-fetch-site": "cross-site"})) == "cross_site"
    assert client.head("/api/token", headers=headers).status_code == 405
    assert client.delete("/api/token", headers=headers).status_code == 405
    assert client.get("/api/token", headers={"authorization": "Token nonsense"}).status_code == 401
    assert code(client.get("/api/token", headers=by_stored_token(make_user("stranger")))) == "not_linked"


def test_a_post_of_a_session_needs_the_csrf_token(anna):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(anna)
    assert strict.post("/api/token").status_code == 403
    assert strict.get("/api/token").status_code == 200


# -- permissions


@by_any
def test_promise_1_requests_act_for_the_user_that_drf_authenticated(client, anna, viktor, by):
    client.force_login(viktor)
    assert client.get("/api/me").json()["id"] == VIKTOR_ID
    assert client.get("/api/me", headers=by(anna)).json()["id"] == ANNA_ID
    assert client.get("/me").json()["id"] == VIKTOR_ID


def test_anonymous_users_get_drfs_answer_and_unlinked_users_ours(client):
    refusal = client.get("/api/me")
    assert refusal.status_code in (401, 403)
    assert "detail" in refusal.json()
    refusal = client.get("/api/me", headers=by_stored_token(make_user("stranger")))
    assert (refusal.status_code, code(refusal)) == (403, "not_linked")


def test_a_permission_follows_the_role_in_monite(client, anna, viktor):
    assert client.get("/api/create", headers=by_stored_token(anna)).status_code == 200
    assert code(client.get("/api/create", headers=by_stored_token(viktor))) == "not_permitted"
    assert client.get("/api/create").status_code in (401, 403)


def test_an_unknown_object_type_is_an_error_at_the_definition():
    with pytest.raises(ValueError, match="payables"):
        monite_permission("payables", "create")


def test_a_user_who_exists_only_in_the_jwt_is_accepted(client, anna):
    assert client.get("/api/stateless", headers=by_jwt(anna, sid="1")).json()["id"] == ANNA_ID


# -- the session of a credential, and its end


@by_any
def test_promise_5_a_logout_is_final_for_the_credentials_that_it_came_with(client, emulator, anna, by):
    headers = by(anna) if by is by_stored_token else by(anna, sid="08a5", auth_time=int(time.time()))
    for end in ("logout", "signalledlogout"):
        assert client.get("/api/me", headers=headers).json()["id"] == ANNA_ID
        client.post(f"/api/{end}", headers=headers)
        assert live(emulator) == 0
        assert code(client.get("/api/me", headers=headers)) == "session_ended"
        assert code(client.get("/api/token", headers=headers)) == "session_ended"
        Token.objects.all().delete()
        headers = by(anna) if by is by_stored_token else by(anna, sid="another", auth_time=int(time.time()))


def test_promise_9_a_stored_tokens_session_does_not_show_the_token(client, anna):
    headers = by_stored_token(anna)
    session = client.get("/api/facts", headers=headers).json()["session"]
    assert session
    assert Token.objects.get().key not in session


def test_promise_5_the_session_of_a_jwt_is_its_sid_and_survives_a_refresh(client, emulator, anna):
    refresh = refresh_token(anna, sid="08a5")
    first, second = ({"authorization": f"Bearer {refresh.access_token}"} for _ in range(2))
    assert first != second  # each has its own jti
    assert client.get("/api/facts", headers=first).json() == {"session": "08a5", "since": None}
    client.get("/api/me", headers=first)
    client.post("/api/logout", headers=second)
    assert live(emulator) == 0
    assert code(client.get("/api/me", headers=first)) == "session_ended"


def test_promise_5_a_logout_of_a_jwt_without_sid_ends_all_that_began_before(client, emulator, anna):
    refresh = refresh_token(anna)
    headers = {"authorization": f"Bearer {refresh.access_token}"}
    facts = client.get("/api/facts", headers=headers).json()
    assert facts == {"session": None, "since": refresh["iat"]}
    client.get("/api/me", headers=headers)
    broker().end_user(str(anna.pk))
    assert live(emulator) == 0


def test_a_user_authenticated_by_other_means_is_served_without_a_session(anna):
    client = APIClient()
    client.force_authenticate(anna)
    assert client.get("/api/me").json()["id"] == ANNA_ID


def test_django_rest_framework_is_named_where_it_is_missing():
    code = "import sys; sys.modules['rest_framework.permissions'] = None; import monite_auth_django.rest_framework"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install djangorestframework" in done.stderr.splitlines()[-1]
