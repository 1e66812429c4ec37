from django.db import migrations

from monite_auth_django.store_tables import StoreTables


class Migration(migrations.Migration):
    """Makes the tables of the token store, where `STORE_URL` is `django://…` and that database is PostgreSQL."""

    dependencies = (("monite_auth_django", "0002_events"),)

    operations = (StoreTables(1),)
