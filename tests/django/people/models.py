"""Custom user models."""

import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser, User
from django.db import models

if settings.AUTH_USER_MODEL == "auth.User":

    class Colleague(User):
        """Django's user under another name."""

        class Meta:
            proxy = True

else:

    class NumberedByUUID(AbstractUser):
        """A user whose primary key is a UUID."""

        id = models.UUIDField(primary_key=True, default=uuid.uuid4)

        class Meta:
            swappable = "AUTH_USER_MODEL"

    class NamedByText(AbstractUser):
        """A user whose primary key is text."""

        username = models.CharField(primary_key=True, max_length=50)

        class Meta:
            swappable = "AUTH_USER_MODEL"
