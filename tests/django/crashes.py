"""A process of a Django project that changes users, and children of it that die at every point from then on; test_crashes.py runs it.

    python -m tests.django.crashes crash POINTS     python -m tests.django.crashes drain

Each child changes one user and dies after so many lines of ours have run, counted from the commit. So the children together die between
any two of some lines that are spread evenly over all that runs until the ending is carried out and its row deleted. The parent says
how they ended, and leaves without looking after anything.
"""

import json
import os
import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="for tests only, and as long as HMAC wants a key to be",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "monite_auth_django"],
    DATABASES={"default": json.loads(os.environ["TEST_DATABASE"])},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    USE_TZ=True,
)
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - Django has to be set up first
from django.core.management import call_command  # noqa: E402
from django.db import connection, connections, transaction  # noqa: E402

from monite_auth import Principal  # noqa: E402
from monite_auth.emulator import ANNA_ID, BAKERY_ID, VIKTOR_ID  # noqa: E402
from monite_auth_django import broker  # noqa: E402
from tests.deaths import LIVED, die_in_a_child  # noqa: E402


def deactivate(user):
    user.is_active = False
    user.save()


def delete(user):
    user.delete()


def change_link(user):
    link = user.monite_links.get()
    link.entity_user_id = VIKTOR_ID
    link.save()


def change_password(user):
    user.set_password("another")
    user.save()


CHANGES = [deactivate, delete, change_link, change_password]


def in_a_transaction(change, user, death):
    with transaction.atomic():
        transaction.on_commit(death.begin)
        change(user)


def committing_by_itself(change, user, death):
    """Make a change whose first statement that changes the user or the link is committed at once."""

    def watch(execute, sql, *more):
        result = execute(sql, *more)
        if sql.startswith("UPDATE"):
            death.begin()
        return result

    if change is delete:  # Django does it in a transaction
        in_a_transaction(change, user, death)
    else:
        with connection.execute_wrapper(watch):
            change(user)


def in_a_child(how, change, user, at):
    # No thread may be inside Django's SQLite at a fork: the child would find a lock that nobody gives back.
    broker().close()
    connections.close_all()
    return die_in_a_child(lambda death: how(change, user, death), at)


def new_user(name):
    user = get_user_model().objects.create_user(name, password="secret")
    user.monite_links.create(entity_user_id=ANNA_ID, entity_id=BAKERY_ID)
    broker().token(Principal(str(user.pk), session_id=name))
    return user


def crash(points):
    call_command("migrate", verbosity=0)
    ended = []
    for how in (in_a_transaction, committing_by_itself):
        for change in CHANGES:
            name = f"{how.__name__} {change.__name__}"
            code, lines = in_a_child(how, change, new_user(f"{name} whole"), -1)
            assert (code, lines > points) == (LIVED, True), (name, code, lines)
            for point in range(points):
                at = point * lines // points
                ended.append(in_a_child(how, change, new_user(f"{name} {at}"), at)[0])
    sys.stdout.write(json.dumps(ended))
    sys.stdout.flush()
    os._exit(0)


if sys.argv[1] == "crash":
    crash(int(sys.argv[2]))
else:
    call_command("monite_drain")
