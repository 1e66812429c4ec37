"""The admin."""

import pytest
from django.urls import reverse

import monite_auth_django
from monite_auth.emulator import ANNA_ID, BAKERY_ID, Fault
from monite_auth.errors import StoreUnavailable
from monite_auth_django.models import MoniteLink
from tests.django.conftest import live, make_user
from tests.waiting import until

LIST = "/admin/monite_auth_django/monitelink/"


@pytest.fixture
def admin(client):
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def at_work(anna, emulator):
    """Anna, with a session and a token, in another browser than the admin's."""
    from django.test import Client

    browser = Client()
    browser.force_login(anna)
    assert browser.get("/me").status_code == 200
    return browser


def act(admin, action):
    chosen = [str(link.pk) for link in MoniteLink.objects.all()]
    return admin.post(LIST, {"action": action, "_selected_action": chosen}, follow=True).content.decode()


def test_links_are_listed_with_their_tokens(admin, anna, viktor, at_work):
    page = admin.get(LIST).content.decode()
    assert ANNA_ID in page
    assert "expires 29 minutes from now" in page.replace("\xa0", " ")
    assert ">none<" in page
    assert "Pending revocations, of all users: 0" in page


@pytest.mark.parametrize(
    ("query", "found"), [("ann", True), (ANNA_ID, True), (BAKERY_ID, True), ("vik", False), ("%", False)]
)
def test_links_are_found_by_users_and_ids(admin, anna, query, found):
    assert (f">{anna.username}<" in admin.get(LIST, {"q": query}).content.decode()) is found


def test_pending_revocations_are_counted(admin, anna, at_work, emulator):
    emulator.monite.faults.add(Fault(kind="status", status=500, path="/auth/revoke"))
    at_work.get("/log_out")
    until(lambda: monite_auth_django.broker().status(str(anna.pk)).pending == 1)
    assert "Pending revocations, of all users: 1" in admin.get(LIST).content.decode()
    page = admin.get(reverse("admin:monite_auth_django_monitelink_change", args=[anna.monite_links.get().pk]))
    assert "Pending revocations, of all users" in page.content.decode()
    emulator.monite.faults.clear()


def test_revoke_now_revokes_tokens_and_keeps_sessions(admin, anna, at_work, emulator):
    assert "Done for 1 user." in act(admin, "revoke_now")
    assert live(emulator) == 0
    assert at_work.get("/me").status_code == 200


def test_log_out_everywhere_ends_sessions(admin, anna, viktor, at_work, emulator):
    assert "Done for 2 users." in act(admin, "log_out_everywhere")
    assert live(emulator) == 0
    assert at_work.get("/me").json()["error"]["code"] == "session_ended"
    at_work.get("/log_in?user=anna")
    assert at_work.get("/me").status_code == 200


def test_actions_need_the_permission_to_change(anna, client):
    from django.contrib.auth.models import Permission

    reader = make_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_monitelink"))
    client.force_login(reader)
    page = client.get(LIST).content.decode()
    assert ANNA_ID in page
    assert "revoke_now" not in page


def test_a_store_that_is_down_leaves_the_admin_up(admin, anna, monkeypatch):
    def fail(self, user_id):
        raise StoreUnavailable("The store is down.")

    for name in ("status", "relink"):
        monkeypatch.setattr(f"monite_auth.TokenBroker.{name}", fail)
    page = admin.get(LIST).content.decode()
    assert "Pending revocations, of all users: unknown" in page
    assert "The store is down." in act(admin, "revoke_now")


def test_links_are_made_in_the_admin(admin):
    stranger = make_user("stranger")
    form = {"user": stranger.pk, "tenant": "", "entity_id": BAKERY_ID, "entity_user_id": ANNA_ID}
    assert admin.post(f"{LIST}add/", form).status_code == 302
    assert stranger.monite_links.get().entity_user.entity_user_id == ANNA_ID
    assert "already exists" in admin.post(f"{LIST}add/", form).content.decode()
