from django.db import migrations, models


class Migration(migrations.Migration):
    """Makes the table of endings that transactions of the project leave."""

    dependencies = (("monite_auth_django", "0003_store_tables"),)

    operations = (
        migrations.CreateModel(
            name="MoniteEnding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("account", models.CharField(max_length=255, verbose_name="account")),
                ("what", models.CharField(max_length=16, verbose_name="what is to be done")),
                ("user", models.CharField(max_length=255, verbose_name="user")),
                ("at", models.DateTimeField(verbose_name="at")),
            ],
            options={
                "verbose_name": "Monite ending",
                "verbose_name_plural": "Monite endings",
            },
        ),
    )
