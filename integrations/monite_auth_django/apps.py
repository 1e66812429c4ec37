"""The app `monite_auth_django`."""

from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

__all__ = ["MoniteAuthConfig"]


class MoniteAuthConfig(AppConfig):
    """Connects signals, watches sessions and registers system checks."""

    name = "monite_auth_django"
    label = "monite_auth_django"
    verbose_name = _("Monite")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """See AppConfig."""
        from monite_auth_django import signals  # noqa: PLC0415 - models are there only now
        from monite_auth_django.checks import check_databases, check_deployment, check_project  # noqa: PLC0415
        from monite_auth_django.store_tables import make_missing_tables  # noqa: PLC0415
        from monite_auth_django.watched import watch_sessions  # noqa: PLC0415

        signals.connect()
        watch_sessions()
        post_migrate.connect(make_missing_tables, self, dispatch_uid="monite_auth_django")
        checks.register(check_project, "monite_auth")
        checks.register(check_databases, "monite_auth", checks.Tags.database)
        checks.register(check_deployment, "monite_auth", deploy=True)
