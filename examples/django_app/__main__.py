"""Creates the example's database with its users, and serves the app: `python -m examples.django_app`."""

import argparse
import os
import signal
import sys
import tempfile

import django
from django.core.management import call_command

from examples.shared.people import PEOPLE


def seed() -> None:
    """Create the tables, the users, and their links to entity users in Monite."""
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - models can be imported only after the set-up

    call_command("migrate", verbosity=0)
    for user_id, person in PEOPLE.items():
        user = get_user_model().objects.create_user(user_id)
        # A real app creates the entity users in Monite, or staff link people in the admin.
        for organization, entity_user in person.works_for.items():
            user.monite_links.create(
                tenant=organization,
                entity_user_id=entity_user.entity_user_id,
                entity_id=entity_user.entity_id,
            )


def main() -> None:
    """Serve until a signal comes. The database is deleted when the process ends."""
    parser = argparse.ArgumentParser(prog="python -m examples.django_app")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # orderly: the broker finishes revocations
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DJANGO_SETTINGS_MODULE"] = "examples.django_app.settings"
        os.environ["APP_DATABASE"] = f"{folder}/app.sqlite3"
        django.setup()
        seed()
        call_command("runserver", f"{options.host}:{options.port}", use_reloader=False)


if __name__ == "__main__":
    main()
