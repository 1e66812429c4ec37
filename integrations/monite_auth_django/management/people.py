"""How commands name a user: by user name, or by primary key."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

__all__ = ["add_user_argument", "find_user", "user_id_of"]


def add_user_argument(parser: CommandParser, name: str, **options: Any) -> None:
    """Let the command have a user as an argument."""
    parser.add_argument(name, metavar="USER", **({"help": "User name, or primary key."} | options))


def find_user(name: str) -> Any:
    """Return the user of that name, or with that primary key; raises CommandError."""
    model = get_user_model()
    try:
        return model._default_manager.get_by_natural_key(name)  # noqa: SLF001 - Django's documented name
    except (model.DoesNotExist, AttributeError):
        pass
    try:
        return model._default_manager.get(pk=name)  # noqa: SLF001
    except (model.DoesNotExist, ValueError, ValidationError):
        raise CommandError(f"There is no user {name!r}, neither by name nor by primary key.") from None


def user_id_of(name: str) -> str | None:
    """Return the id of the user of that name, or with that primary key, as principals have it; None where there is none."""
    try:
        return str(find_user(name).pk)
    except CommandError:
        return None
