"""Users who are changed or deleted, and custom user models."""

import os
import subprocess
import sys

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

import monite_auth_django
from monite_auth import Principal
from tests.django.conftest import code, live


@pytest.mark.parametrize("update_fields", [None, ["is_active"]])
def test_a_user_who_is_deactivated_is_logged_out_everywhere(at_work, client, emulator, update_fields):
    at_work.is_active = False
    at_work.save(update_fields=update_fields)
    assert live(emulator) == 0
    assert client.get("/me").status_code == 401
    at_work.is_active = True
    at_work.save()
    assert code(client.get("/me")) == "session_ended"


def test_a_user_who_is_deleted_is_logged_out_everywhere(at_work, client, emulator):
    principal = Principal(str(at_work.pk), session_id=client.get("/facts").json()["session"])
    at_work.delete()
    assert live(emulator) == 0
    assert client.get("/me").status_code == 401
    with pytest.raises(Exception, match="has ended"):
        monite_auth_django.broker().token(principal)


def test_an_unrelated_change_of_a_user_revokes_nothing(at_work, client, emulator):
    at_work.first_name = "Anna"
    at_work.save()
    at_work.is_active = False
    at_work.save(update_fields=["last_login"])
    assert live(emulator) == 1


def test_a_new_password_revokes_the_tokens(at_work, emulator):
    at_work.set_password("another")
    at_work.save()
    assert live(emulator) == 0


def test_an_upgrade_of_the_password_hash_revokes_nothing(at_work, emulator, settings):
    settings(
        PASSWORD_HASHERS=[
            "django.contrib.auth.hashers.ScryptPasswordHasher",
            "django.contrib.auth.hashers.MD5PasswordHasher",
        ]
    )
    assert at_work.check_password("secret")
    assert get_user_model().objects.get().password.startswith("scrypt$")
    assert live(emulator) == 1


def test_a_proxy_of_the_user_model_counts_too(at_work, emulator):
    from tests.django.people.models import Colleague

    colleague = Colleague.objects.get(pk=at_work.pk)
    colleague.is_active = False
    colleague.save()
    assert live(emulator) == 0


# -- migrations and user models


def test_no_migration_is_missing():
    call_command("makemigrations", "monite_auth_django", check=True, dry_run=True, verbosity=0)


OTHER_USERS = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", run_syncdb=True, verbosity=0)
from django.contrib.auth import get_user_model
from django.test import Client
from django.test.utils import setup_test_environment
from monite_auth.emulator import ANNA_ID, BAKERY_ID
from monite_auth_django import broker
setup_test_environment()
anna = get_user_model().objects.create_user("anna", password="secret")
anna.monite_links.create(entity_user_id=ANNA_ID, entity_id=BAKERY_ID)
client = Client()
client.force_login(anna)
assert client.get("/me").json()["id"] == ANNA_ID
facts = client.get("/facts").json()
assert facts["user"] == str(anna.pk) and facts["session"], facts
call_command("monite_end_user", str(anna.pk), verbosity=0)
assert client.get("/me").json()["error"]["code"] == "session_ended"
anna.delete()
broker().close()
print("fine")
"""


@pytest.mark.parametrize("model", ["people.NumberedByUUID", "people.NamedByText"])
def test_a_custom_user_model_with_any_primary_key_works(emulator, monite_settings, tmp_path, model):
    environ = {f"MONITE_{name}": str(value) for name, value in monite_settings.items()} | {
        "TEST_USER_MODEL": model,
        "DJANGO_SETTINGS_MODULE": "tests.django.project.settings",
        "MONITE_STORE_URL": f"sqlite:///{tmp_path}/tokens.db",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", OTHER_USERS],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["fine"], done.stderr
