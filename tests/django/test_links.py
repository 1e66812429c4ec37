"""Changes of links and users: which tokens end, and that they end when the transaction commits."""

import threading
import time
import uuid

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction

import monite_auth_django
from monite_auth import Directory, Principal, errors
from monite_auth.emulator import ANNA_ID, BAKERY_ID, VIKTOR_ID
from monite_auth_django.directory import LinkDirectory, ProjectDirectory
from monite_auth_django.models import MoniteLink
from tests.django.conftest import close_connections, code, live, make_user

# -- the directory


def test_the_directory_reads_links(anna):
    directory = LinkDirectory()
    assert isinstance(directory, Directory)
    assert directory.find(Principal(str(anna.pk))).entity_user_id == ANNA_ID
    assert directory.find(Principal(str(anna.pk), tenant="other")) is None
    assert directory.find(Principal("4711")) is None
    assert directory.find(Principal("no primary key at all")) is None


def test_the_directory_knows_no_inactive_users(anna, settings):
    directory, principal = LinkDirectory(), Principal(str(anna.pk))
    type(anna).objects.update(is_active=False)  # an update sends no signal
    assert directory.find(principal) is None
    with pytest.raises(errors.NotLinked):
        monite_auth_django.broker().token(
            monite_auth_django.broker().for_job(str(anna.pk), since=time.time())
        )
    type(anna).objects.update(is_active=True)
    assert directory.find(principal).entity_user_id == ANNA_ID


async def test_the_directory_reads_links_on_an_event_loop(anna):
    assert (await LinkDirectory().afind(Principal(str(anna.pk)))).entity_id == BAKERY_ID
    await sync_to_async(close_connections)()


def entity_user_of(principal):
    return MoniteLink.objects.get(user=principal.user_id).entity_user


@pytest.mark.parametrize("directory", [LinkDirectory(), ProjectDirectory(entity_user_of)])
def test_a_directory_closes_what_it_opened(anna, monkeypatch, directory):
    closed = []
    monkeypatch.setattr(type(connections["default"]), "close", lambda self: closed.append(id(self)))
    directory.find(Principal(str(anna.pk)))
    assert closed == []  # this thread already had a connection, so the directory must not close it
    found = []

    def renew():
        found.append(directory.find(Principal(str(anna.pk))))
        close_connections()

    renewal = threading.Thread(target=renew)
    renewal.start()
    renewal.join()
    assert len(closed) == 1
    assert found[0].entity_user_id == ANNA_ID


def test_a_link_shows_its_user_and_tenant(anna):
    assert str(MoniteLink(user=anna)) == str(anna.pk)
    assert str(MoniteLink(user=anna, tenant="books")) == f"{anna.pk} (books)"


# -- links


def test_changing_a_link_revokes_the_old_token_and_keeps_the_session(at_work, client, emulator):
    link = at_work.monite_links.get()
    link.entity_user_id = VIKTOR_ID
    link.save()
    assert live(emulator) == 0
    assert client.get("/me").json()["id"] == VIKTOR_ID


def test_saving_an_unchanged_link_revokes_nothing(at_work, emulator):
    link = at_work.monite_links.get()
    link.entity_user_id = uuid.UUID(ANNA_ID)
    link.save()
    MoniteLink.objects.update_or_create(user=at_work, defaults={"entity_user_id": ANNA_ID})
    assert live(emulator) == 1


def test_deleting_a_link_revokes_its_token(at_work, client, emulator):
    at_work.monite_links.all().delete()
    assert live(emulator) == 0
    assert code(client.get("/me")) == "not_linked"


def test_giving_a_link_to_another_user_revokes_and_links_the_other(at_work, client, emulator):
    other = make_user("other")
    link = at_work.monite_links.get()
    link.user = other
    link.save()
    assert live(emulator) == 0
    assert code(client.get("/me")) == "not_linked"
    client.force_login(other)
    assert client.get("/me").json()["id"] == ANNA_ID


def test_nothing_ends_before_the_transaction_commits_nor_when_it_is_rolled_back(at_work, emulator):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        at_work.monite_links.all().delete()
        raise ZeroDivisionError
    assert live(emulator) == 1
    with transaction.atomic():
        at_work.monite_links.all().delete()
        assert live(emulator) == 1
    assert live(emulator) == 0


def test_a_broken_store_does_not_break_the_transaction(at_work, monkeypatch, caplog):
    def fail(self, user_id):
        raise RuntimeError("broken")

    monkeypatch.setattr("monite_auth.TokenBroker.relink", fail)
    at_work.monite_links.all().delete()
    assert MoniteLink.objects.count() == 0
    assert "relink was not recorded" in caplog.text
